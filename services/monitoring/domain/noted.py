"""What assessment and prescribing recorded of a patient, as monitoring notes it in its own stream."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from msgspec import UNSET, UnsetType

from careloop.contracts.care_team import TeamNoted
from careloop.contracts.terms import Medicine
from careloop.kernel.events import Instant
from careloop.kernel.ids import EventId, FactId
from careloop.knowledge.follow_up.result_actions import MeasuredResult
from services.monitoring.domain.medicines import TakenMedicine


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentNoted:
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
class EmergencyDepartmentNoted:
    """The emergency department nearest to the client's home, as recorded with the enrolment; '' is not known."""

    fact_id: FactId
    evidence: EventId
    name: str
    phone: str
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
class DailyDoseNoted:
    """The daily dose of a prescription in milligrams, None where it was not stated, from a day on. `cancels` are
    changes that were planned and do not take place; absent where there are none."""

    fact_id: FactId
    evidence: EventId
    prescription: FactId
    daily_dose_mg: Decimal | None
    effective_on: date
    occurred_at: Instant
    cancels: tuple[FactId, ...] | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultsNoted:
    """Results of laboratories and measurements; they add to what was noted before."""

    fact_id: FactId
    evidence: EventId
    results: tuple[MeasuredResult, ...]
    recorded_by: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskNoted:
    """Assessment raised a suicide risk."""

    fact_id: FactId
    evidence: EventId
    reason: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningNoted:
    """In assessment a clinician asked the questions of the suicide-risk screener, all that were to be asked."""

    fact_id: FactId
    evidence: EventId
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class StrikeNoted:
    """Another service struck one of its facts."""

    fact_id: FactId
    evidence: EventId
    occurred_at: Instant


Noted = (
    EnrolmentNoted
    | TimeZoneNoted
    | EmergencyDepartmentNoted
    | MedicationsNoted
    | PrescriptionNoted
    | DiscontinuationNoted
    | DailyDoseNoted
    | ResultsNoted
    | RiskNoted
    | ScreeningNoted
    | TeamNoted
    | StrikeNoted
)
