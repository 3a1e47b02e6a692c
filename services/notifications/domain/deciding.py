"""A cause and the notice that follows: exactly one for each cause."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from msgspec import UNSET

from careloop.contracts.assessment import EndReason
from careloop.contracts.episodes import EpisodeEndNoted
from careloop.contracts.notifications import Addressee, Channel
from careloop.kernel.decisions import guarded
from careloop.kernel.ids import EventId, FactId, derived_id
from careloop.kernel.restating import fact, restating
from services.notifications.domain.causes import ASK_FOR_AN_ACT, TABLE, Cause, Rule, Seat
from services.notifications.domain.codes import CauseKind
from services.notifications.domain.events import Event, NoticeDecided, NoticeSent
from services.notifications.domain.ladder import Recipient, Steps, steps
from services.notifications.domain.notices import IMPORTED
from services.notifications.domain.rules import NoticeRules
from services.notifications.domain.state import NoticeBoard

CAUSE_STRUCK = "cause-entered-in-error"
OLD_NEWS = "old-news"
EPISODE_CLOSED = "episode-closed"
CLIENT_DECEASED = "client-deceased"
AFTER_DEATH = frozenset(
    {CauseKind.DEATH_RECORDED, CauseKind.RECORDS_WAIT, CauseKind.MESSAGE_POSTED, CauseKind.MESSAGE_FROM_CLIENT}
)
"""The kinds that a person must see though the client died: about the death, unknown, or written to somebody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideNotice:
    cause: Cause
    rules: NoticeRules
    now: datetime


decided = fact(
    NoticeDecided,
    (Cause, Rule),
    *("fact_id", "addressees", "acknowledge_by", "suppressed", "occurred_at", "cause_occurred_at", "due_at"),
    cause="event_id",
    cause_fact="fact_id",
    cause_type="type",
    cause_recorded_at="recorded_at",
)


@guarded()
def decide_notice(command: DecideNotice, board: NoticeBoard) -> list[Event]:
    """Exactly one decision for each cause, at most once; with it, the inbox entries of those notified at once."""
    if command.cause.event_id in board.decided_causes:
        return []
    return new_notice(command, board, notice_id(command.cause.event_id))


def new_notice(command: DecideNotice, board: NoticeBoard, notice: FactId) -> list[Event]:
    """A notice of this id, with the inbox entries of those who are notified at once."""
    cause, rules = command.cause, command.rules
    rule = _without_supervisor(TABLE[cause.kind], rules)
    suppressed = why_nobody_hears(cause, board, rules)
    event = decided(
        cause,
        rule,
        fact_id=notice,
        addressees=_addressees(rule, ladder(cause.kind, cause.named, board, rules, command.now)),
        acknowledge_by=None if suppressed or not rule.acknowledged else _clock(cause, rule, rules),
        suppressed=suppressed,
        occurred_at=command.now,
        cause_occurred_at=cause.occurred_at,
        due_at=(cause.due_at if cause.kind in ASK_FOR_AN_ACT else None) or UNSET,
    )
    notified = () if suppressed else tuple(it.person for it in event.addressees if it.step == 0)
    return [event, *in_inboxes(notice, notified, rule, step=0, now=command.now)]


def ladder(kind: CauseKind, named: str, board: NoticeBoard, rules: NoticeRules, now: datetime) -> Steps:
    """The steps of the team as it is; for a named person who has left stand those who have their roles.

    Who is asked for an act because they recorded its cause is the first step, if they are in the team, and everybody
    else the next ones.
    """
    members = board.members(now)
    found = steps(_without_supervisor(TABLE[kind], rules), board.standing_for(named, now), members, rules.on_call)
    asked = [Recipient(it.person, it.role) for it in members if it.person == named][:1]
    if kind not in ASK_FOR_AN_ACT or not asked:
        return found
    others = (tuple(it for it in step if it.person != named) for step in found)
    return (tuple(asked), *(step for step in others if step))


def _without_supervisor(rule: Rule, rules: NoticeRules) -> Rule:
    """Where the programme does not ask for it, nobody sits in the supervisor's seat."""
    if rules.nurse_practitioners_supervised:
        return rule
    return replace(
        rule, rungs=tuple(tuple(seat for seat in rung if seat is not Seat.SUPERVISOR) for rung in rule.rungs)
    )


def notice_id(cause: EventId) -> FactId:
    """The notice of a cause, named by it."""
    return FactId(derived_id("notifications", "notice", cause))


def message_id(notice: FactId, person: str, step: int) -> str:
    """One name for every attempt at notifying this person in this step, so that receivers can drop what they have."""
    return f"<{derived_id('notifications', 'message', notice, person, step)}@careloop.invalid>"


def why_nobody_hears(cause: Cause, board: NoticeBoard, rules: NoticeRules) -> str:
    """The reason to notify nobody, '' where people are notified: it was struck, an importer brought it in, the episode
    of care has ended and it asks for nothing after that, or it is late and only for information. What asks something
    of a person is never too old: late is not old."""
    if cause.fact_id in board.struck:
        return CAUSE_STRUCK
    if cause.recorded_by in rules.importers:
        return IMPORTED
    if board.ended is not None and (why := _why_after(board.ended, cause)):
        return why
    late = cause.recorded_at - cause.occurred_at > rules.old_news_after
    return OLD_NEWS if late and TABLE[cause.kind].informs else ""


def _why_after(end: EpisodeEndNoted, cause: Cause) -> str:
    """Why nobody hears of it after the end of the episode; '' where somebody does.

    What is for information is for nobody now. Of a client who died nothing is asked that was true before, and nothing
    is sent to them; what is reported of a later moment says that they may live.
    """
    is_past = cause.kind is CauseKind.MESSAGE_TO_CLIENT or cause.occurred_at <= end.occurred_at
    if end.reason is EndReason.DECEASED and cause.kind not in AFTER_DEATH and is_past:
        return CLIENT_DECEASED
    return EPISODE_CLOSED if TABLE[cause.kind].informs else ""


def _clock(cause: Cause, rule: Rule, rules: NoticeRules) -> datetime:
    by_window = cause.recorded_at + rules.window(rule.priority)
    return min(by_window, cause.due_at) if cause.due_at else by_window


addressed = restating(Addressee, (Recipient, Rule), "step")


def _addressees(rule: Rule, found: Steps) -> tuple[Addressee, ...]:
    return tuple(addressed(it, rule, step=number) for number, step in enumerate(found) for it in step)


def in_inboxes(notice: FactId, persons: Iterable[str], rule: Rule, *, step: int, now: datetime) -> list[Event]:
    """The entries in these people's inboxes: they lie there as soon as they are decided, in the same transaction."""
    if Channel.INBOX not in rule.channels:
        return []
    return [
        NoticeSent(
            notice=notice,
            person=person,
            channel=Channel.INBOX,
            step=step,
            attempt=1,
            message_id=message_id(notice, person, step),
            occurred_at=now,
        )
        for person in persons
    ]
