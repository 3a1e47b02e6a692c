"""What notifications knows of a patient: the care team, the facts struck, and every notice with its deliveries."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from careloop.kernel.decider import Decider
from careloop.kernel.ids import EventId, FactId
from services.notifications.domain.events import (
    Channel,
    DeliveryAttempted,
    EnteredInError,
    Event,
    NoticeAcknowledged,
    NoticeDecided,
    NoticeEscalated,
    NoticeFailed,
    NoticeSent,
    NoticeWithdrawn,
    ReleaseNoted,
    ResolutionNoted,
    StrikeNoted,
    TeamNoted,
)
from services.notifications.domain.team import CareTeam, Member

RESOLVED = "side-effect-resolved"
"""Why a notice was withdrawn whose side effect a clinician resolved."""


class NoticeStatus(StrEnum):
    """OPEN until somebody takes it on or answers it, or it no longer stands; SUPPRESSED was never told to anybody."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    WITHDRAWN = "withdrawn"
    ENTERED_IN_ERROR = "entered-in-error"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt at telling one person on one channel, counted from 1 within one step."""

    person: str
    channel: Channel
    step: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One notice now. `told` has every person once for each time they were told, in order."""

    decided: NoticeDecided
    status: NoticeStatus
    step: int
    told: tuple[str, ...]
    acknowledge_by: datetime | None
    acknowledged_by: str = ""
    begun: frozenset[Attempt] = frozenset()
    finished: frozenset[Attempt] = frozenset()

    @property
    def is_open(self) -> bool:
        return self.status is NoticeStatus.OPEN

    @property
    def is_resolved(self) -> bool:
        return self.status is NoticeStatus.RESOLVED


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeBoard:
    """All notices of one patient, and what deciding the next one needs; `resolutions` name the side effect of each."""

    team: CareTeam = field(default_factory=CareTeam)
    noted: frozenset[EventId] = frozenset()
    struck: frozenset[FactId] = frozenset()
    notices: Mapping[FactId, Notice] = field(default_factory=dict)
    decided_causes: frozenset[EventId] = frozenset()
    resolutions: Mapping[FactId, FactId] = field(default_factory=dict)

    def members(self, moment: datetime) -> tuple[Member, ...]:
        return self.team.at(moment, self.struck)

    def email_of(self, person: str) -> str:
        return self.team.email_of(person, self.struck)


def evolve(board: NoticeBoard, event: Event) -> NoticeBoard:
    match event:
        case TeamNoted() | ReleaseNoted():
            return replace(board, team=board.team.with_change(event), noted=board.noted | {event.evidence})
        case StrikeNoted():
            return replace(board, struck=board.struck | {event.fact_id}, noted=board.noted | {event.evidence})
        case ResolutionNoted():
            resolutions = {**board.resolutions, event.fact_id: event.side_effect}
            return replace(board, resolutions=resolutions, noted=board.noted | {event.evidence})
        case NoticeDecided():
            notices = {**board.notices, event.fact_id: _decided(event)}
            return replace(board, notices=notices, decided_causes=board.decided_causes | {event.cause})
        case EnteredInError():
            return _with_notice(board, event.fact_id, event)
        case _:
            return _with_notice(board, event.notice, event)


def _decided(event: NoticeDecided) -> Notice:
    told = () if event.suppressed else tuple(it.person for it in event.addressees if it.step == 0)
    status = NoticeStatus.SUPPRESSED if event.suppressed else NoticeStatus.OPEN
    return Notice(decided=event, status=status, step=0, told=told, acknowledge_by=event.acknowledge_by)


def _with_notice(board: NoticeBoard, notice_id: FactId, event: Event) -> NoticeBoard:
    notice = board.notices.get(notice_id)
    if notice is None:
        return board
    return replace(board, notices={**board.notices, notice_id: _evolve_notice(notice, event)})


def _evolve_notice(notice: Notice, event: Event) -> Notice:
    match event:
        case DeliveryAttempted():
            return replace(notice, begun=notice.begun | {attempt_of(event)})
        case NoticeSent() | NoticeFailed():
            return replace(notice, finished=notice.finished | {attempt_of(event)})
        case NoticeEscalated():
            told = (*notice.told, *event.persons)
            return replace(notice, step=event.step, told=told, acknowledge_by=event.acknowledge_by)
        case NoticeAcknowledged():
            return replace(notice, status=NoticeStatus.ACKNOWLEDGED, acknowledged_by=event.acknowledged_by)
        case NoticeWithdrawn() | EnteredInError():
            return replace(notice, status=_closed_as(event))
        case _:
            return notice


def _closed_as(event: NoticeWithdrawn | EnteredInError) -> NoticeStatus:
    if isinstance(event, EnteredInError):
        return NoticeStatus.ENTERED_IN_ERROR
    return NoticeStatus.RESOLVED if event.reason == RESOLVED else NoticeStatus.WITHDRAWN


def attempt_of(event: DeliveryAttempted | NoticeSent | NoticeFailed) -> Attempt:
    """Which attempt the event is about."""
    return Attempt(person=event.person, channel=event.channel, step=event.step, number=event.attempt)


DECIDER: Decider[NoticeBoard, Event] = Decider(initial=NoticeBoard(), evolve=evolve)
