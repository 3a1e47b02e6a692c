"""What the assessment service stores: one class per fact, in the past tense."""

from dataclasses import dataclass
from datetime import date
from typing import TypeAlias, get_args

from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from careloop.knowledge.urgency.suicide_risk import RiskLevel
from services.assessment.domain.codes import PregnancyStatus, Severity, Sex, VerificationStatus
from services.assessment.domain.details import (
    Allergy,
    Condition,
    CurrentMedication,
    EarlierTreatment,
    EmergencyContact,
    Location,
    Plan,
    Result,
)


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
class MedicationsReconciled:
    """The whole medication list at that moment, replacing earlier lists. Empty only if `none_taken`."""

    fact_id: FactId
    medications: tuple[CurrentMedication, ...]
    none_taken: bool
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class AllergiesRecorded:
    """The whole allergy list at that moment, replacing earlier lists. Empty only if `no_known_allergies`."""

    fact_id: FactId
    allergies: tuple[Allergy, ...]
    no_known_allergies: bool
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class PregnancyRecorded:
    """Whether the client was pregnant or breastfeeding at that moment; a later one replaces it."""

    fact_id: FactId
    status: PregnancyStatus
    source: str
    occurred_at: Instant


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


TOPICS: dict[str, type[Event]] = {f"assessment.{cls.__name__}.v1": cls for cls in get_args(Event)}
"""Every stored event by its registered name."""
