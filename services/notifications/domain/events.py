"""What the notifications service stores: one class per fact, in the past tense."""

from dataclasses import dataclass
from typing import TypeAlias, get_args

from careloop.kernel.events import Instant
from careloop.kernel.ids import EventId, FactId
from services.notifications.domain.codes import CauseKind, Channel, FailureReason, Priority, Role
from services.notifications.domain.noted import Noted


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """One person who must hear it: of `step` 0 at once, of a later step when nobody acknowledged in time."""

    person: str
    role: Role
    channels: tuple[Channel, ...]
    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeDecided:
    """Who must hear what by when: exactly one for each cause. `fact_id` is the notice's id.

    The clock starts at `cause_recorded_at`. `acknowledge_by` is None where nobody needs to acknowledge.
    `suppressed` names why nobody is notified, '' if they are. Addressees of later steps are the plan as of this
    moment: an escalation asks the team of its own time. `named` is the person the cause itself names, if any.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryAttempted:
    """An attempt to send is about to be made; stored before it is made, never published."""

    notice: FactId
    person: str
    channel: Channel
    step: int
    attempt: int
    message_id: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeSent:
    """One attempt reached the next hop, or the entry lies in the person's inbox."""

    notice: FactId
    person: str
    channel: Channel
    step: int
    attempt: int
    message_id: str
    occurred_at: Instant


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
class NoticeAcknowledged:
    """A person took the notice on."""

    notice: FactId
    acknowledged_by: str
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
class NoticeWithdrawn:
    """The notice asks for nothing more: its cause was struck, or a clinician resolved the side effect it was about."""

    notice: FactId
    reason: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class EnteredInError:
    """A notice should never have been decided: it is closed; the history of what was known stays."""

    fact_id: FactId
    reason: str
    marked_by: str
    occurred_at: Instant


NoticeChange: TypeAlias = (
    DeliveryAttempted
    | NoticeSent
    | NoticeFailed
    | NoticeAcknowledged
    | NoticeEscalated
    | NoticeWithdrawn
    | EnteredInError
)
"""What may happen to a notice after it was decided."""

Event: TypeAlias = Noted | NoticeDecided | NoticeChange

TOPICS: dict[str, type[Event]] = {f"notifications.{cls.__name__}.v1": cls for cls in get_args(Event)}
"""Every stored event by its registered name."""
