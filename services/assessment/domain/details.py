"""What the facts of an assessment are made of: persons and places, medicines, conditions, results, plans."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from services.assessment.domain.codes import AllergyType, Criticality, StoppedFor, TreatmentResponse


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
class CurrentMedication:
    """A medication the client takes, or took until the day of its last dose, `stopped_on`. None is unknown."""

    medicine: Medicine
    daily_dose_mg: Decimal | None = None
    started_on: date | None = None
    stopped_on: date | None = None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Allergy:
    substance: Medicine
    type: AllergyType
    criticality: Criticality
    reaction: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One measured value by LOINC code, in the unit given: a laboratory value, a vital sign, body weight."""

    loinc: str
    value: Decimal
    unit: str
    on: date
    display: str = ""


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
