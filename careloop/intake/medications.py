"""FHIR MedicationRequest, MedicationStatement and MedicationDispense: what is taken now, what was, and what is not
known of it.

A patient without a list is not said to take nothing: an empty list is made only where the source says that none are.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from careloop.intake.dates import Days, day, days, earliest_moment
from careloop.intake.doses import daily_dose_mg, strength_of
from careloop.intake.medicines import NamedMedicine, named_medicine
from careloop.intake.negations import Says, says
from careloop.intake.reading import FhirResources
from careloop.intake.shapes.elements import Quantity
from careloop.intake.shapes.medications import MedicationDispense, MedicationRequest, MedicationStatement
from careloop.intake.tally import NotUnderstood, NotUsed
from careloop.intake.timings import DAYS

CURRENT = frozenset({"active", "on-hold"})
ENDED = frozenset({"completed", "stopped"})
UNKNOWN = "unknown"
ORDERED = frozenset({"", "order", "original-order", "reflex-order", "filler-order", "instance-order"})
CONSIDERED = frozenset({"proposal", "plan", "option"})
NOT_TAKEN = frozenset({"entered-in-error", "cancelled", "draft", "intended", "not-taken"})
NOT_HANDED_OVER = frozenset({"preparation", "in-progress", "cancelled", "on-hold", "entered-in-error", "declined"})
HANDED_OVER = frozenset({"completed", "stopped"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MedicineTaken:
    """One order, statement or hand-over. `ended` is the last day it can have been taken, None when it goes on or nobody
    knows. `certain` is False where the record only suggests that it is taken. `written` are the days on which it may
    have been written."""

    name: str
    rxcui: str
    daily_dose_mg: Decimal | None = None
    started: date | None = None
    ended: date | None = None
    current: bool
    certain: bool = True
    written: Days | None = None
    recorded_at: datetime | None = None
    none_taken: bool = False

    @property
    def medicine(self) -> str:
        return self.rxcui or self.name.lower()


def requested(request: MedicationRequest, resources: FhirResources, today: date) -> MedicineTaken:
    """Raises NotUsed for what is no order that was followed, NotUnderstood for one that names no medicine."""
    _require_taken(request.status)
    if request.do_not_perform:
        raise NotUsed("not-to-be-taken")
    reported = request.reported_boolean or request.reported_reference is not None
    if request.intent not in ORDERED and not (reported and request.intent == "plan"):
        raise (NotUsed if request.intent in CONSIDERED else NotUnderstood)("not-an-order")
    medicine, written = named_medicine(request, resources), days(request.authored_on)
    started = day(request.authored_on)
    dose = daily_dose_mg(request.dosage_instruction, strength_of(medicine.name, medicine.medication), started, today)
    return _taken(
        medicine,
        request.status,
        dose=dose,
        started=written.first if written else None,
        ended=_last_day(request, started) if request.status in ENDED else None,
        written=written,
        recorded_at=earliest_moment(request.authored_on),
    )


def stated(statement: MedicationStatement, resources: FhirResources, today: date) -> MedicineTaken:
    """Raises NotUsed for what was not taken, NotUnderstood for one that names no medicine.

    One that is called active and whose period is over may or may not be taken: it stays on the list, its dose unknown.
    """
    _require_taken(statement.status)
    medicine, period = named_medicine(statement, resources), statement.effective_period
    began = days(period.start if period else statement.effective_date_time)
    over = days(period.end) if period else None
    dose = daily_dose_mg(
        statement.dosage, strength_of(medicine.name, medicine.medication), began.first if began else None, today
    )
    asserted = statement.date_asserted or (period.start if period else statement.effective_date_time)
    return _taken(
        medicine,
        statement.status,
        dose=None if over is not None and over.last < today and statement.status in CURRENT else dose,
        started=began.first if began else None,
        ended=over.last if over and statement.status in ENDED else None,
        written=days(asserted),
        recorded_at=earliest_moment(asserted),
    )


def handed_over(dispense: MedicationDispense, resources: FhirResources, today: date) -> MedicineTaken:
    """What was handed over and lasts until today may be taken. Raises NotUsed for what never was handed over or has run
    out, NotUnderstood where the record does not say when it was, or for how long."""
    if dispense.status in NOT_HANDED_OVER:
        raise NotUsed(f"status-{dispense.status}")
    if dispense.status not in HANDED_OVER:
        raise NotUnderstood("status-missing-or-unknown", leaves_gap=False)
    medicine, handed = named_medicine(dispense, resources), days(dispense.when_handed_over or dispense.when_prepared)
    supplied = _in_days(dispense.days_supply)
    if handed is None or supplied is None:
        raise NotUnderstood("supply-unknown", leaves_gap=False)
    if (today - handed.last).days > supplied:
        raise NotUsed("supply-over")
    recorded_at = earliest_moment(dispense.when_handed_over or dispense.when_prepared)
    taken = _taken(medicine, "active", started=handed.first, written=handed, recorded_at=recorded_at)
    return replace(taken, certain=False)


def _taken(
    medicine: NamedMedicine,
    status: str,
    *,
    dose: Decimal | None = None,
    started: date | None,
    ended: date | None = None,
    written: Days | None,
    recorded_at: datetime | None,
) -> MedicineTaken:
    return MedicineTaken(
        name=medicine.name,
        rxcui=medicine.rxcui,
        daily_dose_mg=dose if status == "active" or status in ENDED else None,
        started=started,
        ended=ended if ended is None or started is None or ended >= started else None,
        current=status in CURRENT or status == UNKNOWN,
        certain=status != UNKNOWN,
        written=written,
        recorded_at=recorded_at,
        none_taken=says(medicine.concept) is Says.NONE,
    )


def _require_taken(status: str) -> None:
    """An unknown status may mean that it is taken, and the list says so."""
    if status not in CURRENT | ENDED | {UNKNOWN}:
        if status in NOT_TAKEN:
            raise NotUsed(f"status-{status}")
        raise NotUnderstood("status-missing-or-unknown")


def _last_day(request: MedicationRequest, started: date | None) -> date | None:
    """The end the order names; else the day its supply ends, all repeats counted: it cannot have lasted longer."""
    dispense = request.dispense_request
    if dispense is None:
        return None
    if dispense.validity_period is not None and (named := days(dispense.validity_period.end)):
        return named.last
    supplied = _in_days(dispense.expected_supply_duration)
    if supplied is None or started is None:
        return None
    try:
        return started + timedelta(days=supplied * (1 + dispense.number_of_repeats_allowed))
    except (OverflowError, ValueError):
        return None


def _in_days(supply: Quantity | None) -> int | None:
    """A supply in whole days; of one whose unit is not said, the number."""
    if supply is None or supply.value is None or not 0 <= supply.value < 10_000:
        return None
    unit = supply.code or supply.unit or "d"
    return int(supply.value * DAYS[unit]) if unit in DAYS else None


def latest_of_each(taken: Iterable[MedicineTaken]) -> list[MedicineTaken]:
    """One per medicine, in a fixed order: of several orders the last, from the day the first began."""
    by_medicine: dict[str, list[MedicineTaken]] = {}
    for one in taken:
        by_medicine.setdefault(one.medicine, []).append(one)
    return [_merged(orders) for _, orders in sorted(by_medicine.items())]


def _merged(orders: list[MedicineTaken]) -> MedicineTaken:
    """What is certain stands before what is not. Where it is not certain which order is the last, the dose is not."""
    certain = [order for order in orders if order.certain] or orders
    newest = max(certain, key=_order)
    began = [order.started for order in orders if order.started is not None]
    doubtful = any(
        _may_be_newer(order, newest) and order.daily_dose_mg != newest.daily_dose_mg
        for order in certain
        if order is not newest
    )
    return replace(newest, started=min(began, default=None), daily_dose_mg=None if doubtful else newest.daily_dose_mg)


def _may_be_newer(order: MedicineTaken, newest: MedicineTaken) -> bool:
    """Whether the days on which both may have been written overlap, of two that are taken or two that ended."""
    if order.current != newest.current or order.ended != newest.ended:
        return False
    if order.written is None or newest.written is None:
        return order.written == newest.written
    return order.written.last >= newest.written.first and newest.written.last >= order.written.first


def _order(taken: MedicineTaken) -> tuple[object, ...]:
    beginning = datetime.min.replace(tzinfo=UTC)
    written = taken.written.last if taken.written else taken.started or date.min
    return (taken.ended or date.min, written, taken.recorded_at or beginning, taken.name, taken.rxcui)
