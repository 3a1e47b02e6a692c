"""What the assessment service can be asked to do. `now` and ids come with the command; nothing here reads a clock."""

from dataclasses import dataclass
from datetime import date, datetime

from careloop.kernel.credentials import Credential
from careloop.kernel.ids import FactId, PersonId
from services.assessment.domain.events import (
    Allergy,
    Condition,
    CurrentMedication,
    EarlierTreatment,
    EmergencyContact,
    Location,
    Plan,
    PregnancyStatus,
    Result,
    Severity,
    Sex,
    VerificationStatus,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactCommand:
    """What every command names: the fact it makes, when that was true, and the moment of deciding."""

    fact_id: FactId
    occurred_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollPatient(FactCommand):
    name: str
    birth_date: date
    sex: Sex
    phone: str = ""
    email: str = ""
    emergency_contact: EmergencyContact | None = None
    location: Location | None = None
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordHistory(FactCommand):
    """`nothing_known` says that history was asked for and there is none."""

    conditions: tuple[Condition, ...] = ()
    earlier_treatments: tuple[EarlierTreatment, ...] = ()
    nothing_known: bool = False
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileMedications(FactCommand):
    """The whole list as of `occurred_at`; `none_taken` says that the client takes nothing."""

    medications: tuple[CurrentMedication, ...] = ()
    none_taken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAllergies(FactCommand):
    """The whole list as of `occurred_at`; `no_known_allergies` says that none are known."""

    allergies: tuple[Allergy, ...] = ()
    no_known_allergies: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPregnancy(FactCommand):
    status: PregnancyStatus
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordResults(FactCommand):
    """`none_known` says that results were asked for and there are none."""

    results: tuple[Result, ...] = ()
    none_known: bool = False
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerScale(FactCommand):
    """Answers in the instrument's order; None is an answer that is missing."""

    instrument: str
    items: tuple[int | None, ...]
    source: str
    actor: PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordScaleTotal(FactCommand):
    """A total that somebody else added up; its items are not known."""

    instrument: str
    total: int
    source: str
    actor: PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class EstablishDiagnosis(FactCommand):
    """`icd10` is an ICD-10-CM code with its dot, such as F33.1."""

    icd10: str
    display: str
    severity: Severity
    verification: VerificationStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposePlan(FactCommand):
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteAssessment(FactCommand):
    """`credential` is the signed claim of the caller's token, None if it carries none."""

    actor: PersonId
    credential: Credential | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AmendAssessment(FactCommand):
    """Says anew what the completed assessment comes to on the facts now standing, and why that changed."""

    actor: PersonId
    credential: Credential | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkEnteredInError:
    """Strikes the fact `fact_id`."""

    fact_id: FactId
    reason: str
    actor: PersonId
    now: datetime
