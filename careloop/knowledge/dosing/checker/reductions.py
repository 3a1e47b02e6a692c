"""K4: steps down are small and far enough apart, and the last dose is low enough to stop from."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from careloop.knowledge.dosing.checker.amounts import pieces_of
from careloop.knowledge.dosing.checker.case import PlanCase
from careloop.knowledge.dosing.checker.courses import Course
from careloop.knowledge.dosing.checker.findings import Constraint, Found, PlanGap, Weight, finding
from careloop.knowledge.dosing.rules import taper_rule
from careloop.knowledge.due_dates import shifted
from careloop.knowledge.pack.index import condition_groups
from careloop.knowledge.pack.shapes.dosing import InSwitch, TaperRule, Way


@dataclass(frozen=True, slots=True)
class Fall:
    """A dose that is lower than before. `since` is the day of the fall before it in the same taper, None for the first;
    `start_mg` is the dose at the beginning of the taper, that began on `begun`."""

    on: date
    before_mg: Decimal
    to_mg: Decimal
    since: date | None
    start_mg: Decimal
    begun: date


@dataclass(frozen=True, slots=True)
class Descent:
    """A drug's taper with what decides it; `smallest` is the least dose that can be made, None where nobody knows."""

    case: PlanCase
    one: Course
    rule: TaperRule
    within: InSwitch | None
    smallest: Decimal | None

    @property
    def least_step(self) -> Decimal:
        named = (one.mg for one in self.rule.least_steps if self.case.pack.among(self.one.drug, one.drugs))
        return next(named, self.smallest or Decimal(0))

    @property
    def adequate_mg(self) -> Decimal | None:
        return self.case.pack.drugs[self.one.drug].adequate_mg


def check(case: PlanCase) -> Iterator[Found]:
    for one in case.courses:
        falls = list(_falls(one))
        if one.before is not None and one.before.mean_mg is None:
            yield PlanGap(constraint=Constraint.STEP_DOWN, reason="dose-missing", subject=one.drug)
        if not falls:
            continue
        rule = taper_rule(case.pack, one.drug, case.as_of)
        if rule is None or rule.way is Way.NOT_OFFERED:
            reason = "taper-unknown" if rule is None else "taper-not-offered"
            yield PlanGap(constraint=Constraint.STEP_DOWN, reason=reason, subject=one.drug)
        elif rule.way is not Way.STOP:
            within = rule.in_switch if rule.in_switch and _takes_over(case, one, rule.in_switch) else None
            descent = Descent(case, one, rule, within, min(pieces_of(case, one.drug), default=None))
            yield from _asked(descent, falls[0].on)
            for fall in falls:
                yield from _fall(descent, fall)


def _falls(one: Course) -> Iterator[Fall]:
    """Every step down, and the end where the plan has one."""
    before = one.before.mean_mg if one.before else None
    since: date | None = None
    start, begun = before, one.first_on
    steps = [(level.from_on, level.mean_mg) for level in one.levels]
    last = one.levels[-1].to_on
    if last is not None and one.levels[-1].mean_mg:
        steps.append((shifted(last, 1), Decimal(0)))
    for day, dose in steps:
        if before is not None and dose < before:
            if since is None:
                start, begun = before, day
            yield Fall(day, before, dose, since, start or before, begun)
            since = day
        elif before is None or dose > before:
            since = None
        before = dose


def _takes_over(case: PlanCase, one: Course, within: InSwitch) -> bool:
    """Whether the drug ends, and one of these begins in the same plan."""
    others = (other for other in case.courses if other is not one and other.begins_on is not None)
    return one.last_dose_on is not None and any(case.pack.among(other.drug, within.drugs) for other in others)


def _fall(descent: Descent, fall: Fall) -> Iterator[Found]:
    yield from _too_soon(descent, fall)
    if fall.to_mg:
        yield from _too_large(descent, fall)
    else:
        yield from _end(descent, fall)


def _violation(descent: Descent, fall: Fall, message: str, *, found: Decimal, allowed: Decimal, unit: str) -> Found:
    one = finding(
        Constraint.STEP_DOWN, descent.rule, descent.one.drug, fall.on, message, found=found, allowed=allowed, unit=unit
    )
    return (Weight.TO_ANSWER if _softened(descent, fall.on) else Weight.VIOLATION), one


def _softened(descent: Descent, day: date) -> bool:
    """Short use, or use on few days of the week, lets a prescriber go faster for a reason."""
    rule, answers = descent.rule, descent.case.answers
    briefly = (
        rule.softened_below_days is not None
        and answers.used_since is not None
        and (day - answers.used_since).days < rule.softened_below_days
    )
    seldom = (
        rule.softened_days_a_week is not None
        and answers.days_a_week is not None
        and answers.days_a_week <= rule.softened_days_a_week
    )
    return briefly or seldom


