"""K2, K3 and K10: first doses and steps up are small and late enough, by a fixed titration where the drug has one, and
the results that they need are asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from careloop.knowledge.dosing.checker.case import PlanCase
from careloop.knowledge.dosing.checker.courses import Course, Level
from careloop.knowledge.dosing.checker.findings import Constraint, Found, PlanGap, Weight, finding
from careloop.knowledge.dosing.rules import drug_named, step_rule, switch_rule
from careloop.knowledge.pack.index import in_force
from careloop.knowledge.pack.shapes.dosing import StepRule
from careloop.knowledge.pack.shapes.follow_up import GapRule, Titration
from careloop.knowledge.screening.titration import ledger, titration_of

BEGINS_AGAIN_DAYS = 14
"""A drug without a rule of its own on gaps begins again after so many days without; a proposal of this project."""


@dataclass(frozen=True, slots=True)
class Rise:
    """A dose that is higher than before: from `before_mg` (0: a start) since `since` (None: not known)."""

    level: Level
    before_mg: Decimal
    since: date | None


def check(case: PlanCase) -> Iterator[Found]:
    for one in case.courses:
        fixed = titration_of(one.drug, case.beside(one.first_on, one.drug), one.first_on, case.pack)
        if fixed is not None:
            yield from _by_ledger(one, fixed)
            continue
        unknown = one.before is not None and one.before.mean_mg is None
        if unknown:
            yield PlanGap(constraint=Constraint.STEP_UP, reason="dose-missing", subject=one.drug)
        for rise in () if unknown else _rises(case, one):
            yield from _rise(case, one, rise)


def _rises(case: PlanCase, one: Course) -> Iterator[Rise]:
    """Each level above the one before; a gap that is too long for going on makes a start of what follows."""
    before = one.before.mean_mg or Decimal(0) if one.before else Decimal(0)
    since = one.before.since if one.before else None
    stopped: date | None = None
    for level in one.levels:
        if not level.mean_mg:
            stopped = stopped or level.from_on
            continue
        if stopped is not None and (level.from_on - stopped).days + 1 >= _restart_days(case, one.drug, level.from_on):
            before = Decimal(0)
        if level.mean_mg > before:
            yield Rise(level, before, since)
        before, since, stopped = level.mean_mg, level.from_on, None


def _restart_days(case: PlanCase, drug: str, day: date) -> int:
    """After how many days from the last dose to the next it begins again."""
    rules: tuple[GapRule, ...] = in_force(case.pack, GapRule, day)
    gaps = (gap.from_days for gap in rules if gap.restarts_titration and case.pack.among(drug, gap.drugs))
    return min(gaps, default=BEGINS_AGAIN_DAYS)


def _rise(case: PlanCase, one: Course, rise: Rise) -> Iterator[Found]:
    day = rise.level.from_on
    rule = step_rule(case.pack, one.drug, case.beside(day, one.drug), case.as_of)
    if rule is None:
        yield PlanGap(constraint=Constraint.STEP_UP, reason="step-unknown", subject=one.drug)
        return
    if not rise.before_mg:
        most = rule.most_start_mg or rule.start_mg
        if rise.level.mean_mg > most:
            yield Weight.VIOLATION, finding(
                Constraint.STEP_UP, rule, one.drug, day, "The first dose is above the highest first dose.",
                found=rise.level.mean_mg, allowed=most, unit="mg",
            )  # fmt: skip
        return
    yield from _size(one, rise, rule)
    yield from _days(one, rise, rule)
    yield from _slowed(case, one, rise, rule)
    yield from _results(one, rise, rule)


def _size(one: Course, rise: Rise, rule: StepRule) -> Iterator[Found]:
    step, (most, _) = rise.level.mean_mg - rise.before_mg, bounds(rule, rise.before_mg)
    if step > most:
        yield Weight.VIOLATION, finding(
            Constraint.STEP_UP, rule, one.drug, rise.level.from_on, "The step up is larger than the largest.",
            found=step, allowed=most, unit="mg",
        )  # fmt: skip


def _days(one: Course, rise: Rise, rule: StepRule) -> Iterator[Found]:
    if rise.since is None:
        yield PlanGap(constraint=Constraint.STEP_UP, reason="start-date-missing", subject=one.drug)
        return
    days, (_, least) = (rise.level.from_on - rise.since).days, bounds(rule, rise.before_mg)
    if days < least:
        yield Weight.VIOLATION, finding(
            Constraint.STEP_UP, rule, one.drug, rise.level.from_on, "The step up comes too soon after the one before.",
            found=Decimal(days), allowed=Decimal(least), unit="days",
        )  # fmt: skip


def bounds(rule: StepRule, before: Decimal) -> tuple[Decimal, int]:
    """The largest step from this dose, and the fewest days before it."""
    held = [tier for tier in rule.tiers if before >= tier.from_mg]
    tier = max(held, key=lambda one: one.from_mg, default=None)
    if tier is not None:
        return tier.most_step_mg, tier.least_days
    return rule.most_step_mg or Decimal(0), rule.least_days


def _slowed(case: PlanCase, one: Course, rise: Rise, rule: StepRule) -> Iterator[Found]:
    """A switch that slows the new drug's first weeks."""
    if one.begins_on is None or rise.since is None:
        return
    for old in _left_before(case, one):
        switch = switch_rule(case.pack, old, one.drug, case.as_of)
        if switch is None or (rise.since - one.first_on).days >= switch.slow_days:
            continue
        least = rule.every_days * switch.slow_interval
        days = (rise.level.from_on - rise.since).days
        most = (rule.step_mg or rule.most_step_mg or Decimal(0)) * switch.slow_percent / 100
        step = rise.level.mean_mg - rise.before_mg
        if switch.slow_interval > 1 and days < least:
            yield Weight.TO_ANSWER, finding(
                Constraint.STEP_UP, switch, one.drug, rise.level.from_on, f"After {old} the steps are further apart.",
                found=Decimal(days), allowed=Decimal(least), unit="days",
            )  # fmt: skip
        if switch.slow_percent < 100 and step > most:
            yield Weight.TO_ANSWER, finding(
                Constraint.STEP_UP, switch, one.drug, rise.level.from_on, f"After {old} the steps are smaller.",
                found=step, allowed=most, unit="mg",
            )  # fmt: skip


