"""How the patient is doing, as the view shows it: scales over time, side effects, risks, doses."""

from datetime import UTC, datetime

from careloop.contracts.monitoring import SideEffectReported, SideEffectResolved, TriageLevel
from careloop.contracts.terms import RiskRaised, ScaleScored
from careloop.knowledge.scales.trends import EPISODE, INTAKE, Point, course
from services.coordination.domain.view.care_view import Dose, Risk, ScalePoint, ScaleTrend, SideEffect
from services.coordination.domain.view.dated_fact import Kept, order
from services.coordination.domain.view.intake import newest
from services.coordination.domain.view.sections import AssessmentSection, MonitoringSection, Sections
from services.coordination.domain.view.urgency import answered, superseded

CLOSED_SHOWN = 100
_NEVER = datetime.max.replace(tzinfo=UTC)
_EVER = datetime.min.replace(tzinfo=UTC)


def scale_trends(sections: Sections) -> tuple[ScaleTrend, ...]:
    """One for each instrument, by name, over the results of both services that score."""
    both = [(kept, "assessment") for kept in sections.assessment.scales]
    both += [(kept, "monitoring") for kept in sections.monitoring.scales]
    series: dict[str, list[ScalePoint]] = {}
    for kept, source in sorted(both, key=lambda pair: order(pair[0])):
        series.setdefault(kept.fact.instrument, []).append(_point(kept.fact, source))
    completed = newest(sections.assessment.completions)
    joined = completed.occurred_at - INTAKE if completed else _EVER
    return tuple(_trend(instrument, points, joined) for instrument, points in sorted(series.items()))


def _point(fact: ScaleScored, source: str) -> ScalePoint:
    return ScalePoint(
        fact_id=fact.fact_id,
        occurred_at=fact.occurred_at,
        total=fact.total,
        band=fact.band,
        flags=fact.flags,
        source=source,
    )


def _trend(instrument: str, points: list[ScalePoint], joined: datetime) -> ScaleTrend:
    """The last result against the first of its episode; `count` is that of all results."""
    last = points[-1].occurred_at
    episode = [point for point in points if last - point.occurred_at <= EPISODE and point.occurred_at >= joined]
    found = course(instrument, [Point(on=p.occurred_at.date(), total=p.total, band=p.band) for p in episode])
    return ScaleTrend(
        instrument=instrument,
        baseline=next((point for point in episode if point.total is not None), None),
        last=points[-1],
        change=found.change,
        response=found.response,
        remission=found.remission,
        course=found.word,
        count=len(points),
    )


def open_side_effects(section: MonitoringSection) -> tuple[SideEffect, ...]:
    """The most urgent first, then the soonest due."""
    closed = {kept.fact.side_effect for kept in section.resolved}
    still = [_side_effect(kept) for kept in section.reported if kept.fact.fact_id not in closed]
    ranks = list(TriageLevel)
    return tuple(sorted(still, key=lambda s: (ranks.index(TriageLevel(s.triage)), s.due_at or _NEVER, s.fact_id)))


def closed_side_effects(section: MonitoringSection) -> tuple[SideEffect, ...]:
    """By when they were closed, the latest first; each as it was closed last."""
    last = {kept.fact.side_effect: kept.fact for kept in section.resolved}
    closed = [(kept, last[kept.fact.fact_id]) for kept in section.reported if kept.fact.fact_id in last]
    closed.sort(key=lambda pair: (pair[1].occurred_at, pair[1].fact_id), reverse=True)
    return tuple(_side_effect(kept, resolved) for kept, resolved in closed[:CLOSED_SHOWN])


def _side_effect(kept: Kept[SideEffectReported], resolved: SideEffectResolved | None = None) -> SideEffect:
    fact = kept.fact
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
        recorded_at=kept.recorded_at,
        outcome=resolved.outcome if resolved else "",
        action_taken=resolved.action_taken if resolved else "",
        resolved_by=resolved.resolved_by if resolved else "",
        resolved_at=resolved.occurred_at if resolved else None,
    )


def risks(sections: Sections) -> tuple[Risk, ...]:
    """The latest first."""
    taken = answered(sections.notifications)

    def shown(kept: Kept[RiskRaised], section: AssessmentSection | MonitoringSection, source: str) -> Risk:
        over = kept.fact.fact_id in taken or superseded(kept, section)
        return _risk(kept.fact, source, "answered" if over else "open")

    every = [shown(kept, sections.assessment, "assessment") for kept in sections.assessment.risks]
    every += [shown(kept, sections.monitoring, "monitoring") for kept in sections.monitoring.risks]
    return tuple(sorted(every, key=lambda risk: (risk.occurred_at, risk.fact_id), reverse=True))


def _risk(fact: RiskRaised, source: str, status: str) -> Risk:
    return Risk(
        fact_id=fact.fact_id,
        scale_fact_id=fact.scale_fact_id,
        level=fact.level,
        reason=fact.reason,
        due_at=fact.due_at,
        occurred_at=fact.occurred_at,
        source=source,
        status=status,
    )


def doses(section: MonitoringSection) -> tuple[Dose, ...]:
    """The latest first."""
    return tuple(
        Dose(
            fact_id=k.fact.fact_id,
            medicine=k.fact.medicine,
            status=k.fact.status,
            reason=k.fact.reason,
            occurred_at=k.fact.occurred_at,
        )
        for k in reversed(section.doses)
    )
