"""The end of a client's episode of care: what was open ends with it, and stands again where the end was a mistake."""

from collections.abc import Iterable
from datetime import datetime

from careloop.contracts.assessment import EndReason
from careloop.contracts.episodes import EpisodeBegunNoted, EpisodeEndNoted
from careloop.contracts.notifications import NoticeWithdrawn
from careloop.kernel.ids import FactId, derived_id
from services.notifications.domain.causes import EMERGENCIES, TABLE
from services.notifications.domain.codes import CauseKind
from services.notifications.domain.deciding import (
    AFTER_DEATH,
    CLIENT_DECEASED,
    EPISODE_CLOSED,
    DecideNotice,
    new_notice,
)
from services.notifications.domain.events import Event, NoticeDecided
from services.notifications.domain.noted import StrikeNoted
from services.notifications.domain.notices import Notice
from services.notifications.domain.noting import again
from services.notifications.domain.rules import NoticeRules
from services.notifications.domain.state import NoticeBoard, evolve


def note_begun(begun: EpisodeBegunNoted, board: NoticeBoard) -> list[Event]:
    """The enrolment, once."""
    return [] if begun in board.episodes.begun else [begun]


def note_end(end: EpisodeEndNoted, board: NoticeBoard) -> list[Event]:
    """The end, once, and with it every open notice that waits for somebody to take it on.

    The clocks of emergencies run on; where the client died, those end too, and what was on its way to the client.
    Nothing is withdrawn where the end was struck, or the client is in care again.
    """
    if end in board.episodes.ends:
        return []
    after = evolve(board, end)
    if after.ended is not end:
        return [end]
    reason = _reason(end)
    over = (it for it in board.notices.values() if it.is_open and _ends_with(it, reason))
    return [
        end,
        *(NoticeWithdrawn(notice=it.decided.fact_id, reason=reason, occurred_at=end.occurred_at) for it in over),
    ]


def _reason(end: EpisodeEndNoted) -> str:
    return CLIENT_DECEASED if end.reason is EndReason.DECEASED else EPISODE_CLOSED


def _ends_with(notice: Notice, reason: str) -> bool:
    kind = notice.decided.kind
    if reason == CLIENT_DECEASED:
        return kind is CauseKind.MESSAGE_TO_CLIENT or (TABLE[kind].acknowledged and kind not in AFTER_DEATH)
    return TABLE[kind].acknowledged and kind not in EMERGENCIES


def reopen(strike: StrikeNoted, board: NoticeBoard, rules: NoticeRules, now: datetime) -> list[Event]:
    """An end was struck: what was withdrawn with it is asked again, with clocks from now. Its cause is the strike.

    Nothing for a strike of anything else, or noted before, and while another end stands.
    """
    end = next((it for it in board.episodes.ends if it.fact_id == strike.fact_id), None)
    without = evolve(board, strike)
    if end is None or strike.evidence in board.noted or without.ended is not None:
        return []
    found: list[Event] = []
    for notice in _withdrawn_with(end, without):
        cause = again(notice, event_id=strike.evidence, occurred_at=now, recorded_at=now, recorded_by="", due_at=None)
        standing = FactId(derived_id("notifications", "notice", strike.evidence, notice.fact_id))
        found += new_notice(DecideNotice(cause=cause, rules=rules, now=now), without, standing)
    return found


def _withdrawn_with(end: EpisodeEndNoted, board: NoticeBoard) -> Iterable[NoticeDecided]:
    with_it = (it for it in board.notices.values() if (it.reason, it.withdrawn_at) == (_reason(end), end.occurred_at))
    return (it.decided for it in with_it if it.decided.cause_fact not in board.struck)
