"""What the monitoring stream of a patient holds: what was noted from others, and what was reported here."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from careloop.kernel.events import Instant
from careloop.kernel.ids import EventId, FactId
from careloop.knowledge.urgency.suicide_risk import RiskLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class Medicine:
    name: str
    rxcui: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenMedicine:
    """`stopped_on` is the day of the last dose; None is still taken."""

    medicine: Medicine
    stopped_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentNoted:
    fact_id: FactId
    evidence: EventId
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class MedicationsNoted:
    """The whole reconciled list of assessment."""

    fact_id: FactId
    evidence: EventId
    medicines: tuple[TakenMedicine, ...]
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class PrescriptionNoted:
    fact_id: FactId
    evidence: EventId
    medicine: Medicine
    starts_on: date
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscontinuationNoted:
    fact_id: FactId
    evidence: EventId
    prescription: FactId
    stopped_on: date
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class StrikeNoted:
    """Another service struck one of its facts."""

    fact_id: FactId
    evidence: EventId
    occurred_at: Instant


class TriageLevel(StrEnum):
    EMERGENCY_NOW = "emergency-now"
    SAME_DAY = "same-day"
    WITHIN_72_HOURS = "within-72-hours"
    NEXT_VISIT = "next-visit"


class ReporterKind(StrEnum):
    CLIENT = "client"
    CLINICIAN = "clinician"


@dataclass(frozen=True, slots=True, kw_only=True)
class Triage:
    """`due_at` is when a clinician must have looked; None waits for the next visit."""

    level: TriageLevel
    rule: str
    rule_version: int
    red_flags: tuple[str, ...]
    due_at: Instant | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SideEffectReported:
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
    fact_id: FactId
    side_effect: FactId
    outcome: SideEffectOutcome
    action_taken: str
    resolved_by: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleScored:
    fact_id: FactId
    instrument: str
    instrument_version: int
    items: tuple[int | None, ...] | None
    total: int | None
    band: str
    flags: tuple[str, ...]
    missing: int
    source: str
    scored_by: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskRaised:
    fact_id: FactId
    scale_fact_id: FactId
    level: RiskLevel
    reason: str
    rule: str
    rule_version: int
    due_at: Instant
    occurred_at: Instant


class DoseStatus(StrEnum):
    TAKEN = "taken"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseRecorded:
    fact_id: FactId
    medicine: Medicine
    prescription: FactId | None
    status: DoseStatus
    reason: str
    recorded_by: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class EnteredInError:
    fact_id: FactId
    reason: str
    marked_by: str
    occurred_at: Instant


Noted = EnrolmentNoted | MedicationsNoted | PrescriptionNoted | DiscontinuationNoted | StrikeNoted
Reported = SideEffectReported | SideEffectResolved | ScaleScored | RiskRaised | DoseRecorded
Event = Noted | Reported | EnteredInError

TOPICS: dict[str, type[Event]] = {
    f"monitoring.{cls.__name__}.v1": cls
    for cls in (
        EnrolmentNoted,
        MedicationsNoted,
        PrescriptionNoted,
        DiscontinuationNoted,
        StrikeNoted,
        SideEffectReported,
        SideEffectResolved,
        ScaleScored,
        RiskRaised,
        DoseRecorded,
        EnteredInError,
    )
}
"""Every stored event by its registered name."""
