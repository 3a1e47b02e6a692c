"""K1: the total of a day is within the limit in force for this patient on that day."""

from collections.abc import Iterator

from careloop.knowledge.dosing.checker.case import PlanCase
from careloop.knowledge.dosing.checker.courses import Course, Level
from careloop.knowledge.dosing.checker.findings import Constraint, Found, PlanGap, Weight, finding
from careloop.knowledge.screening.titration import titration_of


def check(case: PlanCase) -> Iterator[Found]:
    """On every day of a change, also of another drug. A limit of the start of a fixed titration is that titration's."""
    told: set[tuple[str, str]] = set()
    for day in case.changes():
        for one in case.courses:
            level = one.level(day)
            if level is None or not level.total_mg:
                continue
            limits = case.limits(one, level.total_mg, day)
            if not any(limit.rule.when is None for limit in limits):
                yield PlanGap(constraint=Constraint.DAILY_LIMIT, reason="limit-unknown", subject=one.drug)
            fixed = titration_of(one.drug, case.beside(day, one.drug), day, case.pack) is not None
            known = _known_before(case, one, level)
            for limit in limits:
                if level.total_mg <= limit.mg or (fixed and limit.of_a_start) or (one.drug, limit.rule.id) in told:
                    continue
                told.add((one.drug, limit.rule.id))
                message = "The day's total is above the limit."
                yield Weight.NOTE if limit.rule.id in known else Weight.VIOLATION, finding(
                    Constraint.DAILY_LIMIT, limit.rule, one.drug, day, message,
                    found=level.total_mg, allowed=limit.mg, unit="mg",
                )  # fmt: skip


def _known_before(case: PlanCase, one: Course, level: Level) -> frozenset[str]:
    """The limits that the dose from before the plan is above already, for a dose that is no higher: a drug may be
    lowered from a dose that nobody should have reached."""
    dose = one.before.mean_mg if one.before else None
    if dose is None or level.total_mg > dose:
        return frozenset()
    return frozenset(limit.rule.id for limit in case.limits(one, dose, case.as_of) if dose > limit.mg)
