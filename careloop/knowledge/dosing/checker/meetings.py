"""K5, K7 and K9: how two drugs follow each other, or are taken side by side."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from careloop.knowledge.dosing.checker.case import PlanCase
from careloop.knowledge.dosing.checker.courses import Course
from careloop.knowledge.dosing.checker.findings import Constraint, Found, Weight, finding
from careloop.knowledge.dosing.rules import drug_named, switch_rule, washout
from careloop.knowledge.due_dates import shifted
from careloop.knowledge.findings import Check
from careloop.knowledge.pack.index import between
from careloop.knowledge.pack.shapes.dosing import Strategy, SwitchRule
from careloop.knowledge.pack.shapes.screening import PairRule

LONGEST_OVERLAP = 28
"""Days on which two drugs of one kind may both be taken while one gives way; a proposal of this project."""


@dataclass(frozen=True, slots=True)
class Other:
    """A drug beside a course: the day of its last dose, None where it goes on; in the plan or only in the chart."""

    drug: str
    last_on: date | None
    planned: Course | None

    def begins_after(self, day: date) -> bool:
        begins = self.planned.begins_on if self.planned else None
        return begins is not None and begins > day


def check(case: PlanCase) -> Iterator[Found]:
    for one in case.courses:
        for other in _others(case, one):
            yield from _washout(case, other, one)
            yield from _advised(case, other, one)
    for number, one in enumerate(case.courses):
        for later in case.courses[number + 1 :]:
            yield from _side_by_side(case, one, later)


def _others(case: PlanCase, one: Course) -> Iterator[Other]:
    planned = {other.drug for other in case.courses}
    yield from (Other(other.drug, other.last_dose_on, other) for other in case.courses if other is not one)
    for entry in case.chart.medications or ():
        drug = drug_named(entry.name or "", case.pack)
        if drug is not None and drug not in planned and drug != one.drug:
            yield Other(drug, entry.stopped_on, None)


def _washout(case: PlanCase, other: Other, one: Course) -> Iterator[Found]:
    """From the other's last dose to this one's first; taken side by side they break a washout of either direction."""
    first = one.begins_on
    if first is None or other.begins_after(first):
        return
    meets = other.last_on is None or other.last_on >= first
    ways = ((other.drug, one.drug), (one.drug, other.drug)) if meets else ((other.drug, one.drug),)
    rules = [washout(case.pack, after, before, first) for after, before in ways]
    rule = max((found for found in rules if found is not None), key=lambda found: found.days, default=None)
    if rule is None:
        return
    days = 0 if other.last_on is None else max((first - other.last_on).days, 0)
    if days < rule.days:
        message = f"The washout after {other.drug} is not kept."
        yield Weight.VIOLATION, finding(
            Constraint.INTERVAL, rule, one.drug, first, message,
            found=Decimal(days), allowed=Decimal(rule.days), unit="days", involves=(one.drug, other.drug),
        )  # fmt: skip


def _advised(case: PlanCase, other: Other, one: Course) -> Iterator[Found]:
    """What is usual between a drug that ends and one that begins."""
    first = one.begins_on
    if first is None or other.last_on is None or other.begins_after(first):
        return
    wash = washout(case.pack, other.drug, one.drug, first)
    rule = switch_rule(case.pack, other.drug, one.drug, case.as_of) if wash is None else None
    gap = (first - other.last_on).days
    if rule is not None:
        yield from _usual(rule, other, one, first, gap)
    without, demanded = gap - 1, max(wash.days - 1, 0) if wash else 0
    if other.planned is not None and without > demanded:
        message = f"Days without either {other.drug} or {one.drug}."
        yield Weight.NOTE, finding(
            Constraint.WITHOUT_EITHER, wash or rule, one.drug, shifted(other.last_on, 1), message,
            found=Decimal(without), allowed=Decimal(demanded), unit="days",
        )  # fmt: skip


def _usual(rule: SwitchRule, other: Other, one: Course, first: date, gap: int) -> Iterator[Found]:
    if rule.strategy is Strategy.CROSS_TAPER:
        if (overlap := 1 - gap) > rule.overlap_days:
            message = f"{other.drug} and {one.drug} are taken side by side for longer than is usual."
            yield Weight.TO_ANSWER, finding(
                Constraint.INTERVAL, rule, one.drug, first, message,
                found=Decimal(overlap), allowed=Decimal(rule.overlap_days), unit="days",
            )  # fmt: skip
    elif gap < rule.wait_from:
        message = f"The usual days between {other.drug} and {one.drug} are not kept."
        yield Weight.TO_ANSWER if rule.sources_agree else Weight.NOTE, finding(
            Constraint.INTERVAL, rule, one.drug, first, message,
            found=Decimal(max(gap, 0)), allowed=Decimal(rule.wait_from), unit="days",
        )  # fmt: skip


def _side_by_side(case: PlanCase, one: Course, later: Course) -> Iterator[Found]:
    """Two drugs of one kind: only while one gives way to the other, not for long, and at one full dose together."""
    rule = _same_kind(case, one.drug, later.drug)
    both = list(_days_of_both(case, one, later)) if rule is not None else []
    if rule is None or not both:
        return
    old, new = (one, later) if one.last_dose_on is not None else (later, one)
    if old.last_dose_on is None or new.begins_on is None:
        message = f"{one.drug} and {later.drug} are taken side by side, and neither gives way."
        yield Weight.VIOLATION, finding(Constraint.OVERLAP, rule, later.drug, both[0], message,
                                        involves=(one.drug, later.drug))  # fmt: skip
        return
    overlap = (old.last_dose_on - new.first_on).days + 1
    if overlap > LONGEST_OVERLAP:
        message = f"{old.drug} and {new.drug} are taken side by side for too long."
        yield Weight.VIOLATION, finding(
            Constraint.OVERLAP, rule, new.drug, shifted(new.first_on, LONGEST_OVERLAP), message,
            found=Decimal(overlap), allowed=Decimal(LONGEST_OVERLAP), unit="days", involves=(old.drug, new.drug),
        )  # fmt: skip
    yield from _load(case, rule, old, new, both)


def _same_kind(case: PlanCase, one: str, other: str) -> PairRule | None:
    pairs = between(case.pack, one, other)
    return next((rule for check, rule, _ in pairs if check is Check.DUPLICATE_THERAPY), None)


def _days_of_both(case: PlanCase, one: Course, later: Course) -> Iterator[date]:
    """The days of a change on which both are taken."""
    return (day for day in case.changes() if one.taken_on(day) and later.taken_on(day))


def _load(case: PlanCase, rule: PairRule, old: Course, new: Course, both: list[date]) -> Iterator[Found]:
    for day in both:
        shares = [_share(case, one, day) for one in (old, new)]
        load = sum((share for share in shares if share is not None), Decimal(0))
        if load > 1:
            message = f"{old.drug} and {new.drug} together are more than one full dose."
            yield Weight.VIOLATION, finding(
                Constraint.OVERLAP, rule, new.drug, day, message,
                found=round(load, 2), allowed=Decimal(1), unit="of-limits", involves=(old.drug, new.drug),
            )  # fmt: skip
            return


def _share(case: PlanCase, one: Course, day: date) -> Decimal | None:
    """The day's dose as a share of its limit; those of a first dose are none."""
    level = one.level(day)
    dose = level.total_mg if level else (one.before.mean_mg if one.before else None)
    limits = [limit.mg for limit in (case.limits(one, dose, day) if dose else ()) if not limit.of_a_start]
    return dose / limits[0] if dose and limits else None