def _too_soon(descent: Descent, fall: Fall) -> Iterator[Found]:
    least = descent.rule.least_days
    if descent.within is not None and descent.within.least_days is not None:
        least = descent.within.least_days
    rung = next((rung.days for rung in descent.rule.ladder if rung.dose_mg == fall.before_mg), None)
    least = rung if rung is not None else least
    if fall.since is not None and (days := (fall.on - fall.since).days) < least:
        message = "The step down comes too soon after the one before."
        yield _violation(descent, fall, message, found=Decimal(days), allowed=Decimal(least), unit="days")


def _too_large(descent: Descent, fall: Fall) -> Iterator[Found]:
    rule = descent.rule
    if rule.way is Way.LADDER:
        lowest = max((rung.dose_mg for rung in rule.ladder if rung.dose_mg < fall.before_mg), default=Decimal(0))
        if fall.to_mg < lowest:
            message = "The step down leaves out a dose of the label's ladder."
            yield _violation(descent, fall, message, found=fall.to_mg, allowed=lowest, unit="mg")
        return
    step, base = fall.before_mg - fall.to_mg, fall.before_mg
    if rule.window_days is not None:
        base = _dose_before(descent.one, fall.on, rule.window_days)
        step = base - fall.to_mg
    if rule.way is Way.OF_START:
        base = fall.start_mg
    if step <= descent.least_step:
        return
    if rule.cap_mg is not None and step > rule.cap_mg:
        message = "The step down is larger than the largest."
        yield _violation(descent, fall, message, found=step, allowed=rule.cap_mg, unit="mg")
    if rule.cap_percent is not None and step * 100 > rule.cap_percent * base:
        message = "The step down is larger than the largest."
        if rule.window_days is not None:
            message = f"The dose falls by more in {rule.window_days} days than it may."
        share = round(step * 100 / base, 1)
        yield _violation(descent, fall, message, found=share, allowed=rule.cap_percent, unit="percent")


def _dose_before(one: Course, day: date, window_days: int) -> Decimal:
    """The highest dose of the window that ends with this day, and of the day before it begins."""
    opens = shifted(day, -window_days)
    earlier = (level for level in one.levels if level.from_on < day)
    held = [level.mean_mg for level in earlier if level.to_on is None or level.to_on >= opens]
    if one.before is not None and one.before.mean_mg is not None and one.first_on > opens:
        held.append(one.before.mean_mg)
    return max(held)


def _end(descent: Descent, fall: Fall) -> Iterator[Found]:
    limit = _may_stop_from(descent, fall)
    if limit is None:
        yield PlanGap(constraint=Constraint.STEP_DOWN, reason="stop-dose-unknown", subject=descent.one.drug)
        return
    last, smallest = fall.before_mg, descent.smallest
    if last > limit and smallest is not None and last <= smallest:
        message = "The last dose is above the one to stop from, and cannot be made smaller."
        yield (
            Weight.NOTE,
            finding(
                Constraint.STEP_DOWN,
                descent.rule,
                descent.one.drug,
                fall.on,
                message,
                found=last,
                allowed=limit,
                unit="mg",
            ),
        )
    elif last > limit:
        message = "The last dose is above the one that it may stop from."
        yield _violation(descent, fall, message, found=last, allowed=limit, unit="mg")
    whole, days = descent.rule.whole_days, (fall.on - fall.begun).days
    unsteppable = smallest is not None and fall.start_mg <= smallest
    if whole is not None and descent.within is None and not unsteppable and days < whole:
        message = "The whole taper is too short."
        yield _violation(descent, fall, message, found=Decimal(days), allowed=Decimal(whole), unit="days")


def _may_stop_from(descent: Descent, fall: Fall) -> Decimal | None:
    """The highest dose it may stop from by the rule; None where that hangs on an adequate dose that nobody knows."""
    rule, within = descent.rule, descent.within
    of_adequate = [rule.stop_percent_of_adequate, within.stop_percent_of_adequate if within else None]
    if any(of_adequate) and descent.adequate_mg is None:
        return None
    found = [descent.adequate_mg * percent / 100 for percent in of_adequate if percent and descent.adequate_mg]
    found += [rule.stop_mg] if rule.stop_mg is not None else []
    found += [fall.start_mg * rule.stop_percent / 100] if rule.stop_percent is not None else []
    found += [descent.least_step] if rule.stop_at_least_step else []
    return max(found, default=fall.before_mg)


def _asked(descent: Descent, day: date) -> Iterator[Found]:
    """What is asked before the taper; a yes, and what nobody asked, is the prescriber's to answer."""
    if descent.within is not None:
        return
    rule, case = descent.rule, descent.case
    yes = [question for question in rule.first_asks if case.answers.to(question)]
    unknown = [question for question in rule.first_asks if case.answers.to(question) is None]
    groups = {
        name
        for condition in case.chart.patient.conditions or ()
        for name in condition_groups(case.pack, condition.icd10, condition.snomed, condition.text)
    }
    yes += sorted(groups.intersection(rule.conditions))
    if yes or unknown:
        told = [*(f"{one}: yes" for one in yes), *(f"{one}: not known" for one in unknown)]
        message = f"Whether and where this taper is safe is to be decided first ({', '.join(told)})."
        yield Weight.TO_ANSWER, finding(Constraint.STEP_DOWN, rule, descent.one.drug, day, message)
