"""What the notifications service stores: one class per fact, in the past tense."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from careloop.kernel.events import Instant
from careloop.kernel.ids import EventId, FactId


class Role(StrEnum):
    """What a person is in a patient's care team."""

    CLIENT = "client"
    PSYCHIATRIST = "psychiatrist"
    PSYCHIATRIC_NURSE_PRACTITIONER = "psychiatric-nurse-practitioner"
    THERAPIST = "therapist"
    CARE_MANAGER = "care-manager"
    PHARMACIST = "pharmacist"
    REGISTRAR = "registrar"
    OPERATOR = "operator"
    ANALYST = "analyst"
    SERVICE = "service"


class Priority(StrEnum):
    """FHIR RequestPriority, the part used here."""

    STAT = "stat"
    URGENT = "urgent"
    ROUTINE = "routine"


class Channel(StrEnum):
    """How a notice travels. `inbox` is the list inside Careloop; only there may a notice name what it is about."""

    EMAIL = "email"
    INBOX = "inbox"


class CauseKind(StrEnum):
    """What happened, as far as it matters for who must hear it."""

    RISK_HIGH = "risk-high"
    RISK_MODERATE = "risk-moderate"
    RISK_LOW = "risk-low"
    SIDE_EFFECT_EMERGENCY = "side-effect-emergency"
    SIDE_EFFECT_SAME_DAY = "side-effect-same-day"
    SIDE_EFFECT_WITHIN_72_HOURS = "side-effect-within-72-hours"
    SIDE_EFFECT_NEXT_VISIT = "side-effect-next-visit"
    PRESCRIPTION_DECLINED = "prescription-declined"
    PRESCRIPTION_ISSUED = "prescription-issued"
    DOSE_CHANGED = "dose-changed"
    PRESCRIPTION_DISCONTINUED = "prescription-discontinued"
    ASSESSMENT_COMPLETED = "assessment-completed"
    MESSAGE_POSTED = "message-posted"


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamNoted:
    """Coordination said: this person takes this role in the team from `effective_from` on."""

    evidence: EventId
    fact_id: FactId
    person: str
    role: Role
    email: str
    effective_from: Instant
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseNoted:
    """Coordination said: this person leaves this role from `effective_from` on."""

    evidence: EventId
    fact_id: FactId
    person: str
    role: Role
    effective_from: Instant
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class StrikeNoted:
    """Another service said: its fact `fact_id` was entered in error."""

    evidence: EventId
    fact_id: FactId
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """One person who must hear it. `step` 0 is told at once, later steps when nobody acknowledged in time."""

    person: str
    role: Role
    channels: tuple[Channel, ...]
    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionNoted:
    """Monitoring said: a clinician closed the loop on this side effect."""

    evidence: EventId
    fact_id: FactId
    side_effect: FactId
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeDecided:
    """Who must hear what by when: exactly one for each cause. `fact_id` is the notice's id.

    The clock starts at `cause_recorded_at`. `acknowledge_by` is None where nobody needs to acknowledge.
    `suppressed` names why nobody is told, '' if they are. Addressees of later steps are the plan as of this
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


class FailureReason(StrEnum):
    """Why an attempt did not succeed. OUTCOME_UNKNOWN: it was begun, and nobody can say how it ended."""

    OUTCOME_UNKNOWN = "outcome-unknown"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    NO_ADDRESS = "no-address"


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
    """Nobody acknowledged in time: the next people are told. `acknowledge_by` is their clock, None at the last page."""

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


Event: TypeAlias = (
    TeamNoted
    | ReleaseNoted
    | StrikeNoted
    | ResolutionNoted
    | NoticeDecided
    | DeliveryAttempted
    | NoticeSent
    | NoticeFailed
    | NoticeAcknowledged
    | NoticeEscalated
    | NoticeWithdrawn
    | EnteredInError
)

TOPICS: dict[str, type[Event]] = {
    "notifications.TeamNoted.v1": TeamNoted,
    "notifications.ReleaseNoted.v1": ReleaseNoted,
    "notifications.StrikeNoted.v1": StrikeNoted,
    "notifications.ResolutionNoted.v1": ResolutionNoted,
    "notifications.NoticeDecided.v1": NoticeDecided,
    "notifications.DeliveryAttempted.v1": DeliveryAttempted,
    "notifications.NoticeSent.v1": NoticeSent,
    "notifications.NoticeFailed.v1": NoticeFailed,
    "notifications.NoticeAcknowledged.v1": NoticeAcknowledged,
    "notifications.NoticeEscalated.v1": NoticeEscalated,
    "notifications.NoticeWithdrawn.v1": NoticeWithdrawn,
    "notifications.EnteredInError.v1": EnteredInError,
}
"""Every stored event by its registered topic name."""
