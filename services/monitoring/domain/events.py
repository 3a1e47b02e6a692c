"""What the monitoring stream of a patient holds: what was noted from others, and what was reported here."""

from dataclasses import dataclass
from typing import get_args

from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from careloop.knowledge.urgency.suicide_risk import RiskLevel
from services.monitoring.domain.codes import DoseStatus, ReporterKind, SideEffectOutcome, TriageLevel
from services.monitoring.domain.medicines import Medicine
from services.monitoring.domain.noted import Noted


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


Reported = SideEffectReported | SideEffectResolved | ScaleScored | RiskRaised | DoseRecorded


Event = Noted | Reported | EnteredInError


TOPICS: dict[str, type[Event]] = {f"monitoring.{cls.__name__}.v1": cls for cls in get_args(Event)}
"""Every stored event by its registered name."""
