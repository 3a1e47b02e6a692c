"""Changing the dose of an active prescription."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from careloop.kernel.credentials import require_prescriber
from careloop.kernel.errors import NotKnown, RuleViolated
from careloop.kernel.events import require_past
from careloop.kernel.ids import FactId
from services.prescribing.domain.declining import CheckedCommand, check_order
from services.prescribing.domain.events import DoseChanged, Event, Order, PrescriptionDeclined, PrescriptionIssued
from services.prescribing.domain.state import PrescriptionChart


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeDose(CheckedCommand):
    """`daily_dose_mg` is the new dose in milligrams a day, in force from `effective_on`."""

    prescription: FactId
    daily_dose_mg: Decimal
    effective_on: date
    reason: str


def change_dose(command: ChangeDose, chart: PrescriptionChart) -> list[Event]:
    """A new dose of an active prescription, checked as an order of that dose would be; declined as one.

    Raises NotAllowed as `issue` does, NotKnown for a prescription that is not there, RuleViolated for one that ended.
    """
    if command.fact_id in chart.decided:
        return []
    require_past(command.occurred_at, command.now)
    require_prescriber(command.credential, command.occurred_at, command.now)
    issued = _active(command.prescription, chart)
    before = chart.daily_dose_mg(issued)
    if before == command.daily_dose_mg:
        raise RuleViolated("dose-unchanged", "The prescription already has this daily dose.", field="daily_dose_mg")
    order = order_of_dose(issued.order, command.daily_dose_mg, command.effective_on)
    checked = check_order(command, order, chart, changing=command.prescription)
    if isinstance(checked, PrescriptionDeclined):
        return [checked]
    return [
        DoseChanged(
            fact_id=command.fact_id,
            prescription=command.prescription,
            from_daily_dose_mg=before,
            to_daily_dose_mg=command.daily_dose_mg,
            effective_on=command.effective_on,
            reason=command.reason,
            prescriber=command.prescriber,
            capsule=checked,
            occurred_at=command.occurred_at,
        )
    ]


def order_of_dose(order: Order, daily_dose_mg: Decimal, effective_on: date) -> Order:
    """The order as which a new dose is checked."""
    return Order(
        medicine=order.medicine,
        daily_dose_mg=daily_dose_mg,
        sig=order.sig,
        days_supply=order.days_supply,
        starts_on=effective_on,
    )


def _active(prescription: FactId, chart: PrescriptionChart) -> PrescriptionIssued:
    issued = chart.prescription(prescription)
    if issued is None:
        raise NotKnown("prescription-not-known", "There is no such prescription.", field="prescription_id")
    if chart.discontinuation(prescription):
        raise RuleViolated("prescription-ended", "The prescription has been discontinued.", field="prescription_id")
    return issued
