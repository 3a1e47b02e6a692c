"""Something urgent that could not be applied: the on-call person hears of it at once, as of any other emergency."""

from dataclasses import dataclass
from datetime import datetime

from careloop.contracts.notifications import NoticeWithdrawn
from careloop.kernel.ids import EventId, FactId, derived_id
from services.notifications.domain.causes import Cause
from services.notifications.domain.codes import CauseKind
from services.notifications.domain.deciding import DecideNotice, decide_notice, notice_id
from services.notifications.domain.events import Event
from services.notifications.domain.rules import NoticeRules
from services.notifications.domain.state import NoticeBoard, initial

APPLIED = "records-applied"
"""Why such a notice is withdrawn: the event itself was decided on, and its own notice stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageWaiting:
    """The event `waiting` of a type that may be urgent. `about` is the fact it records, as far as it could be read."""

    waiting: EventId
    about: FactId
    type: str
    detail: str
    rules: NoticeRules
    now: datetime


def page_waiting(command: PageWaiting) -> list[Event]:
    """An emergency for the on-call person, and for the team when that one does not answer.

    Nothing that is known of the patient is asked: it may be the very thing that cannot be read.
    """
    cause = Cause(
        event_id=waiting_cause(command.waiting),
        fact_id=command.about,
        type=command.type,
        kind=CauseKind.RECORDS_WAIT,
        occurred_at=command.now,
        recorded_at=command.now,
        recorded_by="",
        detail=command.detail,
    )
    return decide_notice(DecideNotice(cause=cause, rules=command.rules, now=command.now), initial)


def waiting_cause(event: EventId) -> EventId:
    """What causes the notice of an event that waits; the event itself causes its own, once it is applied."""
    return EventId(derived_id("notifications", "waiting", event))


def withdraw_page(applied: Cause, board: NoticeBoard, now: datetime) -> list[Event]:
    """The end of the notice that this event waited, now that it is applied."""
    found = board.notices.get(notice_of_waiting(applied.event_id))
    if found is None or not found.is_open:
        return []
    return [NoticeWithdrawn(notice=found.decided.fact_id, reason=APPLIED, occurred_at=now)]


def notice_of_waiting(event: EventId) -> FactId:
    return notice_id(waiting_cause(event))
