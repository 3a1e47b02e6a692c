"""Changing the dose of an active prescription."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Annotated

from careloop.contracts.prescribing import Order
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import NotKnown, RuleViolated
from careloop.kernel.ids import FactId
from careloop.kernel.reading import Else, Named, today
from careloop.kernel.restating import fact
from services.prescribing.domain.declining import CheckedCommand, check_order
from services.prescribing.domain.events import DoseChanged, Event, PrescriptionDeclined, PrescriptionIssued
from services.prescribing.domain.state import PrescriptionChart


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeDose(CheckedCommand):
    """`daily_dose_mg` is the new dose in milligrams a day, in force from `effective_on`."""

    prescription: Annotated[FactId, Named("prescription_id")]
    daily_dose_mg: Decimal
    effective_on: Annotated[date, Else(today)]
    reason: str


changed = fact(DoseChanged, ChangeDose, "from_daily_dose_mg", "capsule", to_daily_dose_mg="daily_dose_mg")


@guarded(Guard.REPEAT, Guard.PAST, Guard.BORN, Guard.PRESCRIBER)
def change_dose(command: ChangeDose, chart: PrescriptionChart) -> list[Event]:
    """A new dose of an active prescription, checked as an order of that dose would be; declined as one.

    Raises NotKnown for a prescription that is not there, RuleViolated for one that ended or has this dose.
    """
    issued = _active(command.prescription, chart)
    before = chart.daily_dose_mg(issued)
    if before == command.daily_dose_mg:
        raise RuleViolated("dose-unchanged", "The prescription already has this daily dose.", field="daily_dose_mg")
    order = order_of_dose(issued.order, command.daily_dose_mg, command.effective_on)
    checked = check_order(command, order, chart, changing=command.prescription)
    if isinstance(checked, PrescriptionDeclined):
        return [checked]
    return [changed(command, from_daily_dose_mg=before, capsule=checked)]


def order_of_dose(order: Order, daily_dose_mg: Decimal, effective_on: date) -> Order:
    """The order as which a new dose is checked."""
    return replace(order, daily_dose_mg=daily_dose_mg, starts_on=effective_on)


def _active(prescription: FactId, chart: PrescriptionChart) -> PrescriptionIssued:
    issued = chart.prescription(prescription)
    if issued is None:
        raise NotKnown("prescription-not-known", "There is no such prescription.", field="prescription_id")
    if chart.discontinuation(prescription):
        raise RuleViolated("prescription-ended", "The prescription has been discontinued.", field="prescription_id")
    return issued
