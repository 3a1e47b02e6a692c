"""The ledger of a fixed way up: which dose from which day on, and which doses were given too soon."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from careloop.knowledge.due_dates import shifted
from careloop.knowledge.pack.index import in_force
from careloop.knowledge.pack.pack import Pack, current_pack
from careloop.knowledge.pack.shapes.follow_up import GapRule, Titration


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseStep:
    """This dose on every `every_days`-th day, from one day to another, both included; the last step has no end."""

    from_on: date
    to_on: date | None
    dose_mg: Decimal
    every_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayDose:
    """What was taken in all on one day."""

    on: date
    dose_mg: Decimal


def titration_of(drug: str, taken: Iterable[str], on: date, pack: Pack | None = None) -> Titration | None:
    """The titration of a drug beside these ingredients, for a start on that day; None where the pack holds none."""
    pack = pack or current_pack()
    beside = tuple(taken)
    for rule in pack.entries(Titration):
        fits = not rule.with_drugs or any(other in pack.members[name] for other in beside for name in rule.with_drugs)
        if fits and rule.in_force(on) and pack.among(drug, rule.drugs):
            return rule
    return None


def restart_days(drug: str, on: date, pack: Pack) -> int:
    """So many days after the last dose the treatment is under way no more, whatever else is taken.

    A gap that is long enough only beside another drug, such as an inducer, is judged by the limits of a start.
    """
    gaps: Iterable[GapRule] = in_force(pack, GapRule, on)
    return min(gap.from_days for gap in gaps if gap.restarts_titration and pack.among(drug, gap.drugs))


def ledger(titration: Titration, started_on: date) -> tuple[DoseStep, ...]:
    """The steps by date."""
    starts = [shifted(started_on, step.from_day) for step in titration.steps]
    ends = [*(shifted(start, -1) for start in starts[1:]), None]
    return tuple(
        DoseStep(from_on=start, to_on=end, dose_mg=step.dose_mg, every_days=step.every_days)
        for start, end, step in zip(starts, ends, titration.steps, strict=True)
    )


def step_on(titration: Titration, started_on: date, day: date) -> DoseStep | None:
    """The step of that day; None before the start."""
    return next((step for step in reversed(ledger(titration, started_on)) if day >= step.from_on), None)


def too_soon(titration: Titration, started_on: date, given: Iterable[DayDose]) -> tuple[DayDose, ...]:
    """The doses above their step, or fewer days after the dose before than the step asks for; by date.

    A day before the start is not judged, nor is a day without a dose.
    """
    found: list[DayDose] = []
    before: date | None = None
    for dose in sorted((dose for dose in given if dose.dose_mg > 0), key=lambda dose: (dose.on, dose.dose_mg)):
        step = step_on(titration, started_on, dose.on)
        if step is not None:
            early = before is not None and (dose.on - before).days < step.every_days
            found += [dose] if early or dose.dose_mg > step.dose_mg else []
        before = dose.on
    return tuple(found)
