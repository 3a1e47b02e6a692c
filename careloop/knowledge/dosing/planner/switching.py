"""One drug in the place of another: washout first, then what is usual between the two."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from careloop.knowledge.chart import Medication
from careloop.knowledge.dosing.planner.asking import Line, NoPlan, NotKnown, Plan, line
from careloop.knowledge.dosing.planner.drugs_down import Lowering, lowered
from careloop.knowledge.dosing.planner.drugs_up import Raising, raised, target_of
from careloop.knowledge.dosing.planner.situation import Situation
from careloop.knowledge.dosing.rules import switch_rule, washout
from careloop.knowledge.due_dates import shifted
from careloop.knowledge.findings import Check
from careloop.knowledge.pack.index import between
from careloop.knowledge.pack.shapes.dosing import Strategy, SwitchRule
from careloop.knowledge.pack.shapes.screening import WashoutRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """How the first drug is left: its last day, and where it is lowered on the way, how."""

    drug: str
    last_on: date
    lowering: Lowering | None

    def dose_on(self, day: date) -> Decimal:
        if day > self.last_on:
            return Decimal(0)
        return self.lowering.dose_on(day) if self.lowering else Decimal(0)

    def entry(self, day: date) -> Medication:
        """As a medication on that day."""
        dose = self.dose_on(day) or None
        return Medication(name=self.drug, daily_dose_mg=dose, stopped_on=self.last_on if day > self.last_on else None)


def switch(situation: Situation) -> Plan:
    """The plan. Raises NoPlan."""
    wanted = situation.wanted
    if wanted.leaving is None or wanted.coming is None:
        raise NoPlan(NotKnown(reason="dose-missing", subject="from, to", message="A switch needs from and to."))
    old, new = situation.drug(wanted.leaving.name), situation.drug(wanted.coming.name)
    wash, usual = washout(situation.pack, old, new, wanted.as_of), switch_rule(situation.pack, old, new, wanted.as_of)
    rule = wash or usual
    if rule is None or old == new:
        message = "No strategy for this pair is known: the prescriber writes the schedule."
        raise NoPlan(NotKnown(reason="switch-unknown", subject=f"{old} -> {new}", message=message))
    target = target_of(situation, new, wanted.coming.target_daily_mg)
    leave = _leave(situation, old, wanted.leaving.daily_dose_mg, new)
    comes = _crossing(situation, leave, new, target, rule) if isinstance(rule, SwitchRule) else None
    if comes is None:
        begins = max(shifted(leave.last_on, _wait(rule)), wanted.starts_on)
        slowed_by = rule if isinstance(rule, SwitchRule) and rule.slow_days else None
        comes = raised(situation, new, target, begins, slowed_by=slowed_by)
        _require(situation, leave, comes)
    return _plan(situation, leave, comes, rule)


def _wait(rule: WashoutRule | SwitchRule) -> int:
    return rule.days if isinstance(rule, WashoutRule) else rule.wait_days


def _leave(situation: Situation, old: str, stated: Decimal | None, new: str) -> Leave:
    """A drug that is ending anyway is not lowered."""
    taken = situation.taken(old)
    if taken is not None and taken.last_on is not None:
        return Leave(drug=old, last_on=taken.last_on, lowering=None)
    lowering = lowered(situation, old, stated, situation.wanted.starts_on, new)
    return Leave(drug=old, last_on=lowering.last_on, lowering=lowering)


def _crossing(situation: Situation, leave: Leave, new: str, target: Decimal, rule: SwitchRule) -> Raising | None:
    """The earliest begin that keeps the overlap short, and the load of two drugs of one kind at one full dose; None
    where the two are not to meet."""
    if rule.strategy is not Strategy.CROSS_TAPER:
        return None
    first = max(situation.wanted.starts_on, shifted(leave.last_on, 1 - rule.overlap_days))
    for number in range((leave.last_on - first).days + 2):
        comes = raised(situation, new, target, shifted(first, number))
        if comes.steps[0].on > leave.last_on:
            break
        meeting = _medications(situation, leave, new, comes.steps[0].on)
        dose = comes.steps[0].dose_mg
        if situation.contraindicated(new, dose, comes.steps[0].on, meeting, under_way=False):
            return None
        if not _same_kind(situation, leave.drug, new) or _fits(situation, leave, comes):
            _require(situation, leave, comes)
            return comes
    return None


def _same_kind(situation: Situation, old: str, new: str) -> bool:
    return any(check is Check.DUPLICATE_THERAPY for check, _, _ in between(situation.pack, old, new))


def _fits(situation: Situation, leave: Leave, comes: Raising) -> bool:
    """Whether the shares of both limits add up to no more than one on every day that both are taken."""
    for day in _days_of_both(leave, comes):
        around = _medications(situation, leave, comes.drug, day)
        new = situation.share(comes.drug, comes.dose_on(day), day, around)
        beside = (*(situation.others(leave.drug, comes.drug) or ()), _entry(comes, day))
        old = situation.share(leave.drug, leave.dose_on(day), day, beside)
        if new + old > 1:
            return False
    return True


def _days_of_both(leave: Leave, comes: Raising) -> Iterator[date]:
    """Every day of a change on which both are taken."""
    downs = leave.lowering.steps if leave.lowering else ()
    changes = {step.on for step in comes.steps} | {step.on for step in downs}
    begins = comes.steps[0].on
    yield from sorted(day for day in changes if begins <= day <= leave.last_on)


def _entry(comes: Raising, day: date) -> Medication:
    return Medication(name=comes.drug, daily_dose_mg=comes.dose_on(day), started_on=comes.steps[0].on)


def _medications(situation: Situation, leave: Leave, new: str, day: date) -> tuple[Medication, ...] | None:
    others = situation.others(leave.drug, new)
    return None if others is None else (*others, leave.entry(day))


def _require(situation: Situation, leave: Leave, comes: Raising) -> None:
    """Raises NoPlan where a step of the new drug may not be."""
    for number, step in enumerate(comes.steps):
        around = _medications(situation, leave, comes.drug, step.on)
        situation.require(comes.drug, step.dose_mg, step.on, around, under_way=bool(number or comes.now_mg))


def _plan(situation: Situation, leave: Leave, comes: Raising, rule: WashoutRule | SwitchRule) -> Plan:
    first = comes.steps[0].on
    downs = leave.lowering.segments() if leave.lowering else ()
    why = leave.lowering.lines() if leave.lowering else ()
    lines = (
        *why,
        _meeting(leave, comes, rule),
        *comes.lines(),
    )
    return Plan(
        knowledge=situation.pack.reference,
        segments=tuple(sorted((*downs, *comes.segments()), key=lambda one: (one.from_on, one.drug))),
        earliest_on=first,
        explanation=tuple(sorted(lines, key=lambda one: one.from_on)),
    )


def _meeting(leave: Leave, comes: Raising, rule: WashoutRule | SwitchRule) -> Line:
    first = comes.steps[0].on
    days = (first - leave.last_on).days
    if days <= 0:
        what = f"{comes.drug} begins beside {leave.drug}: {1 - days} days of both"
    else:
        what = f"{comes.drug} begins {days} days after the last dose of {leave.drug} ({leave.last_on.isoformat()})"
    return line(comes.drug, first, what, _advice(leave, comes, rule), rule)


def _advice(leave: Leave, comes: Raising, rule: WashoutRule | SwitchRule) -> str:
    if isinstance(rule, SwitchRule):
        return rule.advice or "As is usual between these two."
    until = shifted(leave.last_on, rule.days)
    return rule.action.format(order=comes.drug, other=leave.drug, until=until, days=rule.days)
