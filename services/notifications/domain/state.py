"""What notifications knows of a patient: the care team, the facts struck, and every notice with its deliveries."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never
from zoneinfo import ZoneInfo

from careloop.contracts.episodes import EpisodeBegunNoted, EpisodeEndNoted, Episodes
from careloop.kernel.decider import Decider
from careloop.kernel.errors import NotKnown
from careloop.kernel.ids import EventId, FactId
from careloop.knowledge.local_time import zone_named
from services.notifications.domain.events import (
    DeliveryAttempted,
    EnteredInError,
    Event,
    NoticeAcknowledged,
    NoticeChange,
    NoticeDecided,
    NoticeEscalated,
    NoticeFailed,
    NoticeHandedOver,
    NoticePaused,
    NoticeSent,
    NoticeWithdrawn,
)
from services.notifications.domain.noted import (
    ReleaseNoted,
    ResolutionNoted,
    SafetyAnswersNoted,
    ScreeningNoted,
    SettlementNoted,
    StrikeNoted,
    TeamNoted,
    TimeZoneNoted,
)
from services.notifications.domain.notices import Notice, evolve_notice, newly_decided
from services.notifications.domain.team import Member, Team


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeBoard:
    """All notices of one patient, and what deciding the next one needs; `resolutions` name the side effect of each."""

    team: Team = field(default_factory=Team)
    noted: frozenset[EventId] = frozenset()
    struck: frozenset[FactId] = frozenset()
    notices: Mapping[FactId, Notice] = field(default_factory=dict)
    decided_causes: frozenset[EventId] = frozenset()
    resolutions: Mapping[FactId, FactId] = field(default_factory=dict)
    screenings: tuple[ScreeningNoted, ...] = ()
    zones: tuple[TimeZoneNoted, ...] = ()
    episodes: Episodes = field(default_factory=Episodes)
    settlements: tuple[SettlementNoted, ...] = ()
    safety_answers: tuple[SafetyAnswersNoted, ...] = ()

    @property
    def ended(self) -> EpisodeEndNoted | None:
        """The end by which the client is in no episode of care now."""
        return self.episodes.ended(self.struck)

    @property
    def zone(self) -> ZoneInfo:
        """Where the client lives; UTC while nobody said."""
        noted = [it for it in self.zones if it.fact_id not in self.struck]
        return zone_named(max(noted, key=lambda it: it.occurred_at).time_zone if noted else "UTC")

    def notice(self, notice_id: FactId, field: str = "notice_id") -> Notice:
        """Raises NotKnown, which names the request's `field`, if this patient has no such notice."""
        notice = self.notices.get(notice_id)
        if notice is None:
            raise NotKnown("notice-not-known", "There is no such notice of this patient.", field=field)
        return notice

    def members(self, moment: datetime) -> tuple[Member, ...]:
        return self.team.at(moment, self.struck)

    def has_left(self, person: str, moment: datetime) -> bool:
        return self.team.has_left(person, moment, self.struck)

    def standing_for(self, person: str, moment: datetime) -> tuple[str, ...]:
        """The person, or who has the roles that they had before they left; nobody where nobody has."""
        if not self.has_left(person, moment):
            return (person,)
        roles = self.team.roles_had(person, moment, self.struck)
        return tuple(member.person for member in self.team.in_place_of(roles, moment, self.struck))

    def email_of(self, person: str) -> str:
        return self.team.email_of(person, self.struck)


initial = NoticeBoard()


def evolve(board: NoticeBoard, event: Event) -> NoticeBoard:
    """What is known after one more event."""
    match event:
        case TeamNoted() | ReleaseNoted():
            board = replace(board, team=board.team.with_change(event), noted=board.noted | {event.evidence})
        case StrikeNoted():
            board = replace(board, struck=board.struck | {event.fact_id}, noted=board.noted | {event.evidence})
        case ResolutionNoted():
            resolutions = {**board.resolutions, event.fact_id: event.side_effect}
            board = replace(board, resolutions=resolutions, noted=board.noted | {event.evidence})
        case SettlementNoted():
            noted = board.noted | {event.evidence}
            board = replace(board, settlements=(*board.settlements, event), noted=noted)
        case SafetyAnswersNoted():
            noted = board.noted | {event.evidence}
            board = replace(board, safety_answers=(*board.safety_answers, event), noted=noted)
        case TimeZoneNoted():
            board = replace(board, zones=(*board.zones, event), noted=board.noted | {event.evidence})
        case EpisodeBegunNoted() | EpisodeEndNoted():
            board = replace(board, episodes=board.episodes.having(event))
        case ScreeningNoted():
            noted = board.noted | {event.evidence}
            board = replace(board, screenings=(*board.screenings, event), noted=noted)
        case NoticeDecided():
            notices = {**board.notices, event.fact_id: newly_decided(event)}
            board = replace(board, notices=notices, decided_causes=board.decided_causes | {event.cause})
        case EnteredInError():
            board = _with_notice(board, event.fact_id, event)
        case (
            DeliveryAttempted()
            | NoticeSent()
            | NoticeFailed()
            | NoticeAcknowledged()
            | NoticeEscalated()
            | NoticeHandedOver()
            | NoticePaused()
            | NoticeWithdrawn()
        ):
            board = _with_notice(board, event.notice, event)
        case _:
            assert_never(event)
    return board


def _with_notice(board: NoticeBoard, notice_id: FactId, event: NoticeChange) -> NoticeBoard:
    notice = board.notices.get(notice_id)
    if notice is None:
        return board
    return replace(board, notices={**board.notices, notice_id: evolve_notice(notice, event)})


DECIDER: Decider[NoticeBoard, Event] = Decider(initial=initial, evolve=evolve)
