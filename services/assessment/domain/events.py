"""What the assessment service stores: one class per fact, in the past tense."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from careloop.knowledge.urgency.suicide_risk import RiskLevel


class Sex(StrEnum):
    """FHIR AdministrativeGender."""

    FEMALE = "female"
    MALE = "male"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyContact:
    name: str
    relationship: str
    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where the client is when at home, and the nearest emergency department for it."""

    address: str
    emergency_department: str
    emergency_department_phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientEnrolled:
    """A client joined the programme, or their identity was put right. `time_zone` is an IANA name."""

    fact_id: FactId
    name: str
    birth_date: date
    sex: Sex
    phone: str = ""
    email: str = ""
    emergency_contact: EmergencyContact | None = None
    location: Location | None = None
    time_zone: str = "UTC"
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """One code of one system (`icd-10-cm`, `snomed`, ...) with its display text."""

    system: str
    code: str
    display: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Medicine:
    """A medicine as its source named it. `rxcui` is an RxNorm concept id, of a product or an ingredient."""

    name: str
    rxcui: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A condition of the history; `clinical_status` as in FHIR (active, resolved, ...)."""

    coding: Coding
    clinical_status: str
    onset: date | None = None


class TreatmentResponse(StrEnum):
    NONE = "none"
    PARTIAL = "partial"
    RESPONSE = "response"
    REMISSION = "remission"
    UNKNOWN = "unknown"


class StoppedFor(StrEnum):
    INEFFICACY = "inefficacy"
    INTOLERANCE = "intolerance"
    ALLERGY = "allergy"
    OTHER = "other"
    UNKNOWN = "unknown"
    NOT_STOPPED = "not-stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierTreatment:
    """One earlier medication trial: milligrams a day, and weeks at that dose. None is unknown."""

    medicine: Medicine
    daily_dose_mg: Decimal | None = None
    weeks: int | None = None
    response: TreatmentResponse = TreatmentResponse.UNKNOWN
    side_effects: tuple[str, ...] = ()
    stopped_for: StoppedFor = StoppedFor.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRecorded:
    """Medical and psychiatric history; each recording adds to the earlier ones.

    `nothing_known`: it was asked for and there is none.
    """

    fact_id: FactId
    conditions: tuple[Condition, ...]
    earlier_treatments: tuple[EarlierTreatment, ...]
    source: str
    occurred_at: Instant
    nothing_known: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentMedication:
    """A medication the client takes, or took until the day of its last dose, `stopped_on`. None is unknown."""

    medicine: Medicine
    daily_dose_mg: Decimal | None = None
    started_on: date | None = None
    stopped_on: date | None = None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MedicationsReconciled:
    """The whole medication list at that moment, replacing earlier lists. Empty only if `none_taken`."""

    fact_id: FactId
    medications: tuple[CurrentMedication, ...]
    none_taken: bool
    occurred_at: Instant


class Criticality(StrEnum):
    """FHIR AllergyIntolerance.criticality."""

    LOW = "low"
    HIGH = "high"
    UNABLE_TO_ASSESS = "unable-to-assess"


class AllergyType(StrEnum):
    """FHIR AllergyIntolerance.type."""

    ALLERGY = "allergy"
    INTOLERANCE = "intolerance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allergy:
    substance: Medicine
    type: AllergyType
    criticality: Criticality
    reaction: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllergiesRecorded:
    """The whole allergy list at that moment, replacing earlier lists. Empty only if `no_known_allergies`."""

    fact_id: FactId
    allergies: tuple[Allergy, ...]
    no_known_allergies: bool
    occurred_at: Instant


class PregnancyStatus(StrEnum):
    """What the client is or may be; UNKNOWN is an answer that was sought and not found."""

    PREGNANT = "pregnant"
    BREASTFEEDING = "breastfeeding"
    POSSIBLE = "possible"
    NOT_PREGNANT = "not-pregnant"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class PregnancyRecorded:
    """Whether the client was pregnant or breastfeeding at that moment; a later one replaces it."""

    fact_id: FactId
    status: PregnancyStatus
    source: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One measured value by LOINC code, in the unit given: a laboratory value, a vital sign, body weight."""

    loinc: str
    value: Decimal
    unit: str
    on: date
    display: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultsRecorded:
    """Results of laboratories and measurements; each recording adds to the earlier ones.

    Empty only if `none_known`: they were asked for and there are none.
    """

    fact_id: FactId
    results: tuple[Result, ...]
    none_known: bool
    source: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleScored:
    """A rating scale was answered, or its total came from elsewhere: `items` is then None, they are never invented."""

    fact_id: FactId
    instrument: str
    instrument_version: int
    items: tuple[int | None, ...] | None = None
    total: int | None = None
    band: str
    flags: tuple[str, ...] = ()
    missing: int = 0
    source: str
    scored_by: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskRaised:
    """A scale's answer asks for a suicide-risk contact by `due_at`, and the rule that says so."""

    fact_id: FactId
    scale_fact_id: FactId
    level: RiskLevel
    reason: str
    rule: str
    rule_version: int
    due_at: Instant
    occurred_at: Instant


class Severity(StrEnum):
    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"
    UNSPECIFIED = "unspecified"


class VerificationStatus(StrEnum):
    """FHIR Condition.verificationStatus, the part used here."""

    PROVISIONAL = "provisional"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisEstablished:
    """A diagnosis in ICD-10-CM. A later one with the same code replaces the earlier."""

    fact_id: FactId
    icd10: str
    display: str
    severity: Severity
    verification: VerificationStatus
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedMedication:
    medicine: Medicine
    daily_dose_mg: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The individual plan: medications, other therapies, goals in the client's words."""

    medications: tuple[ProposedMedication, ...] = ()
    therapies: tuple[str, ...] = ()
    goals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanProposed:
    """A plan was proposed; a later one replaces it."""

    fact_id: FactId
    plan: Plan
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentCompleted:
    """A prescriber completed the initial assessment, and the facts it rests on."""

    fact_id: FactId
    completed_by: str
    credential: str
    diagnoses: tuple[str, ...]
    suicide_risk: RiskLevel
    plan: Plan
    rests_on: tuple[FactId, ...]
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentAmended:
    """A completed assessment was amended: what it now says, and why. `amends` is the completion."""

    fact_id: FactId
    amends: FactId
    amended_by: str
    credential: str
    reason: str
    diagnoses: tuple[str, ...]
    suicide_risk: RiskLevel
    plan: Plan
    rests_on: tuple[FactId, ...]
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class EnteredInError:
    """The fact should never have been recorded."""

    fact_id: FactId
    reason: str
    marked_by: str
    occurred_at: Instant


ClinicalFact: TypeAlias = (
    PatientEnrolled
    | HistoryRecorded
    | MedicationsReconciled
    | AllergiesRecorded
    | PregnancyRecorded
    | ResultsRecorded
    | ScaleScored
    | RiskRaised
    | DiagnosisEstablished
    | PlanProposed
    | AssessmentCompleted
    | AssessmentAmended
)
"""What can be struck: everything with a fact id of its own."""

Event: TypeAlias = ClinicalFact | EnteredInError

TOPICS: dict[str, type[Event]] = {
    f"assessment.{cls.__name__}.v1": cls
    for cls in (
        PatientEnrolled,
        HistoryRecorded,
        MedicationsReconciled,
        AllergiesRecorded,
        PregnancyRecorded,
        ResultsRecorded,
        ScaleScored,
        RiskRaised,
        DiagnosisEstablished,
        PlanProposed,
        AssessmentCompleted,
        AssessmentAmended,
        EnteredInError,
    )
}
"""Every stored event type by its topic."""
