"""Changing the dose of an active prescription, and what becomes of a change that was planned for later."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from msgspec import UNSET, UnsetType

from careloop.contracts.prescribing import Order, PlanEnding, Regimen
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import NotKnown, RuleViolated
from careloop.kernel.ids import FactId
from careloop.kernel.reading import Else, Named, today
from careloop.kernel.restating import fact
from services.prescribing.domain.declining import CheckedCommand, check_order
from services.prescribing.domain.events import DoseChanged, Event, PrescriptionDeclined, PrescriptionIssued
from services.prescribing.domain.plan_endings import ending_of
from services.prescribing.domain.state import PrescriptionChart

MOST_AHEAD = timedelta(days=14)


class PlannedDoses(StrEnum):
    """What becomes of the changes that were planned for a later day than a new one."""

    KEEP = "keep"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeDose(CheckedCommand):
    """`daily_dose_mg` is the new dose in milligrams a day, in force from `effective_on`. `planned_doses` must be said
    where a change is planned for a later day."""

    prescription: Annotated[FactId, Named("prescription_id")]
    daily_dose_mg: Decimal
    effective_on: Annotated[date, Else(today)]
    reason: str
    planned_doses: PlannedDoses | None = None


changed = fact(
    DoseChanged,
    ChangeDose,
    *("from_daily_dose_mg", "capsule", "cancels", "regimen", "plan"),
    to_daily_dose_mg="daily_dose_mg",
)


@guarded(Guard.REPEAT, Guard.PAST, Guard.BORN, Guard.PRESCRIBER)
def change_dose(command: ChangeDose, chart: PrescriptionChart) -> list[Event]:
    """A new dose of an active prescription, checked as an order of that dose would be; declined as one.

    Raises NotKnown for a prescription that is not there, RuleViolated for one that ended or has this dose on that day,
    and for a day before the prescription begins or more than 14 days ahead. Where another dose is planned for a later
    day, the prescriber says what becomes of it: nothing climbs, or stays, without having been looked at. RuleViolated
    `planned-dose-undecided` otherwise, with the first of them. A dose plan that the prescription is part of ends.
    """
    issued = _active(command.prescription, chart)
    _require_near(command.effective_on, issued, chart.today(command.now))
    before = chart.daily_dose_mg(issued, command.effective_on)
    if before == command.daily_dose_mg:
        raise RuleViolated("dose-unchanged", "The prescription has this daily dose on that day.", field="daily_dose_mg")
    planned = _planned(command, chart)
    if planned and command.planned_doses is None:
        raise _undecided(planned[0])
    order = order_of_dose(issued.order, command.daily_dose_mg, command.effective_on)
    checked = check_order(command, order, chart, changing=command.prescription)
    if isinstance(checked, PrescriptionDeclined):
        return [checked]
    cancels = tuple(one.fact_id for one in planned) if command.planned_doses is PlannedDoses.CANCEL else ()
    change = changed(
        command, from_daily_dose_mg=before, capsule=checked, cancels=cancels or UNSET, regimen=UNSET, plan=UNSET
    )
    ends = ending_of(command.prescription, chart, command, PlanEnding.DOSE_CHANGED_OUTSIDE)
    return [change, *ends]


def _planned(command: ChangeDose, chart: PrescriptionChart) -> list[DoseChanged]:
    """Changes of a day that is still to come, and later than that of the new one."""
    after = max(command.effective_on, chart.today(command.now))
    return [one for one in chart.standing_changes(command.prescription) if one.effective_on > after]


def _undecided(planned: DoseChanged) -> RuleViolated:
    details = {"change": str(planned.fact_id), "daily_dose_mg": f"{planned.to_daily_dose_mg:f}"}
    sentence = "Another dose is planned for a later day: planned_doses says whether to keep or cancel it."
    details["effective_on"] = planned.effective_on.isoformat()
    return RuleViolated("planned-dose-undecided", sentence, field="planned_doses", details=details)


def _require_near(day: date, issued: PrescriptionIssued, today: date) -> None:
    if day < issued.order.starts_on:
        sentence = "effective_on may not lie before the first day of the prescription."
        raise RuleViolated("before-the-start", sentence, field="effective_on")
    if day > today + MOST_AHEAD:
        raise RuleViolated("too-far-ahead", "effective_on may lie at most 14 days ahead.", field="effective_on")


def order_of_dose(
    order: Order, daily_dose_mg: Decimal, effective_on: date, regimen: Regimen | UnsetType = UNSET
) -> Order:
    """The order as which a new dose is checked: a dose that is changed is taken by the regimen of the order no more."""
    return replace(order, daily_dose_mg=daily_dose_mg, starts_on=effective_on, regimen=regimen)


def _active(prescription: FactId, chart: PrescriptionChart) -> PrescriptionIssued:
    issued = chart.prescription(prescription)
    if issued is None:
        raise NotKnown("prescription-not-known", "There is no such prescription.", field="prescription_id")
    if chart.discontinuation(prescription):
        raise RuleViolated("prescription-ended", "The prescription has been discontinued.", field="prescription_id")
    return issued
