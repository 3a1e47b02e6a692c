"""Doses that were ordered for a later day, and the fact that one of them came into force.

Of a regimen every phase is one, and the day after its last.
"""

from dataclasses import dataclass
from datetime import date, datetime

from msgspec import UNSET

from careloop.contracts.prescribing import DoseTookEffect
from careloop.kernel.decisions import guarded
from careloop.kernel.ids import FactId, derived_id
from careloop.knowledge.local_time import day_begins
from services.prescribing.domain.events import DoseChanged, Event, PrescriptionIssued
from services.prescribing.domain.regimens import days_of_change
from services.prescribing.domain.state import PrescriptionChart


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseAhead:
    """A change of the dose, or (`change` is None) the dose of a prescription as it was ordered, from a later day on."""

    prescription: FactId
    change: FactId | None
    effective_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeEffect:
    """The day of this dose has come."""

    dose: DoseAhead
    now: datetime


@guarded()
def take_effect(command: TakeEffect, chart: PrescriptionChart) -> list[Event]:
    """The dose that holds from the first moment of its day where the client lives.

    Nothing where that was said before, where the prescription or the change was struck, where the prescription ended
    before that day, another change took its place (for the same day, or, of an ordered dose, for one up to it), or the
    client's episode of care is closed.
    """
    dose, fact_id = command.dose, took_effect_id(command.dose)
    issued = chart.prescription(dose.prescription)
    if issued is None or chart.knows(fact_id) or _ended_before(dose, chart) or chart.ended is not None:
        return []
    if not _is_last_of_its_day(dose, issued, chart):
        return []
    return [
        DoseTookEffect(
            fact_id=fact_id,
            prescription=dose.prescription,
            change=dose.change,
            daily_dose_mg=chart.daily_dose_mg(issued, dose.effective_on),
            effective_on=dose.effective_on,
            occurred_at=day_begins(dose.effective_on, chart.zone),
        )
    ]


def took_effect_id(dose: DoseAhead) -> FactId:
    """The fact that this dose took effect, named by the dose and its day."""
    return FactId(derived_id("prescribing", "took-effect", dose.change or dose.prescription, dose.effective_on))


def _ended_before(dose: DoseAhead, chart: PrescriptionChart) -> bool:
    ended = chart.discontinuation(dose.prescription)
    return ended is not None and ended.stopped_on < dose.effective_on


def _is_last_of_its_day(dose: DoseAhead, issued: PrescriptionIssued, chart: PrescriptionChart) -> bool:
    last = chart.last_change(issued, dose.effective_on)
    first = dose.change is None and dose.effective_on == issued.order.starts_on
    return first or (last.fact_id if last else None) == dose.change


def dated_ahead(event: PrescriptionIssued | DoseChanged) -> tuple[DoseAhead, ...]:
    """What takes effect on a later day than it was decided on; none where it was in force at once. A step of a plan
    always does: its day is one that is still to come where the client lives.

    A decision stored without its day is taken to have been decided when it was true of the client.
    """
    if isinstance(event, DoseChanged) and event.plan is not UNSET:
        return (DoseAhead(prescription=event.prescription, change=event.fact_id, effective_on=event.effective_on),)
    if isinstance(event, DoseChanged):
        doses = [DoseAhead(prescription=event.prescription, change=event.fact_id, effective_on=event.effective_on)]
    else:
        days = days_of_change(event.order)
        doses = [DoseAhead(prescription=event.fact_id, change=None, effective_on=day) for day in days]
    decided_on = event.occurred_at.date() if event.capsule.as_of is UNSET else event.capsule.as_of
    return tuple(dose for dose in doses if dose.effective_on > decided_on)


def doses_ahead(chart: PrescriptionChart) -> list[DoseAhead]:
    """Those of all standing prescriptions and changes of which nobody has said yet that they took effect."""
    changes = (one for one in chart.dose_changes if one.fact_id not in chart.struck)
    every: list[PrescriptionIssued | DoseChanged] = [*chart.standing_prescriptions(), *changes]
    return [dose for one in every for dose in dated_ahead(one) if not chart.knows(took_effect_id(dose))]


def caught_up(chart: PrescriptionChart, now: datetime) -> list[Event]:
    """The doses whose day came while the client was in no episode of care, now that one is open."""
    found: list[Event] = []
    for dose in sorted(doses_ahead(chart), key=lambda one: one.effective_on):
        if day_begins(dose.effective_on, chart.zone) <= now:
            found += take_effect(TakeEffect(dose=dose, now=now), chart)
    return found
