"""Side effects, open and closed, as the view shows them."""

from dataclasses import dataclass
from datetime import UTC, datetime

from careloop.contracts.monitoring import SideEffectReported, SideEffectResolved
from careloop.contracts.terms import Medicine, TriageLevel
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from careloop.kernel.restating import shown
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


TRIAGED = {
    "triage": "triage.level",
    "triage_rule": "triage.rule",
    "red_flags": "triage.red_flags",
    "due_at": "triage.due_at",
}
still_open = shown(SideEffect, SideEffectReported, "recorded_at", **TRIAGED)
closed = shown(SideEffect, (SideEffectResolved, SideEffectReported), "recorded_at", "resolved_at", **TRIAGED)


def open_side_effects(section: MonitoringSection) -> tuple[SideEffect, ...]:
    """The most urgent first, then the soonest due."""
    over = {dated.fact.side_effect for dated in section.resolved}
    still = [
        still_open(dated.fact, recorded_at=dated.recorded_at)
        for dated in section.reported
        if dated.fact.fact_id not in over
    ]
    ranks = list(TriageLevel)
    return tuple(sorted(still, key=lambda s: (ranks.index(TriageLevel(s.triage)), s.due_at or _NEVER, s.fact_id)))


def closed_side_effects(section: MonitoringSection) -> tuple[SideEffect, ...]:
    """By when they were closed, the latest first; each as it was closed last."""
    last = {dated.fact.side_effect: dated.fact for dated in section.resolved}
    over = [(dated, last[dated.fact.fact_id]) for dated in section.reported if dated.fact.fact_id in last]
    over.sort(key=lambda pair: (pair[1].occurred_at, pair[1].fact_id), reverse=True)
    return tuple(
        closed(resolved, dated.fact, recorded_at=dated.recorded_at, resolved_at=resolved.occurred_at)
        for dated, resolved in over[:CLOSED_SHOWN]
    )
