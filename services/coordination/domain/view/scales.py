"""Scales over time, as the view shows them."""

from dataclasses import dataclass
from datetime import UTC, datetime

from careloop.contracts.terms import ScaleScored
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from careloop.kernel.restating import shown
from careloop.knowledge.scales.trends import EPISODE, INTAKE, Point, ScaleCourse, course
from services.coordination.domain.view.dated_fact import newest, order
from services.coordination.domain.view.sections import Sections

_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalePoint:
    fact_id: FactId
    occurred_at: Instant
    total: int | None
    band: str
    flags: tuple[str, ...]
    source: str
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleTrend:
    instrument: str
    baseline: ScalePoint | None
    last: ScalePoint
    change: int | None
    response: bool | None
    remission: bool | None
    course: str
    count: int


point = shown(ScalePoint, ScaleScored, "source")


trend = shown(ScaleTrend, ScaleCourse, "instrument", "baseline", "last", "count", course="word")


def scale_trends(sections: Sections) -> tuple[ScaleTrend, ...]:
    """One for each instrument, by name, over the results of both services that score."""
    both = [(dated, "assessment") for dated in sections.assessment.scales]
    both += [(dated, "monitoring") for dated in sections.monitoring.scales]
    series: dict[str, list[ScalePoint]] = {}
    for dated, source in sorted(both, key=lambda pair: order(pair[0])):
        series.setdefault(dated.fact.instrument, []).append(point(dated.fact, source=source))
    completed = newest(sections.assessment.completions)
    joined = completed.occurred_at - INTAKE if completed else _EVER
    return tuple(_trend(instrument, points, joined) for instrument, points in sorted(series.items()))


def _trend(instrument: str, points: list[ScalePoint], joined: datetime) -> ScaleTrend:
    """The last result against the first of its episode; `count` is that of all results."""
    last = points[-1].occurred_at
    episode = [p for p in points if last - p.occurred_at <= EPISODE and p.occurred_at >= joined]
    found = course(instrument, [Point(on=p.occurred_at.date(), total=p.total, band=p.band) for p in episode])
    return trend(
        found,
        instrument=instrument,
        baseline=next((p for p in episode if p.total is not None), None),
        last=points[-1],
        count=len(points),
    )
