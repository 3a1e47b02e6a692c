"""The second reading's medicines: our own prescriptions, and what reconciled lists name besides."""

from collections.abc import Hashable
from dataclasses import replace
from datetime import date

from careloop.knowledge import chart as known
from services.prescribing.domain.events import PrescriptionIssued
from services.prescribing.domain.matching import substance, substance_of
from services.prescribing.domain.noted import MedicationsNoted
from services.prescribing.domain.readings.reading import Asking
from services.prescribing.domain.regimens import last_day
from services.prescribing.domain.state import PrescriptionChart


def reconciled(chart: PrescriptionChart, lists: list[MedicationsNoted]) -> tuple[known.Medication, ...]:
    """All medications of the reconciled lists that are not our own prescriptions, oldest list first.

    A medication that a later list no longer names is taken to have been stopped on that list's day: the last day it
    can have been taken, from which a washout counts.
    """
    taken: dict[str, known.Medication] = {}
    for noted in lists:
        day = noted.occurred_at.date()
        ours = in_force(chart, day)
        others = [one for one in noted.medications if substance_of(one.name, one.rxcui) not in ours]
        named = {medication.rxcui or (medication.name or "").casefold(): medication for medication in others}
        gone = {key: before for key, before in taken.items() if key not in named and before.stopped_on is None}
        taken |= {key: replace(before, stopped_on=day) for key, before in gone.items()} | named
    return tuple(taken.values())


def in_force(chart: PrescriptionChart, day: date) -> set[Hashable]:
    """What we prescribe and had not ended by that day: what a list of the day says of it is a discrepancy or nothing,
    never a second medicine."""
    ended = {issued.fact_id: chart.discontinuation(issued.fact_id) for issued in chart.standing_prescriptions()}
    return {
        substance(issued.order.medicine)
        for issued in chart.standing_prescriptions()
        if (end := ended[issued.fact_id]) is None or end.stopped_on >= day
    }


def prescribed(asking: Asking) -> tuple[known.Medication, ...]:
    """Ours, ended ones with the day of the last dose, without the one whose dose is being changed."""
    ours = (one for one in asking.chart.standing_prescriptions() if one.fact_id != asking.changing)
    return tuple(taken for issued in ours if (taken := _taken(asking.chart, issued, asking.as_of)) is not None)


def _taken(chart: PrescriptionChart, issued: PrescriptionIssued, as_of: date) -> known.Medication | None:
    """With the highest dose that holds or is planned from `as_of` on, so that neither hides the other; an ended one
    with its last. None for one that ended before it began. A last dose that was put before the first is taken to have
    been on the day on which that was said: the last day it can have been."""
    ended, starts_on = chart.discontinuation(issued.fact_id), issued.order.starts_on
    stopped_on = ended.stopped_on if ended else _over_on(chart, issued, as_of)
    if ended is not None and ended.stopped_on < starts_on:
        stopped_on = ended.occurred_at.date()
        if stopped_on < starts_on:
            return None
    return known.Medication(
        name=issued.order.medicine.name,
        rxcui=issued.order.medicine.rxcui or None,
        daily_dose_mg=chart.daily_dose_mg(issued, stopped_on) if stopped_on else chart.highest_dose_mg(issued, as_of),
        started_on=starts_on,
        stopped_on=stopped_on,
    )


def _over_on(chart: PrescriptionChart, issued: PrescriptionIssued, as_of: date) -> date | None:
    """The last day of a regimen that is over; a dose that was changed goes by it no more."""
    last = last_day(issued.order)
    over = last is not None and last < as_of and chart.last_change(issued, as_of) is None
    return last if over else None
