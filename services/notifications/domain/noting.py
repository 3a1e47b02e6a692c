"""What another service recorded and what follows for open notices: each is noted once."""

from dataclasses import dataclass
from datetime import datetime

from careloop.kernel.decisions import guarded
from careloop.kernel.restating import restating
from services.notifications.domain.causes import Cause
from services.notifications.domain.deciding import CAUSE_STRUCK, DecideNotice, decide_notice
from services.notifications.domain.events import Event, NoticeDecided, NoticeWithdrawn
from services.notifications.domain.noted import ReleaseNoted, ResolutionNoted, StrikeNoted, TeamNoted, TimeZoneNoted
from services.notifications.domain.notices import RESOLVED, Notice
from services.notifications.domain.rules import NoticeRules
from services.notifications.domain.screenings import screened_since, strike_screening
from services.notifications.domain.state import NoticeBoard, evolve


def note_team(fact: TeamNoted | ReleaseNoted, board: NoticeBoard) -> list[Event]:
    """A change of the team, once. Who is now known to be a clinician may have screened after an imported risk."""
    if fact.evidence in board.noted:
        return []
    return [fact, *screened_since(evolve(board, fact), fact.occurred_at)]


def note_time_zone(zone: TimeZoneNoted, board: NoticeBoard) -> list[Event]:
    """Where the client lives, once."""
    return [] if zone.evidence in board.noted else [zone]


def note_strike(strike: StrikeNoted, board: NoticeBoard) -> list[Event]:
    """The struck fact, and the withdrawal of every open notice that it caused."""
    if strike.evidence in board.noted:
        return []
    notices = (it for it in board.notices.values() if it.is_open or it.is_imported)
    caused = (it for it in notices if it.decided.cause_fact == strike.fact_id)
    return [strike, *(_withdrawn(notice, CAUSE_STRUCK, strike.occurred_at) for notice in caused)]


def note_resolution(resolution: ResolutionNoted, board: NoticeBoard) -> list[Event]:
    """The resolution, and the end of every open notice about what it resolves: a clinician's answer stops the clock."""
    if resolution.evidence in board.noted:
        return []
    about = (it for it in board.notices.values() if it.decided.cause_fact == resolution.side_effect and it.is_open)
    return [resolution, *(_withdrawn(notice, RESOLVED, resolution.occurred_at) for notice in about)]


def settled(cause: Cause, board: NoticeBoard, now: datetime) -> list[Event]:
    """The end of every open notice about the fact that the cause settles."""
    if cause.settles is None:
        return []
    about = (it for it in board.notices.values() if it.decided.cause_fact == cause.settles and it.is_open)
    return [_withdrawn(notice, RESOLVED, now) for notice in about]


def _withdrawn(notice: Notice, reason: str, occurred_at: datetime) -> Event:
    return NoticeWithdrawn(notice=notice.decided.fact_id, reason=reason, occurred_at=occurred_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideAgain:
    """What a strike asks for besides being noted, if it struck a resolution."""

    strike: StrikeNoted
    rules: NoticeRules
    now: datetime


again = restating(
    Cause,
    NoticeDecided,
    *("event_id", "occurred_at", "recorded_at", "recorded_by", "due_at"),
    fact_id="cause_fact",
    type="cause_type",
)


@guarded()
def decide_again(command: DecideAgain, board: NoticeBoard) -> list[Event]:
    """A resolution was struck: what it had answered is open again, so a new notice is decided with a clock from now.
    A screening was struck: the imported risks that it had ended stand again.

    Its cause is the strike. Nothing for a strike of anything else, or noted before.
    """
    strike = command.strike
    if again_standing := strike_screening(strike, board, command.now):
        return again_standing
    side_effect = board.resolutions.get(strike.fact_id)
    if side_effect is None or strike.evidence in board.noted:
        return []
    answered = [it for it in board.notices.values() if it.decided.cause_fact == side_effect and it.is_resolved]
    if not answered:
        return []
    cause = again(
        answered[-1].decided,
        event_id=strike.evidence,
        occurred_at=command.now,
        recorded_at=command.now,
        recorded_by="",
        due_at=None,
    )
    return decide_notice(DecideNotice(cause=cause, rules=command.rules, now=command.now), board)
