"""What a clinician learned or asked ends the notices that asked for it; what turns out to be a mistake ends none."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from msgspec import UNSET

from careloop.kernel.ids import EventId, derived_id
from careloop.kernel.restating import restating
from careloop.knowledge.urgency.suicide_risk import C_SSRS
from services.notifications.domain.causes import RISKS, TABLE, Cause
from services.notifications.domain.codes import CauseKind
from services.notifications.domain.deciding import DecideNotice, decide_notice
from services.notifications.domain.events import Event, NoticeDecided, NoticePaused, NoticeWithdrawn
from services.notifications.domain.noted import SafetyAnswersNoted, SettlementNoted, StrikeNoted
from services.notifications.domain.notices import Notice, NoticeStatus
from services.notifications.domain.rules import NoticeRules
from services.notifications.domain.state import NoticeBoard, evolve

ANSWERED = "risk-answered"
"""Why a notice of a risk is withdrawn: a clinician made contact, or screened since."""
ASKED = "asked-since"
"""Why a notice of a question left blank is withdrawn."""
STANDING = frozenset({NoticeStatus.OPEN, NoticeStatus.ACKNOWLEDGED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """By which rules, and when."""

    rules: NoticeRules
    now: datetime


def note_settlement(noted: SettlementNoted | SafetyAnswersNoted, board: NoticeBoard, by: Settling) -> list[Event]:
    """The note, once, and the end of every notice that it answers. An attempt that failed moves the next page."""
    if noted.evidence in board.noted:
        return []
    if isinstance(noted, SettlementNoted) and not noted.closes:
        return [noted, *_paused(noted, board, by)]
    return with_settled([noted], board, by.now)


def _paused(attempt: SettlementNoted, board: NoticeBoard, by: Settling) -> list[Event]:
    about = (it for it in board.notices.values() if it.decided.cause_fact in attempt.risks and _stands(it))
    return [
        NoticePaused(
            notice=it.decided.fact_id,
            until=by.now + by.rules.window(TABLE[it.decided.kind].priority),
            occurred_at=by.now,
        )
        for it in about
        if it.acknowledge_by is not None
    ]


def with_settled(events: list[Event], board: NoticeBoard, now: datetime) -> list[Event]:
    """These events, and the end of what is answered after them."""
    for event in events:
        board = evolve(board, event)
    ended = ((it, _answer(it, board)) for it in board.notices.values() if _stands(it))
    return [
        *events,
        *(NoticeWithdrawn(notice=it.decided.fact_id, reason=why, occurred_at=now) for it, why in ended if why),
    ]


def _stands(notice: Notice) -> bool:
    return notice.status in STANDING or notice.is_imported


def _answer(notice: Notice, board: NoticeBoard) -> str:
    """Why the notice asks for nothing more, '' while it does."""
    decided = notice.decided
    if decided.kind in RISKS:
        closing = (it for it in board.settlements if it.closes and it.fact_id not in board.struck)
        return ANSWERED if any(decided.cause_fact in it.risks for it in closing) else ""
    if decided.kind is not CauseKind.SAFETY_ITEM_MISSING or decided.cause_occurred_at is UNSET:
        return ""
    since = decided.cause_occurred_at
    answers = (it for it in board.safety_answers if it.fact_id not in board.struck and it.occurred_at > since)
    return ASKED if any(it.instrument in (decided.detail, C_SSRS) for it in answers) else ""


again = restating(
    Cause,
    NoticeDecided,
    *("event_id", "occurred_at", "recorded_at", "recorded_by", "due_at"),
    fact_id="cause_fact",
    type="cause_type",
)


def stand_again(strike: StrikeNoted, board: NoticeBoard, by: Settling) -> list[Event]:
    """What the struck fact had ended is open again with a clock from now, unless something else ends it too.

    Nothing for a strike of anything else, or noted before.
    """
    if strike.evidence in board.noted:
        return []
    without = evolve(board, strike)
    found: list[Event] = []
    for notice in _ended_by_answers(board.notices.values()):
        if _answer(notice, board) and not _answer(notice, without):
            found += decide_notice(
                DecideNotice(cause=_cause(notice, strike, by.now), rules=by.rules, now=by.now), without
            )
    return found


def _ended_by_answers(notices: Iterable[Notice]) -> list[Notice]:
    return [it for it in notices if it.status is NoticeStatus.WITHDRAWN and it.reason in (ANSWERED, ASKED)]


def _cause(notice: Notice, strike: StrikeNoted, now: datetime) -> Cause:
    event = EventId(derived_id("notifications", "unsettled", strike.evidence, notice.decided.fact_id))
    occurred_at = now if notice.decided.cause_occurred_at is UNSET else notice.decided.cause_occurred_at
    return again(notice.decided, event_id=event, occurred_at=occurred_at, recorded_at=now, recorded_by="", due_at=None)
