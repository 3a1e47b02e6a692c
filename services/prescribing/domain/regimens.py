"""Regimens of orders: what makes sense as one, the dose of each day, and the most that the check is asked with."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from msgspec import UNSET

from careloop.contracts import prescribing as contract
from careloop.contracts.prescribing import Order
from careloop.kernel.errors import InvalidInput
from careloop.kernel.restating import restating
from careloop.knowledge.dosing.rules import drug_named, step_rule
from careloop.knowledge.due_dates import shifted
from careloop.knowledge.pack.pack import current_pack
from careloop.knowledge.regimen.days import dated, ends_on, phase_on
from careloop.knowledge.regimen.regimen import Regimen, ascends, mean_daily_mg, most_daily_mg, most_mg, plain
from careloop.knowledge.regimen.requiring import require_regimen
from careloop.knowledge.regimen.words import in_words
from careloop.knowledge.screening.titration import titration_of
from services.prescribing.domain.events import DoseChanged

NEARLY_MG = Decimal("0.01")
"""What somebody rounded by hand is not another dose."""
_regimen = restating(Regimen, contract.Regimen)


def regimen_of(order: Order) -> Regimen | None:
    """How the order is taken; None where only a daily dose was ordered."""
    return None if order.regimen is UNSET else _regimen(order.regimen)


def completed(order: Order) -> Order:
    """The order with the daily dose and the words of its regimen, where it has one and says none itself.

    Raises InvalidInput for a regimen that makes no sense, for one that rises or has several phases of a drug that is
    raised by steps (`ascending-needs-plan`), and for a daily dose that is not that of its first phase
    (`dose-and-regimen-differ`).
    """
    regimen = regimen_of(order)
    if regimen is None:
        return order
    require_regimen(regimen, "order.regimen")
    if _needs_plan(order, regimen):
        sentence = "Steps of this drug belong in a dose plan."
        raise InvalidInput("ascending-needs-plan", sentence, field="order.regimen.phases")
    dose = dose_of(order, order.starts_on)
    if order.daily_dose_mg is not None and (dose is None or abs(order.daily_dose_mg - dose) >= NEARLY_MG):
        sentence = "daily_dose_mg must equal the first phase's daily total, or be left out."
        raise InvalidInput("dose-and-regimen-differ", sentence, field="order.daily_dose_mg")
    return replace(order, daily_dose_mg=dose, sig=order.sig or in_words(regimen))


def _needs_plan(order: Order, regimen: Regimen) -> bool:
    if ascends(regimen):
        return True
    drug, pack = drug_named(order.medicine.name, current_pack()), current_pack()
    if drug is None or len(regimen.phases) == 1:
        return False
    stepped = step_rule(pack, drug, (), order.starts_on) is not None
    return stepped or titration_of(drug, (), order.starts_on, pack) is not None


def most_of(order: Order) -> Decimal | None:
    """The milligrams a day that the check is asked with."""
    regimen = regimen_of(order)
    return order.daily_dose_mg if regimen is None else most_mg(regimen)


def dose_of(order: Order, day: date) -> Decimal | None:
    """The daily dose of that day by the order; before its first day that of the first phase, after its last 0. None
    while it is taken as needed alone."""
    regimen = regimen_of(order)
    if regimen is None:
        return order.daily_dose_mg
    found = phase_on(regimen, order.starts_on, max(day, order.starts_on))
    if found is not None and found.phase.as_needed is not None and not found.phase.doses:
        return None
    return plain(mean_daily_mg(found.phase)) if found else Decimal(0)


def most_from(order: Order, day: date) -> Decimal | None:
    """The most that may come together on any day from that one on; 0 where the regimen is over."""
    regimen = regimen_of(order)
    if regimen is None:
        return order.daily_dose_mg
    ahead = (one.phase for one in dated(regimen, order.starts_on) if one.to_on is None or one.to_on >= day)
    return max(map(most_daily_mg, ahead), default=Decimal(0))


def most_of_change(change: DoseChanged) -> Decimal:
    """The most that may come together on any day by it."""
    return change.to_daily_dose_mg if change.regimen is UNSET else most_mg(_regimen(change.regimen))


def days_of_change(order: Order) -> tuple[date, ...]:
    """The first day of the order, and of a regimen the first of each later phase and the day after the last."""
    regimen = regimen_of(order)
    if regimen is None:
        return (order.starts_on,)
    ends = ends_on(regimen, order.starts_on)
    begins = tuple(one.from_on for one in dated(regimen, order.starts_on))
    return begins if ends is None else (*begins, shifted(ends, 1))


def last_day(order: Order) -> date | None:
    """The last day of its regimen; None where it goes on."""
    regimen = regimen_of(order)
    return None if regimen is None else ends_on(regimen, order.starts_on)
