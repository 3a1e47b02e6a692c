"""Risks that an importer brought in: nobody is paged, and they stand until a clinician has screened since."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from msgspec import UNSET

from careloop.contracts.terms import Reporter
from careloop.kernel.decisions import guarded
from careloop.kernel.ids import FactId, derived_id
from services.notifications.domain.causes import RISKS, Cause
from services.notifications.domain.deciding import OLD_NEWS, DecideNotice, new_notice, why_nobody_hears
from services.notifications.domain.events import Event, NoticeDecided, NoticeWithdrawn
from services.notifications.domain.noted import ScreeningNoted, StrikeNoted
from services.notifications.domain.notices import IMPORTED, Notice, NoticeStatus
from services.notifications.domain.rules import NoticeRules
from services.notifications.domain.state import NoticeBoard, evolve

SCREENED = "screened-since"
"""Why an imported risk ends: a clinician asked again, and what that found speaks for itself."""


def of_importers(screening: ScreeningNoted, rules: NoticeRules) -> ScreeningNoted:
    """What an importer recorded was asked by nobody now, whatever the role on its token."""
    return replace(screening, reporter=Reporter.UNKNOWN) if screening.screened_by in rules.importers else screening


def note_screening(screening: ScreeningNoted, board: NoticeBoard) -> list[Event]:
    """The screening, once, and the end of every imported risk that it came after."""
    if screening.evidence in board.noted:
        return []
    return [screening, *screened_since(evolve(board, screening), screening.occurred_at)]


def screened_since(board: NoticeBoard, now: datetime) -> list[Event]:
    """The end of every imported risk after which a clinician screened, in the care team or not."""
    ended = (it for it in board.notices.values() if waits_for_screening(it) and _is_screened(it, board))
    return [NoticeWithdrawn(notice=it.decided.fact_id, reason=SCREENED, occurred_at=now) for it in ended]


def waits_for_screening(notice: Notice) -> bool:
    """Whether it is about an imported risk that still stands."""
    return notice.decided.kind in RISKS and notice.is_imported


def _is_screened(notice: Notice, board: NoticeBoard) -> bool:
    since = notice.decided.cause_occurred_at
    return since is not UNSET and any(
        it.occurred_at > since and _is_by_clinician(it, board)
        for it in board.screenings
        if it.fact_id not in board.struck
    )


def _is_by_clinician(screening: ScreeningNoted, board: NoticeBoard) -> bool:
    """By the role on the token. Where that was not said, somebody who was never in the team, or only as the client, is
    not known to be a clinician."""
    if screening.reporter is UNSET:
        return board.team.is_clinician(screening.screened_by, board.struck)
    return screening.reporter is Reporter.CLINICIAN


def strike_screening(strike: StrikeNoted, board: NoticeBoard, now: datetime) -> list[Event]:
    """What a struck screening had ended stands again, unless another screening ends it too.

    Its cause is the strike. Nothing for a strike of anything else, or noted before.
    """
    if strike.evidence in board.noted or all(it.fact_id != strike.fact_id for it in board.screenings):
        return []
    without = evolve(board, strike)
    ended = (it for it in board.notices.values() if it.status is NoticeStatus.WITHDRAWN and it.reason == SCREENED)
    return [_again(it.decided, strike, now) for it in ended if not _is_screened(it, without)]


def _again(notice: NoticeDecided, strike: StrikeNoted, now: datetime) -> NoticeDecided:
    again = FactId(derived_id("notifications", "notice", strike.evidence, notice.fact_id))
    return replace(notice, fact_id=again, cause=strike.evidence, occurred_at=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconsider:
    """A cause that came before late things were news is looked at by the rules of today."""

    cause: Cause
    rules: NoticeRules
    now: datetime


@guarded()
def reconsider(command: Reconsider, board: NoticeBoard) -> list[Event]:
    """A second notice of a cause that was suppressed as old news and asks something of a person: its clock starts now.

    Nothing where that was done before, or a clinician answered the side effect meanwhile.
    """
    cause, again = command.cause, _reconsidered_id(command.cause)
    first = (it.decided for it in board.notices.values() if it.decided.cause == cause.event_id)
    suppressed = any(it.suppressed == OLD_NEWS for it in first)
    if not suppressed or again in board.notices or cause.fact_id in board.resolutions.values():
        return []
    if why_nobody_hears(cause, board, command.rules) == OLD_NEWS:
        return []
    from_now = replace(cause, recorded_at=command.now, due_at=None)
    made = new_notice(DecideNotice(cause=from_now, rules=command.rules, now=command.now), board, again)
    return with_screened(made, board, command.now)


def with_screened(made: list[Event], board: NoticeBoard, now: datetime) -> list[Event]:
    """These events, and the end of the imported risks among them that a clinician has screened already."""
    return [*made, *screened_since(_after(board, made), now)] if any(map(_is_imported, made)) else made


def _is_imported(event: Event) -> bool:
    return isinstance(event, NoticeDecided) and event.suppressed == IMPORTED


def _after(board: NoticeBoard, events: Iterable[Event]) -> NoticeBoard:
    for event in events:
        board = evolve(board, event)
    return board


def _reconsidered_id(cause: Cause) -> FactId:
    return FactId(derived_id("notifications", "reconsidered", cause.event_id))
