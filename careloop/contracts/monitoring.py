"""What the monitoring service publishes on `care.monitoring.v1`."""

from dataclasses import dataclass
from enum import StrEnum

from msgspec import UNSET, UnsetType

from careloop.contracts.terms import EnteredInError, Medicine, RiskRaised, ScaleScored, Triage
from careloop.kernel.events import Instant, topics
from careloop.kernel.ids import FactId


class ReporterKind(StrEnum):
    CLIENT = "client"
    CLINICIAN = "clinician"


@dataclass(frozen=True, slots=True, kw_only=True)
class SideEffectReported:
    """A side effect, reported by the client or seen by a clinician.

    `ctcae_grade` is 1-5; `fibser_*` items are 0-6 (frequency, intensity, burden); None is not asked.
    """

    fact_id: FactId
    symptom: str
    own_words: str
    ctcae_grade: int | None
    fibser_frequency: int | None
    fibser_intensity: int | None
    fibser_burden: int | None
    suspected_medicine: Medicine | None
    reporter: ReporterKind
    reported_by: str
    triage: Triage
    occurred_at: Instant


class SideEffectOutcome(StrEnum):
    """FHIR AdverseEvent.outcome, the part used here."""

    RESOLVED = "resolved"
    RECOVERING = "recovering"
    ONGOING = "ongoing"
    RESOLVED_WITH_SEQUELAE = "resolvedWithSequelae"


@dataclass(frozen=True, slots=True, kw_only=True)
class SideEffectResolved:
    """A clinician closed the loop on a reported side effect: what was done and how it ended."""

    fact_id: FactId
    side_effect: FactId
    outcome: SideEffectOutcome
    action_taken: str
    resolved_by: str
    occurred_at: Instant


class DoseStatus(StrEnum):
    TAKEN = "taken"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseRecorded:
    """A dose was taken or skipped; `reason` says why it was skipped.

    `flags` holds `not-known-yet` where this client has no such prescription as far as is known; absent where there is
    nothing to say. `triage` is how soon somebody must read the reason; absent where none was given, and of builds that
    did not read it.
    """

    fact_id: FactId
    medicine: Medicine
    prescription: FactId | None
    status: DoseStatus
    reason: str
    recorded_by: str
    occurred_at: Instant
    flags: tuple[str, ...] | UnsetType = UNSET
    triage: Triage | UnsetType = UNSET


Published = SideEffectReported | SideEffectResolved | ScaleScored | RiskRaised | DoseRecorded | EnteredInError
TYPES = topics("care.monitoring", Published)
"""Every event type on the topic, by its name on the wire."""
