"""What the notifications service stores. A class of its own is published in the words of its contract, which has fewer:
what is clinical in a notice, and what only its deliveries need, stays here."""

from dataclasses import dataclass
from typing import TypeAlias

from msgspec import UNSET, UnsetType

from careloop.contracts.notifications import Addressee, Channel, NoticeAcknowledged, NoticeWithdrawn, Priority
from careloop.contracts.terms import EnteredInError
from careloop.kernel.events import Instant, topics
from careloop.kernel.ids import EventId, FactId
from services.notifications.domain.codes import CauseKind, FailureReason
from services.notifications.domain.noted import Noted

__all__ = [
    "TOPICS",
    "DeliveryAttempted",
    "EnteredInError",
    "Event",
    "NoticeAcknowledged",
    "NoticeChange",
    "NoticeDecided",
    "NoticeEscalated",
    "NoticeFailed",
    "NoticeHandedOver",
    "NoticePaused",
    "NoticeSent",
    "NoticeWithdrawn",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeDecided:
    """Who must hear what by when: exactly one for each cause. `fact_id` is the notice's id.

    The clock starts at `cause_recorded_at`. `acknowledge_by` is None where nobody needs to acknowledge; builds that did
    not store `cause_occurred_at` leave it out. `suppressed` names why nobody is notified, '' if they are. Addressees of
    later steps are the plan as of this moment: an escalation asks the team of its own time. `named` is the person the
    cause itself names, if any, `sender` who wrote the message that it is about, `due_at` when a clinician must have
    looked if the cause says so.
    """

    fact_id: FactId
    cause: EventId
    cause_fact: FactId
    cause_type: str
    cause_recorded_at: Instant
    kind: CauseKind
    named: str
    subject: str
    detail: str
    priority: Priority
    addressees: tuple[Addressee, ...]
    acknowledge_by: Instant | None
    suppressed: str
    occurred_at: Instant
    cause_occurred_at: Instant | UnsetType = UNSET
    sender: str | UnsetType = UNSET
    due_at: Instant | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class _Delivery:
    """One attempt at notifying one person on one channel."""

    notice: FactId
    person: str
    channel: Channel
    step: int
    attempt: int
    message_id: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryAttempted(_Delivery):
    """An attempt to send is about to be made; stored before it is made, never published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeSent(_Delivery):
    """One attempt reached the next hop, or the entry lies in the person's inbox."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeFailed:
    """One attempt failed, or its outcome is unknown. `retry_at` is None if it is `final`."""

    notice: FactId
    person: str
    channel: Channel
    step: int
    attempt: int
    message_id: str
    reason: FailureReason
    final: bool
    retry_at: Instant | None
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeEscalated:
    """Nobody acknowledged in time, so the next are asked. `acknowledge_by` is their clock, None at the last page."""

    notice: FactId
    step: int
    persons: tuple[str, ...]
    channels: tuple[Channel, ...]
    acknowledge_by: Instant | None
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticePaused:
    """Somebody tried to do what the notice asks for, without success: nobody is paged before `until`."""

    notice: FactId
    until: Instant
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeHandedOver:
    """`left` holds the role no more for which they were notified, so `persons` are notified in their place."""

    notice: FactId
    left: str
    persons: tuple[str, ...]
    channels: tuple[Channel, ...]
    step: int
    occurred_at: Instant


NoticeChange: TypeAlias = (
    DeliveryAttempted
    | NoticeSent
    | NoticeFailed
    | NoticeAcknowledged
    | NoticeEscalated
    | NoticeHandedOver
    | NoticePaused
    | NoticeWithdrawn
    | EnteredInError
)
"""What may happen to a notice after it was decided."""

Event: TypeAlias = Noted | NoticeDecided | NoticeChange

TOPICS: dict[str, type[Event]] = topics("notifications", Event)
"""Every stored event by its registered name."""
