"""What the results of a measure demand while a drug is taken."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from careloop.knowledge.pack.shapes.follow_up import Measure, ResultRule
from careloop.knowledge.pack.shapes.vocabulary import UnitOf
from careloop.knowledge.screening.case import amount


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredResult:
    """One result by its code: LOINC, or the word of the measure. Without a value it only says that it was done."""

    code: str
    on: date
    value: Decimal | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """The results of one measure during one course of a drug, up to today."""

    started_on: date
    results: tuple[MeasuredResult, ...]
    measure: Measure
    units: tuple[UnitOf, ...]

    def value(self, result: MeasuredResult) -> Decimal | None:
        """The value in the unit of the measure; None when it cannot be converted."""
        written, value = "".join((result.unit or "").split()).casefold(), amount(result.value)
        if value is None:
            return None
        for own in self.measure.converted:
            if written in own.written:
                return value * own.factor + own.plus
        factor = next((u.factor for u in self.units if u.unit == self.measure.unit and written in u.written), None)
        return None if factor is None else value * factor

    def unread(self) -> bool:
        """Whether a result of the last day has a value that cannot be converted to the unit of the measure."""
        return any(self.value(result) is None for result in self.last_day())

    def last_day(self) -> tuple[MeasuredResult, ...]:
        last = max((result.on for result in self.results), default=None)
        return tuple(result for result in self.results if result.on == last)

    def baseline(self) -> Decimal | None:
        """The last value up to the start; without one, the first after it."""
        valued = [(result.on, value) for result in self.results if (value := self.value(result)) is not None]
        before = [pair for pair in valued if pair[0] <= self.started_on]
        return max(before)[1] if before else min(valued)[1] if valued else None


def holds(rule: ResultRule, series: Series) -> bool:
    """Whether a value lies within all bounds: on the last day with results, or with `ever` on a day before it."""
    if rule.before_start and any(result.on > series.started_on for result in series.results):
        return False
    last = series.last_day()
    judged = [result for result in series.results if result.on < last[0].on] if rule.ever else last
    values = [value for result in judged if (value := series.value(result)) is not None]
    return any(_within(rule, value, series.baseline()) for value in values)


def _within(rule: ResultRule, value: Decimal, baseline: Decimal | None) -> bool:
    bounds: tuple[tuple[Decimal | None, Callable[[Decimal], bool]], ...] = (
        (rule.from_, lambda bound: value >= bound),
        (rule.above, lambda bound: value > bound),
        (rule.through, lambda bound: value <= bound),
        (rule.below, lambda bound: value < bound),
        (rule.rise, lambda bound: baseline is not None and value - baseline >= bound),
        (rule.rise_percent, lambda bound: baseline is not None and _risen(value, baseline, bound)),
    )
    return all(bound is None or meets(bound) for bound, meets in bounds)


def _risen(value: Decimal, baseline: Decimal, percent: Decimal) -> bool:
    return baseline > 0 and 100 * (value - baseline) >= percent * baseline


def results_of(
    measure: Measure, results: Iterable[MeasuredResult], since: date, as_of: date
) -> tuple[MeasuredResult, ...]:
    """The results of a measure from one day to another."""
    return tuple(result for result in results if result.code in measure.codes and since <= result.on <= as_of)


def applies(rule_only_if: str, rule_unless: str, facts: Mapping[str, bool]) -> bool:
    """Whether the facts about a client leave the rule standing: what is not known neither adds nor lifts anything."""
    return (not rule_only_if or facts.get(rule_only_if) is True) and facts.get(rule_unless) is not True


def soonest_recheck(rules: Sequence[ResultRule]) -> int | None:
    """The shortest time to the next result that any of these rules asks for."""
    return min((rule.recheck_days for rule in rules if rule.recheck_days is not None), default=None)