def _left_before(case: PlanCase, one: Course) -> tuple[str, ...]:
    """The drugs that are not taken any more, or only on the way out, when this one begins."""
    listed = case.medications(one.first_on, one.drug) or ()
    ended = (drug_named(entry.name or "", case.pack) for entry in listed if entry.stopped_on is not None)
    planned = (other.drug for other in case.courses if other is not one and other.last_dose_on is not None)
    return tuple(dict.fromkeys(drug for drug in (*planned, *ended) if drug))


def _results(one: Course, rise: Rise, rule: StepRule) -> Iterator[Found]:
    day = rise.level.from_on
    asked = {name for on, names in one.asks if on <= day and (rise.since is None or on > rise.since) for name in names}
    for measure in rule.measures:
        if measure not in asked:
            message = f"The step up needs a result that it does not ask for: {measure}."
            yield Weight.NOTE, finding(Constraint.RESULT, rule, one.drug, day, message)


def _by_ledger(one: Course, fixed: Titration) -> Iterator[Found]:
    """No dose that is higher than before is above the step of the ledger on its first day; later steps are higher."""
    befores = [one.before.mean_mg or Decimal(0) if one.before else Decimal(0), *(level.mean_mg for level in one.levels)]
    rises = [level for before, level in zip(befores, one.levels, strict=False) if level.mean_mg > before]
    begun = one.before.since if one.before else one.first_on
    if begun is None and rises:
        yield PlanGap(constraint=Constraint.FIXED_TITRATION, reason="start-date-missing", subject=one.drug)
    steps = ledger(fixed, begun) if begun is not None else ()
    for level in rises if steps else ():
        held = [step for step in steps if step.from_on <= level.from_on]
        allowed = held[-1].dose_mg / held[-1].every_days if held else Decimal(0)
        over_day = bool(held) and level.total_mg > held[-1].dose_mg
        if level.mean_mg > allowed or over_day:
            yield Weight.VIOLATION, finding(
                Constraint.FIXED_TITRATION, fixed, one.drug, level.from_on, "The dose is ahead of the fixed titration.",
                found=level.total_mg if over_day else level.mean_mg,
                allowed=held[-1].dose_mg if over_day else allowed, unit="mg",
            )  # fmt: skip
