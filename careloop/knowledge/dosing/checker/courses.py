"""A schedule as each drug's doses over time: levels of one dose, from the dose taken before the plan to its end."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from careloop.knowledge.dosing.plan import Segment
from careloop.knowledge.due_dates import shifted
from careloop.knowledge.regimen.days import DatedPhase, dated
from careloop.knowledge.regimen.regimen import mean_daily_mg, most_daily_mg, scheduled_mg

_PATTERN_DAYS = 434
"""Every pattern of days apart (to 31) and of weekdays has come round by then, or nearly all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One dose from one day to another, both included; None goes on. `mean_mg` is a day's over the pattern, `total_mg`
    the most of any day."""

    from_on: date
    to_on: date | None
    mean_mg: Decimal
    total_mg: Decimal

    def holds(self, day: date) -> bool:
        return self.from_on <= day and (self.to_on is None or day <= self.to_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What is taken of the drug before the plan: its daily dose, and since when; None is not known."""

    mean_mg: Decimal | None
    since: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A drug of the plan: `levels` without gaps from its first day on, those without doses included.

    `last_dose_on` is the day of its last dose, None where it goes on. `asks` are what its segments ask for, by day.
    """

    drug: str
    before: Before | None
    levels: tuple[Level, ...]
    last_dose_on: date | None
    asks: tuple[tuple[date, tuple[str, ...]], ...]

    @property
    def first_on(self) -> date:
        return self.levels[0].from_on

    @property
    def begins_on(self) -> date | None:
        """The first day of a drug that was not taken before."""
        return self.first_on if self.before is None else None

    def level(self, day: date) -> Level | None:
        return next((level for level in self.levels if level.holds(day)), None)

    def taken_on(self, day: date) -> bool:
        """Whether it is under way on that day, days off between two doses included."""
        if day < self.first_on:
            return self.before is not None
        if self.last_dose_on is not None and day > self.last_dose_on:
            return False
        level = self.level(day)
        return level is not None and level.total_mg > 0


def course(drug: str, segments: Sequence[Segment], before: Before | None) -> Course:
    """The drug's segments put together."""
    phases = [phase for segment in segments for phase in _phases(segment)]
    cuts = sorted({day for phase in phases for day in _edges(phase)})
    levels = tuple(_level(begins, ends, phases) for begins, ends in _spans(cuts, phases))
    return Course(
        drug=drug,
        before=before,
        levels=tuple(_merged(levels)),
        last_dose_on=_last_dose(phases),
        asks=tuple((segment.from_on, segment.asks) for segment in segments),
    )


def _phases(segment: Segment) -> Iterator[DatedPhase]:
    """The phases of its regimen, cut off at its last day."""
    for one in dated(segment.regimen, segment.from_on):
        if segment.to_on is None or one.from_on <= segment.to_on:
            ends = [day for day in (one.to_on, segment.to_on) if day is not None]
            yield DatedPhase(phase=one.phase, from_on=one.from_on, to_on=min(ends, default=None))


def _edges(phase: DatedPhase) -> Iterator[date]:
    yield phase.from_on
    if phase.to_on is not None:
        yield shifted(phase.to_on, 1)


def _spans(cuts: list[date], phases: list[DatedPhase]) -> Iterator[tuple[date, date | None]]:
    for begins, after in pairwise(cuts):
        yield begins, after - timedelta(days=1)
    if any(phase.to_on is None for phase in phases):
        yield cuts[-1], None


def _level(begins: date, ends: date | None, phases: list[DatedPhase]) -> Level:
    held = [phase for phase in phases if phase.holds(begins)]
    mean = sum((mean_daily_mg(one.phase) for one in held), Decimal(0))
    return Level(from_on=begins, to_on=ends, mean_mg=mean, total_mg=_total(begins, ends, held))


def _total(begins: date, ends: date | None, held: list[DatedPhase]) -> Decimal:
    """Of one phase its own most; of several that run side by side, what falls on one day."""
    if len(held) <= 1:
        return most_daily_mg(held[0].phase) if held else Decimal(0)
    days = _PATTERN_DAYS if ends is None else min((ends - begins).days + 1, _PATTERN_DAYS)
    needed = sum((most_daily_mg(one.phase) - scheduled_mg(one.phase) for one in held), Decimal(0))
    return needed + max(
        sum((scheduled_mg(one.phase) for one in held if one.has_doses(shifted(begins, number))), Decimal(0))
        for number in range(days)
    )


def _merged(levels: Iterable[Level]) -> Iterator[Level]:
    """Levels of one dose that follow each other are one."""
    last: Level | None = None
    for level in levels:
        if last is not None and (last.mean_mg, last.total_mg) == (level.mean_mg, level.total_mg):
            last = Level(from_on=last.from_on, to_on=level.to_on, mean_mg=last.mean_mg, total_mg=last.total_mg)
            continue
        if last is not None:
            yield last
        last = level
    if last is not None:
        yield last


def _last_dose(phases: list[DatedPhase]) -> date | None:
    """Of a phase with days off the last day with a dose; of one with as-needed doses any day may be."""
    last: date | None = None
    for one in phases:
        if one.phase.is_pause:
            continue
        if one.to_on is None:
            return None
        days = (shifted(one.to_on, -number) for number in range((one.to_on - one.from_on).days + 1))
        taken = one.to_on if one.phase.as_needed else next((day for day in days if one.has_doses(day)), None)
        last = taken if last is None or (taken is not None and taken > last) else last
    return last
