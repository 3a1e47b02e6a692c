"""What the prescribing stream of a patient holds: what was noted from others, and what was decided here."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from msgspec import UNSET, UnsetType

from careloop.kernel.events import Instant
from careloop.kernel.ids import EventId, FactId
from careloop.knowledge.chart import Allergy, Condition, Lab, Medication, Pregnancy, Sex, SuicideRisk, Trial
from careloop.knowledge.findings import Screening


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileNoted:
    """Birth date and sex, as the patient was enrolled."""

    fact_id: FactId
    evidence: EventId
    birth_date: date
    sex: Sex
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryNoted:
    """Conditions and earlier treatments; adds to what was noted before."""

    fact_id: FactId
    evidence: EventId
    conditions: tuple[Condition, ...]
    trials: tuple[Trial, ...]
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class MedicationsNoted:
    """The whole list of current medications; an empty one means it was said that none are taken."""

    fact_id: FactId
    evidence: EventId
    medications: tuple[Medication, ...]
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class AllergiesNoted:
    """The whole allergy list; an empty one means it was said that none are known."""

    fact_id: FactId
    evidence: EventId
    allergies: tuple[Allergy, ...]
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class PregnancyNoted:
    """The latest known answer counts."""

    fact_id: FactId
    evidence: EventId
    status: Pregnancy
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultsNoted:
    """Results of laboratories and measurements; adds to what was noted before. Empty: it was said there are none."""

    fact_id: FactId
    evidence: EventId
    results: tuple[Lab, ...]
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisNoted:
    fact_id: FactId
    evidence: EventId
    icd10: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class SuicideRiskNoted:
    """The latest known level of suicide risk."""

    fact_id: FactId
    evidence: EventId
    level: SuicideRisk
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class SideEffectNoted:
    """A reported side effect; `ctcae_grade` is 1-5, None if it was not graded."""

    fact_id: FactId
    evidence: EventId
    suspected_medicine: str
    suspected_rxcui: str
    ctcae_grade: int | None
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class StrikeNoted:
    """Another service struck one of its facts."""

    fact_id: FactId
    evidence: EventId
    occurred_at: Instant


class OverrideReason(StrEnum):
    """Why a prescriber goes on in spite of an alert."""

    BENEFIT_OUTWEIGHS_RISK = "benefit-outweighs-risk"
    WILL_MONITOR = "will-monitor"
    PATIENT_HAS_TOLERATED = "patient-has-tolerated"
    DOSE_ADJUSTED = "dose-adjusted"
    CROSS_TAPER = "cross-taper"
    ALERT_NOT_APPLICABLE = "alert-not-applicable"
    NO_ALTERNATIVE = "no-alternative"


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A coded answer to the alert of `rule` that involves exactly `involves`, or to `not-checked:<check>`."""

    rule: str
    involves: tuple[str, ...]
    reason: OverrideReason
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePosition:
    """How far this service had read a partition of a source, and the moment up to which that was all there was."""

    source: str
    partition: int
    position: int
    fresh_as_of: Instant | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionCapsule:
    """Why it was decided so: the answer of the check, what answered its alerts, and what all of it stood on.

    `stream_version` is the version of this stream that was decided on; folding that many events and running the
    check of the named knowledge as of `as_of`, less the prescription whose dose was `changing`, gives the same answer.
    What was stored before these two were kept leaves them out.
    """

    screening: Screening
    overrides: tuple[Override, ...]
    evidence: tuple[EventId, ...]
    stream_version: int
    source_positions: tuple[SourcePosition, ...]
    as_of: date | UnsetType = UNSET
    changing: FactId | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class Medicine:
    name: str
    rxcui: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`daily_dose_mg` is in milligrams a day, `sig` says in words how to take it."""

    medicine: Medicine
    daily_dose_mg: Decimal | None
    sig: str
    days_supply: int | None
    starts_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PrescriptionIssued:
    fact_id: FactId
    order: Order
    ingredients: tuple[str, ...]
    prescriber: str
    capsule: DecisionCapsule
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class PrescriptionDeclined:
    """The order was declined; `reasons` are slugs, worst first."""

    fact_id: FactId
    order: Order
    prescriber: str
    reasons: tuple[str, ...]
    capsule: DecisionCapsule
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseChanged:
    fact_id: FactId
    prescription: FactId
    from_daily_dose_mg: Decimal | None
    to_daily_dose_mg: Decimal
    effective_on: date
    reason: str
    prescriber: str
    capsule: DecisionCapsule
    occurred_at: Instant


Decided = PrescriptionIssued | PrescriptionDeclined | DoseChanged


class StatusReason(StrEnum):
    """FHIR MedicationRequest.statusReason."""

    ALTERNATIVE_CHOICE = "altchoice"
    CLARIFICATION = "clarif"
    LEVEL_TOO_HIGH = "drughigh"
    HOSPITAL_ADMISSION = "hospadm"
    LAB_INTERFERENCE = "labint"
    NOT_AVAILABLE = "non-avail"
    PREGNANCY = "preg"
    ALLERGY = "salg"
    INTERACTION = "sddi"
    DUPLICATE = "sdupther"
    INTOLERANCE = "sintol"
    SURGERY = "surg"
    WASHOUT = "washout"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrescriptionDiscontinued:
    """`stopped_on` is the day of the last dose."""

    fact_id: FactId
    prescription: FactId
    status_reason: StatusReason
    stopped_on: date
    prescriber: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class EnteredInError:
    """A fact of this service should never have been recorded."""

    fact_id: FactId
    reason: str
    marked_by: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleNoted:
    """The band of a scale that the safety check reads as a condition; of each instrument the latest counts."""

    fact_id: FactId
    evidence: EventId
    instrument: str
    band: str
    occurred_at: Instant


Noted = (
    ProfileNoted
    | HistoryNoted
    | MedicationsNoted
    | AllergiesNoted
    | PregnancyNoted
    | ResultsNoted
    | DiagnosisNoted
    | ScaleNoted
    | SuicideRiskNoted
    | SideEffectNoted
    | StrikeNoted
)
Event = Noted | PrescriptionIssued | PrescriptionDeclined | DoseChanged | PrescriptionDiscontinued | EnteredInError

TOPICS: dict[str, type[Event]] = {
    f"prescribing.{cls.__name__}.v1": cls
    for cls in (
        ProfileNoted,
        HistoryNoted,
        MedicationsNoted,
        AllergiesNoted,
        PregnancyNoted,
        ResultsNoted,
        DiagnosisNoted,
        ScaleNoted,
        SuicideRiskNoted,
        SideEffectNoted,
        StrikeNoted,
        PrescriptionIssued,
        PrescriptionDeclined,
        DoseChanged,
        PrescriptionDiscontinued,
        EnteredInError,
    )
}
"""Every stored event by its registered name."""
