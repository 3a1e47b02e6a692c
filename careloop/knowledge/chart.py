"""What a screen knows of a patient. None always means unknown; an empty tuple means asked, and none."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from msgspec import UNSET, UnsetType


class Sex(StrEnum):
    """Administrative sex, as FHIR R4 names it."""

    FEMALE = "female"
    MALE = "male"
    OTHER = "other"
    UNKNOWN = "unknown"


class Pregnancy(StrEnum):
    PREGNANT = "pregnant"
    BREASTFEEDING = "breastfeeding"
    POSSIBLE = "possible"
    NOT_PREGNANT = "not-pregnant"
    UNKNOWN = "unknown"


class AllergyType(StrEnum):
    """FHIR AllergyIntolerance.type."""

    ALLERGY = "allergy"
    INTOLERANCE = "intolerance"


class Criticality(StrEnum):
    """FHIR AllergyIntolerance.criticality."""

    LOW = "low"
    HIGH = "high"
    UNABLE_TO_ASSESS = "unable-to-assess"


class TrialResponse(StrEnum):
    """How far an earlier treatment helped."""

    NONE = "none"
    PARTIAL = "partial"
    RESPONSE = "response"
    REMISSION = "remission"
    UNKNOWN = "unknown"


class StoppedFor(StrEnum):
    """Why an earlier treatment ended."""

    INEFFICACY = "inefficacy"
    INTOLERANCE = "intolerance"
    ALLERGY = "allergy"
    OTHER = "other"


class SuicideRisk(StrEnum):
    NONE = "none"
    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A diagnosis by ICD-10-CM code, SNOMED CT code or words; any of them may be given.

    `clinical_status` is FHIR's (active, recurrence, relapse, inactive, remission, resolved); `severity` that of a
    diagnosis (mild, moderate, severe). Unknown is judged as active. `verification_status` is FHIR's; of what a scale
    makes likely it is `unconfirmed`.
    """

    icd10: str | None = None
    snomed: str | None = None
    text: str | None = None
    clinical_status: str | UnsetType | None = UNSET
    severity: str | UnsetType | None = UNSET
    verification_status: str | UnsetType | None = UNSET

    @property
    def is_resolved(self) -> bool:
        """Whether it is over: what is in remission or inactive may come back, and counts."""
        return self.clinical_status == "resolved"

    @property
    def is_diagnosis(self) -> bool:
        """Whether somebody put it down as a condition: what a scale makes likely is none yet."""
        return self.verification_status != "unconfirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allergy:
    """A substance not to be given. An unknown type is judged as an allergy."""

    substance: str | None = None
    rxcui: str | None = None
    type: AllergyType | None = None
    criticality: Criticality | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """One result by LOINC code, in the unit given."""

    loinc: str
    value: Decimal
    at: date
    unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Genotype:
    """A metaboliser phenotype such as CYP2C19 `poor`."""

    gene: str
    phenotype: str


class SmokingStatus(StrEnum):
    CURRENT = "current"
    FORMER = "former"
    NEVER = "never"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoking:
    """Whether tobacco is smoked. `stopped_on` is the last day of a former smoker; None: long ago, or not known."""

    status: SmokingStatus
    stopped_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """The person. `no_known_allergies` is True only when that was said; False beside an empty list means not asked."""

    birth_date: date | None = None
    sex: Sex | None = None
    pregnancy: Pregnancy | None = None
    weight_kg: Decimal | None = None
    conditions: tuple[Condition, ...] | None = None
    allergies: tuple[Allergy, ...] | None = None
    no_known_allergies: bool | None = None
    labs: tuple[Lab, ...] | None = None
    genotypes: tuple[Genotype, ...] | None = None
    suicide_risk: SuicideRisk | None = None
    smoking: Smoking | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Medication:
    """Something taken, now or before. `stopped_on` is the day of the last dose; None means still taken."""

    name: str | None = None
    rxcui: str | None = None
    daily_dose_mg: Decimal | None = None
    started_on: date | None = None
    stopped_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """An earlier treatment and how it went."""

    name: str | None = None
    rxcui: str | None = None
    daily_dose_mg: Decimal | None = None
    weeks: Decimal | None = None
    response: TrialResponse | None = None
    stopped_for: StoppedFor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderedMedicine:
    """What is to be prescribed. Without `starts_on` it starts on the day of the screen.

    `taken_since` is the first day of the treatment whose dose this order changes; None: it changes none.
    `indication` is the condition that it is ordered for; None: not stated.
    """

    name: str | None = None
    rxcui: str | None = None
    daily_dose_mg: Decimal | None = None
    days_supply: int | None = None
    starts_on: date | None = None
    taken_since: date | None = None
    indication: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """All a screen knows of the patient besides the order."""

    patient: Patient = field(default_factory=Patient)
    medications: tuple[Medication, ...] | None = None
    trials: tuple[Trial, ...] | None = None
