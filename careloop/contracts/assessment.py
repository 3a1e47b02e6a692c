"""What the assessment service publishes on `care.assessment.v1`."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from msgspec import UNSET, UnsetType

from careloop.contracts import terms
from careloop.contracts.terms import Coding, EnteredInError, Medicine, RiskRaised, ScaleScored
from careloop.kernel.events import Instant, topics
from careloop.kernel.ids import FactId
from careloop.kernel.open_codes import OpenCodes
from careloop.kernel.reading import Length, Range

Code = Annotated[str, Length(60)]
Name = Annotated[str, Length(500)]
Source = Annotated[str, Length(200)]


class Sex(StrEnum):
    """FHIR AdministrativeGender."""

    FEMALE = "female"
    MALE = "male"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyContact:
    name: Name
    relationship: Name = ""
    phone: Code


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where the client is when at home, and the nearest emergency department for it."""

    address: Name
    emergency_department: Name = ""
    emergency_department_phone: Code = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientEnrolled:
    """A client joined the programme, or their identity was put right; after the end of an episode it begins the next.
    `time_zone` is an IANA name."""

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


class TreatmentResponse(StrEnum):
    NONE = "none"
    PARTIAL = "partial"
    RESPONSE = "response"
    REMISSION = "remission"
    UNKNOWN = "unknown"


class StoppedFor(OpenCodes):
    """Why an earlier treatment ended; NOT_STOPPED when it did not."""

    INEFFICACY = "inefficacy"
    INTOLERANCE = "intolerance"
    ALLERGY = "allergy"
    OTHER = "other"
    UNKNOWN = "unknown"
    NOT_STOPPED = "not-stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierTreatment:
    """One earlier medication trial. `daily_dose_mg` in milligrams a day, `weeks` at that dose; None is unknown."""

    medicine: Medicine
    daily_dose_mg: Decimal | None = None
    weeks: Annotated[int | None, Range(0, 5_200)] = None
    response: TreatmentResponse
    side_effects: tuple[Name, ...] = ()
    stopped_for: StoppedFor


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A medical or psychiatric condition of the history; `clinical_status` as in FHIR (active, resolved, ...)."""

    coding: Coding
    clinical_status: Code
    onset: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRecorded:
    """Medical and psychiatric history; each recording adds to the earlier ones.

    Empty only if `nothing_known`: it was asked for and there is none.
    """

    fact_id: FactId
    conditions: tuple[Condition, ...]
    earlier_treatments: tuple[EarlierTreatment, ...]
    source: str
    occurred_at: Instant
    nothing_known: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentMedication:
    """A medication the client takes, or took and stopped on the day of its last dose. None is unknown."""

    medicine: Medicine
    daily_dose_mg: Decimal | None = None
    started_on: date | None = None
    stopped_on: date | None = None
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class MedicationsReconciled:
    """The whole list of current medications at that moment, replacing earlier lists. Empty only if `none_taken`."""

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
    reaction: Name = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllergiesRecorded:
    """The whole allergy list at that moment, replacing earlier lists. Empty only if `no_known_allergies`."""

    fact_id: FactId
    allergies: tuple[Allergy, ...]
    no_known_allergies: bool
    occurred_at: Instant


class ChartList(StrEnum):
    """A list of the chart that a source may have held more of than could be read."""

    MEDICATIONS = "medications"
    ALLERGIES = "allergies"
    HISTORY = "history"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListGapsRecorded:
    """How many entries of a list `source` holds that could not be read, so that the list is not the whole of it.

    Of each list and source the latest counts; 0 says that nothing is missing any more.
    """

    fact_id: FactId
    list: ChartList
    left_out: int
    source: str
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

    loinc: Code
    value: Decimal
    unit: Code = ""
    on: date
    display: Name = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultsRecorded:
    """Results of laboratories and measurements; each recording adds to the earlier ones. Empty only if
    `none_known`."""

    fact_id: FactId
    results: tuple[Result, ...]
    none_known: bool
    source: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class GenotypeResult:
    """What a laboratory found of a gene or an allele, in its own words: `CYP2D6` and `Poor Metabolizer`."""

    gene: Code
    phenotype: Name


@dataclass(frozen=True, slots=True, kw_only=True)
class GenotypesRecorded:
    """Genotypes; each recording adds to the earlier ones. Empty only if `none_known`."""

    fact_id: FactId
    genotypes: tuple[GenotypeResult, ...]
    none_known: bool
    source: str
    occurred_at: Instant


class SmokingStatus(StrEnum):
    """Whether tobacco is smoked now, was, or never was."""

    CURRENT = "current"
    FORMER = "former"
    NEVER = "never"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokingRecorded:
    """Whether the client smokes; a later answer replaces an earlier one. `stopped_on` is the last day of a former
    smoker, None where nobody knows it."""

    fact_id: FactId
    status: SmokingStatus
    stopped_on: date | None
    source: str
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
    therapies: tuple[Name, ...] = ()
    goals: tuple[Name, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanProposed:
    """A plan was proposed; a later one replaces it. `replaces` is the plan that stood before, absent where none did."""

    fact_id: FactId
    plan: Plan
    occurred_at: Instant
    replaces: FactId | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentCompleted:
    """A psychiatrist or psychiatric nurse practitioner completed the initial assessment.

    `rests_on` are the facts it stands on; `suicide_risk` is the band of the screen among them.
    """

    fact_id: FactId
    completed_by: str
    credential: terms.Role
    diagnoses: tuple[str, ...]
    suicide_risk: terms.RiskLevel
    plan: Plan
    rests_on: tuple[FactId, ...]
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentAmended:
    """A completed assessment was amended: what it now says, and why."""

    fact_id: FactId
    amends: FactId
    amended_by: str
    credential: terms.Role
    reason: str
    diagnoses: tuple[str, ...]
    suicide_risk: terms.RiskLevel
    plan: Plan
    rests_on: tuple[FactId, ...]
    occurred_at: Instant


class EndReason(OpenCodes):
    """Why a client's episode of care ended."""

    COMPLETED = "completed"
    TRANSFERRED = "transferred"
    LEFT = "left"
    """By the client's own choice, or because they could not be reached any more."""
    DECEASED = "deceased"


