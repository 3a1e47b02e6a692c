"""The way down: which dose from which day, by the drug's taper, in doses that can be made."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import ceil

from careloop.knowledge.dosing.planner.asking import Forbidden, NoPlan
from careloop.knowledge.dosing.planner.making import Makeable
from careloop.knowledge.due_dates import shifted
from careloop.knowledge.pack.shapes.dosing import InSwitch, TaperRule, Way


@dataclass(frozen=True, slots=True)
class Down:
    """From this day on this dose, 0 for none. `coarse`: a smaller step could not be made."""

    on: date
    dose_mg: Decimal
    coarse: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Taper:
    """What decides a way down. `adequate_mg` is the usual adequate dose, None if the pack has none."""

    rule: TaperRule
    drug: str
    dose_mg: Decimal
    adequate_mg: Decimal | None
    made: Makeable
    takes_over: InSwitch | None = None
    pace_percent: Decimal | None = None
    every_days: int | None = None

    @property
    def least_step(self) -> Decimal:
        named = (one.mg for one in self.rule.least_steps if self.drug in one.drugs)
        return next(named, self.made.smallest)

    @property
    def may_stop_from(self) -> Decimal:
        """The highest dose from which it may stop, never below the smallest that can be made."""
        return max(self.made.smallest, self.stop_by_rule)

    @property
    def stop_by_rule(self) -> Decimal:
        """The highest dose from which the rule lets it stop."""
        rule = self.rule
        found = [] if rule.stop_mg is None else [rule.stop_mg]
        if rule.stop_percent is not None:
            found.append(self.dose_mg * rule.stop_percent / 100)
        if rule.stop_at_least_step:
            found.append(self.least_step)
        percents = (rule.stop_percent_of_adequate, self.takes_over and self.takes_over.stop_percent_of_adequate)
        if self.adequate_mg is not None:
            found += [self.adequate_mg * percent / 100 for percent in percents if percent]
        return max(found, default=Decimal(0))

    @property
    def least_days(self) -> int:
        within = self.takes_over.least_days if self.takes_over else None
        return self.rule.least_days if within is None else within

    def wanted(self, before: Decimal) -> Decimal:
        """The dose that the pace asks for after this one."""
        rule = self.rule
        if rule.way is Way.FIXED:
            return before - (rule.pace_mg or before)
        if rule.way is Way.LADDER:
            return max((rung.dose_mg for rung in rule.ladder if rung.dose_mg < before), default=Decimal(0))
        percent = self.pace_percent or rule.pace_percent or Decimal(100)
        if rule.way is Way.OF_START:
            return before - self.dose_mg * percent / 100
        low = self.adequate_mg is not None and before <= self.adequate_mg
        if low and self.pace_percent is None and rule.low_pace_percent is not None:
            percent = rule.low_pace_percent
        return before - before * percent / 100


def way_down(taper: Taper, starts_on: date) -> tuple[Down, ...]:
    """The steps by date, the last to 0. Raises NoPlan where what was asked for breaks the rule's bounds."""
    _require_bounds(taper)
    if taper.rule.way is Way.STOP:
        return (Down(starts_on, Decimal(0)),)
    doses = _doses(taper)
    days = _days(taper, [dose for dose, _ in doses], starts_on)
    return tuple(Down(day, dose, coarse) for day, (dose, coarse) in zip(days, doses, strict=True))


def _doses(taper: Taper) -> list[tuple[Decimal, bool]]:
    """Down to nothing, each with whether the pace had to give way to what can be made."""
    found: list[tuple[Decimal, bool]] = []
    before = taper.dose_mg
    while before > taper.may_stop_from:
        wanted = taper.wanted(before)
        fine = taper.made.above(max(wanted, Decimal(0)), before) if wanted > 0 else None
        dose = fine if fine is not None else taper.made.below(before)
        if dose is None:
            break
        found.append((dose, fine is None))
        before = dose
    return [*found, (Decimal(0), before > taper.stop_by_rule)]


def _days(taper: Taper, doses: list[Decimal], starts_on: date) -> list[date]:
    if taper.rule.way is Way.LADDER:
        return _by_ladder(taper, doses, starts_on)
    every = taper.every_days or (taper.takes_over and taper.takes_over.every_days) or taper.rule.every_days
    if taper.rule.whole_days and taper.takes_over is None and len(doses) > 1:
        every = max(every, ceil(taper.rule.whole_days / (len(doses) - 1)))
    return [shifted(starts_on, number * every) for number in range(len(doses))]


def _by_ladder(taper: Taper, doses: list[Decimal], starts_on: date) -> list[date]:
    found, day = [], starts_on
    for dose in doses:
        found.append(day)
        days = next((rung.days for rung in taper.rule.ladder if rung.dose_mg == dose), taper.rule.least_days)
        day = shifted(day, max(days, taper.every_days or 0))
    return found


def _require_bounds(taper: Taper) -> None:
    rule = taper.rule
    if taper.every_days is not None and taper.every_days < taper.least_days:
        message = "A step down comes no sooner than this after the step before."
        raise NoPlan(_forbidden(taper, message, taper.every_days, taper.least_days, "days"))
    if taper.pace_percent is not None and rule.cap_percent is not None and taper.pace_percent > rule.cap_percent:
        message = "A step down is no larger than this."
        raise NoPlan(_forbidden(taper, message, taper.pace_percent, rule.cap_percent, "percent"))


def _forbidden(taper: Taper, message: str, found: Decimal | int, allowed: Decimal | int, unit: str) -> Forbidden:
    return Forbidden(
        constraint="K4", rule=taper.rule.id, drug=taper.drug, message=message,
        found=Decimal(found), allowed=Decimal(allowed), unit=unit,
    )  # fmt: skip
