"""The way up: the first dose and each step, by the drug's steps or its fixed titration, in doses that can be made."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from careloop.knowledge.dosing.planner.asking import Forbidden, NoPlan
from careloop.knowledge.dosing.planner.making import Makeable
from careloop.knowledge.due_dates import shifted
from careloop.knowledge.pack.shapes.dosing import StepRule, SwitchRule
from careloop.knowledge.pack.shapes.entries import Sourced
from careloop.knowledge.pack.shapes.follow_up import Titration
from careloop.knowledge.regimen.regimen import Phase, Regimen, ScheduledDose


@dataclass(frozen=True, slots=True, kw_only=True)
class Up:
    """From this day on this daily dose, by this regimen; `needs` are results that come before it."""

    on: date
    dose_mg: Decimal
    regimen: Regimen
    rule: Sourced
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Climb:
    """What decides a way up. `now_mg` is what is taken already, 0 for nothing; `slowed_by` a switch that slows it."""

    rule: StepRule
    drug: str
    target_mg: Decimal
    made: Makeable
    now_mg: Decimal = Decimal(0)
    every_days: int | None = None
    slowed_by: SwitchRule | None = None


def way_up(climb: Climb, starts_on: date) -> tuple[Up, ...]:
    """The steps by date, the last to the target. Raises NoPlan, naming the constraint, where there is no such way."""
    if not climb.made.can(climb.target_mg):
        message = "The target cannot be made of the strengths there are."
        raise NoPlan(Forbidden(constraint="K8", rule="", drug=climb.drug, message=message, found=climb.target_mg,
                               unit="mg"))  # fmt: skip
    steps = [] if climb.now_mg else [_up(climb, starts_on, _first(climb))]
    dose, day = climb.now_mg or steps[0].dose_mg, starts_on
    while dose < climb.target_mg:
        slowed = _slowed(climb, day, starts_on)
        if steps:
            day = shifted(day, _interval(climb, dose, slowed))
        dose = _next(climb, dose, _slowed(climb, day, starts_on))
        steps.append(_up(climb, day, dose))
    return tuple(steps)


def interval_days(climb: Climb) -> int:
    """How long the dose of now is taken before it is raised."""
    return _interval(climb, climb.now_mg, slowed=False)


def _up(climb: Climb, day: date, dose: Decimal) -> Up:
    return Up(on=day, dose_mg=dose, regimen=climb.made.regimen(dose), rule=climb.rule, needs=climb.rule.measures)


def _first(climb: Climb) -> Decimal:
    most = min(climb.rule.start_mg, climb.target_mg)
    found = climb.made.at_most(most) or climb.made.at_most(climb.rule.most_start_mg or climb.rule.start_mg)
    if found is None:
        message = "The first dose cannot be made of the strengths there are."
        raise NoPlan(Forbidden(constraint="K8", rule=climb.rule.id, drug=climb.drug, message=message,
                               found=climb.made.smallest, allowed=climb.rule.most_start_mg or climb.rule.start_mg,
                               unit="mg"))  # fmt: skip
    return found


def _next(climb: Climb, dose: Decimal, slowed: bool) -> Decimal:
    usual, most = _step(climb, dose)
    if slowed and climb.slowed_by is not None:
        usual = usual * climb.slowed_by.slow_percent / 100
    found = climb.made.at_most(min(dose + usual, climb.target_mg), above=dose)
    found = found or climb.made.at_most(min(dose + most, climb.target_mg), above=dose)
    if found is None:
        message = "There is no step to the target that the rule allows and that can be made."
        raise NoPlan(Forbidden(constraint="K2", rule=climb.rule.id, drug=climb.drug, message=message,
                               found=climb.target_mg - dose, allowed=most, unit="mg"))  # fmt: skip
    return found


def _step(climb: Climb, dose: Decimal) -> tuple[Decimal, Decimal]:
    """The usual step from this dose, and the largest."""
    rule = climb.rule
    for tier in reversed(rule.tiers):
        if dose >= tier.from_mg:
            return tier.most_step_mg, tier.most_step_mg
    most = rule.most_step_mg or Decimal(0)
    return rule.step_mg or most, most


def _interval(climb: Climb, dose: Decimal, slowed: bool) -> int:
    least = max((tier.least_days for tier in climb.rule.tiers if dose >= tier.from_mg), default=climb.rule.least_days)
    if climb.every_days is not None and climb.every_days < least:
        message = "A step up comes no sooner than this after the step before."
        raise NoPlan(Forbidden(constraint="K2", rule=climb.rule.id, drug=climb.drug, message=message,
                               found=Decimal(climb.every_days), allowed=Decimal(least), unit="days"))  # fmt: skip
    every = max(climb.every_days or climb.rule.every_days, least)
    return every * climb.slowed_by.slow_interval if slowed and climb.slowed_by is not None else every


def _slowed(climb: Climb, day: date, starts_on: date) -> bool:
    return climb.slowed_by is not None and (day - starts_on).days < climb.slowed_by.slow_days


def by_titration(titration: Titration, target_mg: Decimal, starts_on: date, made: Makeable) -> tuple[Up, ...]:
    """The fixed way up, as far as the target. Raises NoPlan for a target that is none of its doses."""
    doses = [step.dose_mg for step in titration.steps]
    if target_mg not in doses:
        message = f"The fixed way up has {', '.join(f'{dose:f}' for dose in doses)} mg."
        raise NoPlan(Forbidden(constraint="K3", rule=titration.id, drug=titration.drugs[0], message=message,
                               found=target_mg, allowed=max(doses), unit="mg"))  # fmt: skip
    last = max(number for number, dose in enumerate(doses) if dose == target_mg)
    return tuple(
        Up(
            on=shifted(starts_on, step.from_day),
            dose_mg=step.dose_mg / step.every_days,
            regimen=_every(made, step.dose_mg, step.every_days),
            rule=titration,
        )
        for step in titration.steps[: last + 1]
    )


def _every(made: Makeable, dose: Decimal, days: int) -> Regimen:
    if days == 1:
        return made.regimen(dose)
    taken = (ScheduledDose(at=made.times[-1], amount_mg=dose),)
    return Regimen(phases=(Phase(every_days=days, doses=taken),))
