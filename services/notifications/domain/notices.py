"""One notice: where it stands, whom it reached, and what each event changes in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from msgspec import UNSET

from careloop.contracts.notifications import Channel
from services.notifications.domain.events import (
    DeliveryAttempted,
    EnteredInError,
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

IMPORTED = "imported"
"""Why nobody is notified of what a named importer recorded."""
RESOLVED = "side-effect-resolved"
"""Why a notice was withdrawn whose side effect a clinician resolved."""


class NoticeStatus(StrEnum):
    """OPEN until somebody takes it on or answers it, or it no longer stands; SUPPRESSED never notified anybody."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    WITHDRAWN = "withdrawn"
    ENTERED_IN_ERROR = "entered-in-error"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt at notifying one person on one channel, counted from 1 within one step."""

    person: str
    channel: Channel
    step: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One notice now. `notified` has every person once for each time they were notified, in order, `notified_at` when
    that was last; `left` are those in whose place others were notified; `reason` says why it was withdrawn. At
    `acknowledge_by` somebody is paged next, also of one that was taken on where it `resumes`; None is never.
    `unanswered` counts the pages since anybody did anything.
    """

    decided: NoticeDecided
    status: NoticeStatus
    step: int
    notified: tuple[str, ...]
    acknowledge_by: datetime | None
    acknowledged_by: str = ""
    reason: str = ""
    withdrawn_at: datetime | None = None
    begun: frozenset[Attempt] = frozenset()
    finished: frozenset[Attempt] = frozenset()
    notified_at: Mapping[str, datetime] = field(default_factory=dict)
    left: frozenset[str] = frozenset()
    unanswered: int = 1
    resumes: bool = False

    @property
    def pages_again(self) -> bool:
        """Whether it was taken on, and somebody is paged again unless what it asks for was done."""
        return self.status is NoticeStatus.ACKNOWLEDGED and self.resumes

    @property
    def holders(self) -> tuple[str, ...]:
        """Who was notified, but those in whose place others were."""
        return tuple(person for person in dict.fromkeys(self.notified) if person not in self.left)

    @property
    def is_open(self) -> bool:
        return self.status is NoticeStatus.OPEN

    @property
    def is_imported(self) -> bool:
        """Whether an importer brought its cause in, and that still stands."""
        return self.status is NoticeStatus.SUPPRESSED and self.decided.suppressed == IMPORTED

    @property
    def is_resolved(self) -> bool:
        return self.status is NoticeStatus.RESOLVED


def newly_decided(event: NoticeDecided) -> Notice:
    """The notice as it was decided."""
    notified = () if event.suppressed else tuple(it.person for it in event.addressees if it.step == 0)
    status = NoticeStatus.SUPPRESSED if event.suppressed else NoticeStatus.OPEN
    return Notice(
        decided=event,
        status=status,
        step=0,
        notified=notified,
        acknowledge_by=event.acknowledge_by,
        notified_at=dict.fromkeys(notified, event.occurred_at),
    )


def evolve_notice(notice: Notice, event: NoticeChange) -> Notice:
    """The notice after one more event about it."""
    match event:
        case DeliveryAttempted():
            return replace(notice, begun=notice.begun | {attempt_of(event)})
        case NoticeSent() | NoticeFailed():
            return replace(notice, finished=notice.finished | {attempt_of(event)})
        case NoticeEscalated() | NoticeHandedOver():
            return _gone_on(notice, event)
        case NoticeAcknowledged() | NoticePaused():
            return _held(notice, event)
        case NoticeWithdrawn():
            return replace(notice, status=_closed_as(event), reason=event.reason, withdrawn_at=event.occurred_at)
        case EnteredInError():
            return replace(notice, status=NoticeStatus.ENTERED_IN_ERROR)
        case _:
            assert_never(event)


def _held(notice: Notice, event: NoticeAcknowledged | NoticePaused) -> Notice:
    if isinstance(event, NoticePaused):
        return replace(notice, status=NoticeStatus.OPEN, acknowledge_by=event.until, unanswered=0)
    taken = replace(notice, status=NoticeStatus.ACKNOWLEDGED, acknowledged_by=event.acknowledged_by, unanswered=0)
    return taken if event.resumes_at is UNSET else replace(taken, acknowledge_by=event.resumes_at, resumes=True)


def _gone_on(notice: Notice, event: NoticeEscalated | NoticeHandedOver) -> Notice:
    left = notice.left | {event.left} if isinstance(event, NoticeHandedOver) else notice.left
    after = replace(
        notice,
        notified=(*notice.notified, *event.persons),
        notified_at={**notice.notified_at, **dict.fromkeys(event.persons, event.occurred_at)},
        left=left.difference(event.persons),
    )
    if not isinstance(event, NoticeEscalated):
        return after
    status = NoticeStatus.OPEN if notice.pages_again else notice.status
    pages = notice.unanswered + 1
    return replace(after, step=event.step, acknowledge_by=event.acknowledge_by, status=status, unanswered=pages)


def _closed_as(event: NoticeWithdrawn) -> NoticeStatus:
    return NoticeStatus.RESOLVED if event.reason == RESOLVED else NoticeStatus.WITHDRAWN


def attempt_of(event: DeliveryAttempted | NoticeSent | NoticeFailed) -> Attempt:
    """Which attempt the event is about."""
    return Attempt(person=event.person, channel=event.channel, step=event.step, number=event.attempt)
