"""What assessment and monitoring recorded of a patient, as prescribing notes it in its own stream."""

from dataclasses import dataclass
from datetime import date

from careloop.contracts.care_team import TeamNoted
from careloop.contracts.episodes import EpisodeNoted
from careloop.kernel.events import Instant
from careloop.kernel.ids import EventId, FactId
from careloop.knowledge.chart import (
    Allergy,
    Condition,
    Genotype,
    Lab,
    Medication,
    Pregnancy,
    Sex,
    SmokingStatus,
    SuicideRisk,
    Trial,
)


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
class ListGapsNoted:
    """Entries of a source's list that could not be read; of each list and source the latest counts."""

    fact_id: FactId
    evidence: EventId
    list: str
    left_out: int
    source: str
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
class GenotypesNoted:
    """Genotypes as laboratories write them; adds to what was noted before. Empty: it was said there are none."""

    fact_id: FactId
    evidence: EventId
    genotypes: tuple[Genotype, ...]
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokingNoted:
    """The latest known answer counts."""

    fact_id: FactId
    evidence: EventId
    status: SmokingStatus
    stopped_on: date | None
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisNoted:
    fact_id: FactId
    evidence: EventId
    icd10: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleNoted:
    """The band of a scale that the safety check reads as a condition; of each instrument the latest counts."""

    fact_id: FactId
    evidence: EventId
    instrument: str
    band: str
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
class AssessmentPartNoted:
    """A part of the initial assessment was recorded that no other note has: a plan, a screen of suicide risk."""

    fact_id: FactId
    evidence: EventId
    part: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionStatusNoted:
    """The conditions of a history with their clinical status; `fact_id` is the history's."""

    fact_id: FactId
    evidence: EventId
    conditions: tuple[Condition, ...]
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisSeverityNoted:
    """How severe a diagnosis is; `fact_id` is the diagnosis'."""

    fact_id: FactId
    evidence: EventId
    severity: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionNoted:
    """The initial assessment was completed."""

    fact_id: FactId
    evidence: EventId
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeZoneNoted:
    """Where the client's days begin: the IANA name of their time zone; the latest known counts."""

    fact_id: FactId
    evidence: EventId
    time_zone: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class StrikeNoted:
    """Another service struck one of its facts."""

    fact_id: FactId
    evidence: EventId
    occurred_at: Instant


Noted = (
    ProfileNoted
    | HistoryNoted
    | MedicationsNoted
    | AllergiesNoted
    | ListGapsNoted
    | PregnancyNoted
    | ResultsNoted
    | GenotypesNoted
    | SmokingNoted
    | DiagnosisNoted
    | ScaleNoted
    | SuicideRiskNoted
    | SideEffectNoted
    | AssessmentPartNoted
    | ConditionStatusNoted
    | DiagnosisSeverityNoted
    | CompletionNoted
    | TimeZoneNoted
    | EpisodeNoted
    | TeamNoted
    | StrikeNoted
)