@dataclass(frozen=True, slots=True, kw_only=True)
class CareHandedOver:
    """Who goes on with what the programme began. `supply_until` is the last day for which the client has medicines,
    as a person said it; None where nobody was asked."""

    who: Name
    accepted_by: Name
    first_appointment_on: date
    supply_until: date | None = None


class ContactChannel(OpenCodes):
    """By which way somebody tried to reach the client."""

    PHONE = "phone"
    TEXT = "text"
    EMAIL = "email"
    APP = "app"
    EMERGENCY_CONTACT = "emergency-contact"
    HOME_VISIT = "home-visit"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactAttempt:
    channel: ContactChannel
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeClosed:
    """The client's episode of care ended at `occurred_at`; another enrolment, of a later moment, begins the next.

    `on` is the last day of care, or the day of death. `last_risk` is the suicide risk as last screened or raised. Who
    left has a letter and `attempts` to reach them behind it. A death is to be confirmed by a second person by
    `confirm_by`; `reported_by` says who reported it.
    """

    fact_id: FactId
    reason: EndReason
    on: date
    handed_to: CareHandedOver | None
    letter_sent_on: date | None
    attempts: tuple[ContactAttempt, ...]
    last_risk: terms.RiskLevel
    reported_by: str
    agreed_by: str
    closed_by: str
    confirm_by: Instant | None
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class DeathConfirmed:
    """A second person confirmed the death that `closing` recorded."""

    fact_id: FactId
    closing: FactId
    confirmed_by: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class CaringContactDue:
    """A client who left while at risk is to be asked how they are, by `due_at`, though the episode is closed."""

    fact_id: FactId
    closing: FactId
    due_at: Instant
    occurred_at: Instant


ClinicalFact = (
    PatientEnrolled
    | HistoryRecorded
    | MedicationsReconciled
    | AllergiesRecorded
    | ListGapsRecorded
    | PregnancyRecorded
    | ResultsRecorded
    | GenotypesRecorded
    | SmokingRecorded
    | ScaleScored
    | RiskRaised
    | DiagnosisEstablished
    | PlanProposed
    | AssessmentCompleted
    | AssessmentAmended
    | EpisodeClosed
    | DeathConfirmed
    | CaringContactDue
)
"""What can be struck: everything with a fact id of its own."""
Published = ClinicalFact | EnteredInError
TYPES = topics("care.assessment", Published)
"""Every event type on the topic, by its name on the wire."""
