"""Side effects, open and closed, as the view shows them."""

from dataclasses import dataclass
from datetime import UTC, datetime

from careloop.contracts.monitoring import SideEffectReported, SideEffectResolved, TriageLevel
from careloop.contracts.terms import Medicine
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from services.coordination.domain.view.dated_fact import DatedFact
from services.coordination.domain.view.sections.monitoring import MonitoringSection

CLOSED_SHOWN = 100
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class SideEffect:
    fact_id: FactId
    symptom: str
    own_words: str
    ctcae_grade: int | None
    suspected_medicine: Medicine | None
    reporter: str
    triage: str
    triage_rule: str
    red_flags: tuple[str, ...]
    due_at: Instant | None
    occurred_at: Instant
    recorded_at: Instant
    outcome: str = ""
    action_taken: str = ""
    resolved_by: str = ""
    resolved_at: Instant | None = None


def open_side_effects(section: MonitoringSection) -> tuple[SideEffect, ...]:
    """The most urgent first, then the soonest due."""
    closed = {dated.fact.side_effect for dated in section.resolved}
    still = [_side_effect(dated) for dated in section.reported if dated.fact.fact_id not in closed]
    ranks = list(TriageLevel)
    return tuple(sorted(still, key=lambda s: (ranks.index(TriageLevel(s.triage)), s.due_at or _NEVER, s.fact_id)))


def closed_side_effects(section: MonitoringSection) -> tuple[SideEffect, ...]:
    """By when they were closed, the latest first; each as it was closed last."""
    last = {dated.fact.side_effect: dated.fact for dated in section.resolved}
    closed = [(dated, last[dated.fact.fact_id]) for dated in section.reported if dated.fact.fact_id in last]
    closed.sort(key=lambda pair: (pair[1].occurred_at, pair[1].fact_id), reverse=True)
    return tuple(_side_effect(dated, resolved) for dated, resolved in closed[:CLOSED_SHOWN])


def _side_effect(dated: DatedFact[SideEffectReported], resolved: SideEffectResolved | None = None) -> SideEffect:
    fact = dated.fact
    return SideEffect(
        fact_id=fact.fact_id,
        symptom=fact.symptom,
        own_words=fact.own_words,
        ctcae_grade=fact.ctcae_grade,
        suspected_medicine=fact.suspected_medicine,
        reporter=fact.reporter,
        triage=fact.triage.level,
        triage_rule=fact.triage.rule,
        red_flags=fact.triage.red_flags,
        due_at=fact.triage.due_at,
        occurred_at=fact.occurred_at,
        recorded_at=dated.recorded_at,
        outcome=resolved.outcome if resolved else "",
        action_taken=resolved.action_taken if resolved else "",
        resolved_by=resolved.resolved_by if resolved else "",
        resolved_at=resolved.occurred_at if resolved else None,
    )
