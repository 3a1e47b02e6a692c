"""The safety check of what is taken already: each prescription of ours, and each listed medicine, against the rest."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from careloop.contracts import prescribing as contract
from careloop.contracts.prescribing import Order, is_overridden
from careloop.contracts.terms import Medicine
from careloop.kernel.ids import FactId
from careloop.kernel.restating import restating
from careloop.knowledge import chart as known
from careloop.knowledge.findings import Alert, Check, Screening, Severity
from careloop.knowledge.pack.pack import Pack
from careloop.knowledge.screening.screen import screen
from services.prescribing.domain.concerns import Key, key_of
from services.prescribing.domain.dose_changes import order_of_dose
from services.prescribing.domain.events import DoseChanged, PrescriptionIssued
from services.prescribing.domain.readings.reading import Asking, Reading
from services.prescribing.domain.state import PrescriptionChart

LONG = timedelta(days=366)
"""Since when a listed medicine is taken of which nobody said it: limits of a start hold for it no more."""
published_alert = restating(contract.Alert, Alert)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An alert against a medicine that is taken; `prescription` is None for one that is only listed."""

    prescription: FactId | None
    medicine: Medicine
    alert: contract.Alert


OF_ORDERING = frozenset({Check.SUPPLY, Check.CONTROLLED_SUBSTANCE})
"""Checks of the act of ordering: they say nothing against what is taken."""


def rank(alert: contract.Alert) -> int:
    """0 for the worst."""
    return Severity(alert.severity).rank


def found_in(chart: PrescriptionChart, as_of: date, reading: Reading, pack: Pack | None = None) -> dict[Key, Found]:
    """What the check says of everything that is taken. What two medicines do to each other is found once: on the one
    that we prescribe, where there is one."""
    found: dict[Key, Found] = {}
    for one in (*_ours(chart, as_of, reading, pack), *_listed(chart, as_of, reading, pack)):
        key = key_of(one.alert)
        if key not in found or rank(one.alert) < rank(found[key].alert):
            found[key] = one
    return found


def _ours(chart: PrescriptionChart, as_of: date, reading: Reading, pack: Pack | None) -> Iterator[Found]:
    for issued in active(chart, as_of):
        asking = Asking(chart=chart, order=_as_taken(issued, chart, as_of), as_of=as_of, changing=issued.fact_id)
        answer = screen(reading.patient_chart(asking), reading.ordered(asking), as_of, pack)
        for alert in _against(answer):
            medicine = issued.order.medicine
            yield Found(prescription=issued.fact_id, medicine=medicine, alert=published_alert(alert))


def _against(answer: Screening) -> list[Alert]:
    return [alert for alert in answer.alerts if alert.kind not in OF_ORDERING]


def active(chart: PrescriptionChart, as_of: date) -> list[PrescriptionIssued]:
    """Ours that have not ended by that day, planned ones too."""
    ends = ((issued, chart.discontinuation(issued.fact_id)) for issued in chart.standing_prescriptions())
    return [issued for issued, end in ends if end is None or end.stopped_on > as_of]


def _as_taken(issued: PrescriptionIssued, chart: PrescriptionChart, as_of: date) -> Order:
    """As an order of the highest dose that holds or is planned."""
    dose = chart.highest_dose_mg(issued, as_of)
    order = issued.order if dose is None else order_of_dose(issued.order, dose, issued.order.starts_on)
    return replace(order, starts_on=max(order.starts_on, as_of))


def _listed(chart: PrescriptionChart, as_of: date, reading: Reading, pack: Pack | None) -> Iterator[Found]:
    """Medicines of the reconciled list that are not ours and are taken still."""
    read = reading.patient_chart(Asking(chart=chart, order=_NOTHING, as_of=as_of))
    prescribed = {(one.name, one.rxcui or None) for one in (issued.order.medicine for issued in active(chart, as_of))}
    for taken in read.medications or ():
        if (taken.name, taken.rxcui) in prescribed or (taken.stopped_on is not None and taken.stopped_on <= as_of):
            continue
        others = tuple(one for one in read.medications or () if one is not taken)
        answer = screen(replace(read, medications=others), _ordered(taken, as_of), as_of, pack)
        for alert in _against(answer):
            medicine = Medicine(name=taken.name or "", rxcui=taken.rxcui or "")
            yield Found(prescription=None, medicine=medicine, alert=published_alert(alert))


_NOTHING = Order(medicine=Medicine(name=""), daily_dose_mg=None, days_supply=None, starts_on=date(2000, 1, 1))


def _ordered(taken: known.Medication, as_of: date) -> known.OrderedMedicine:
    return known.OrderedMedicine(
        name=taken.name,
        rxcui=taken.rxcui,
        daily_dose_mg=taken.daily_dose_mg,
        starts_on=as_of,
        taken_since=taken.started_on or as_of - LONG,
    )


def is_accepted_there(one: Found, chart: PrescriptionChart) -> bool:
    """Whether a prescriber answered this very alert, of these medicines and not less severe, in a decision that
    stands."""
    decisions: list[PrescriptionIssued | DoseChanged] = [*chart.standing_prescriptions()]
    decisions += [change for change in chart.dose_changes if change.fact_id not in chart.struck]
    key = key_of(one.alert)
    return any(
        key_of(alert) == key and rank(alert) <= rank(one.alert) and is_overridden(alert, decided.capsule.overrides)
        for decided in decisions
        for alert in map(published_alert, decided.capsule.screening.alerts)
    )
