"""What other services recorded of a client, as assessment notes it in its own stream: who is in the care team, and what
must be settled before an episode of care may end. Changes of the team are noted in the words of
`careloop.contracts.care_team`."""

from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from careloop.contracts.terms import Reporter, RiskLevel, TriageLevel
from careloop.kernel.events import Instant
from careloop.kernel.ids import EventId, FactId


@dataclass(frozen=True, slots=True, kw_only=True)
class PrescriptionNoted:
    """Prescribing issued a prescription."""

    fact_id: FactId
    evidence: EventId
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class PrescriptionEndNoted:
    """Prescribing ended the `prescription`."""

    fact_id: FactId
    evidence: EventId
    prescription: FactId
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskNoted:
    """Monitoring raised a suicide risk."""

    fact_id: FactId
    evidence: EventId
    level: RiskLevel
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class RisksSeenToNoted:
    """Monitoring said: a clinician learned how the client is, or screened since, so that these risks are answered."""

    fact_id: FactId
    evidence: EventId
    risks: tuple[FactId, ...]
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenNoted:
    """Monitoring recorded answers to the suicide-risk screener, which came to this level. `reporter` is who recorded
    them by the role on their token; absent where it was not said."""

    fact_id: FactId
    evidence: EventId
    level: RiskLevel
    scored_by: str
    occurred_at: Instant
    reporter: Reporter | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyNoted:
    """An emergency was recorded, such as that the client took too much, or wrote what must be read at once."""

    fact_id: FactId
    evidence: EventId
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class SideEffectNoted:
    """Monitoring recorded a side effect that somebody must look at now or today."""

    fact_id: FactId
    evidence: EventId
    level: TriageLevel
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionNoted:
    """A clinician closed the loop on the `side_effect`."""

    fact_id: FactId
    evidence: EventId
    side_effect: FactId
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcernsNoted:
    """The safety check found `concerns` against medicines that are taken, each high or worse."""

    fact_id: FactId
    evidence: EventId
    concerns: tuple[FactId, ...]
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcernClosedNoted:
    """A prescriber answered the `concern`, or the safety check finds it no more."""

    fact_id: FactId
    evidence: EventId
    concern: FactId
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyNoticeNoted:
    """Notifications asked people to see to the emergency `cause_fact`."""

    fact_id: FactId
    evidence: EventId
    cause_fact: FactId
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgementNoted:
    """Somebody took a notice on; `fact_id` is the notice's."""

    fact_id: FactId
    evidence: EventId
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class StrikeNoted:
    """Another service struck one of its facts."""

    fact_id: FactId
    evidence: EventId
    occurred_at: Instant


OpenMatter = (
    PrescriptionNoted
    | PrescriptionEndNoted
    | RiskNoted
    | RisksSeenToNoted
    | ScreenNoted
    | EmergencyNoted
    | SideEffectNoted
    | ResolutionNoted
    | ConcernsNoted
    | ConcernClosedNoted
    | EmergencyNoticeNoted
    | AcknowledgementNoted
)
"""What says whether something is open that an episode of care may not end with."""
