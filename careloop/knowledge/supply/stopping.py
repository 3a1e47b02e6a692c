"""Whether a drug is stopped from one day to the next, and what that does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from careloop.knowledge.pack.pack import Pack, current_pack
from careloop.knowledge.pack.shapes.guidance import AbruptStop, StopLevel

LOOKED_BACK = timedelta(weeks=12)
TAPERED_TO = Decimal("0.25")
"""A last dose of at most a quarter of the highest one counts as tapered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseFrom:
    """The daily dose from a day on; None is not stated."""

    on: date
    daily_dose_mg: Decimal | None


def abrupt_stop(
    ingredients: Sequence[str], doses: Sequence[DoseFrom], last_dose_on: date, pack: Pack | None = None
) -> tuple[str, AbruptStop] | None:
    """The ingredient with the worst rule that its stop breaks; None where nothing speaks against it.

    `doses` are by day, the first one that of the start. A dose that is not stated was not tapered.
    """
    pack = pack or current_pack()
    taken_days = (last_dose_on - doses[0].on).days
    if _tapered(doses, last_dose_on):
        return None
    found = [
        (drug, rule)
        for rule in pack.entries(AbruptStop)
        for drug in ingredients
        if rule.in_force(last_dose_on) and pack.among(drug, rule.drugs) and taken_days >= rule.after_days
    ]
    levels = list(StopLevel)
    worst = min(found, key=lambda one: levels.index(one[1].level), default=None)
    return None if worst is None or worst[1].level is StopLevel.NONE else worst


def _tapered(doses: Sequence[DoseFrom], last_dose_on: date) -> bool:
    begun = [dose for dose in doses if dose.on <= last_dose_on]
    before = [dose for dose in begun if dose.on <= last_dose_on - LOOKED_BACK][-1:]
    recent = [dose.daily_dose_mg for dose in (*before, *(one for one in begun if one.on > last_dose_on - LOOKED_BACK))]
    if not recent or any(dose is None for dose in recent):
        return False
    stated = [dose for dose in recent if dose is not None]
    return stated[-1] <= TAPERED_TO * max(stated)
