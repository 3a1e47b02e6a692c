"""FHIR MedicationRequest and MedicationStatement: what is taken now, what was, and what is not known of it.

A patient without a list is not said to take nothing: an empty list is never made here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import msgspec

from careloop.intake.dates import day, moment
from careloop.intake.reading import FhirResources
from careloop.intake.shapes import (
    Concept,
    Dosage,
    Medication,
    MedicationRequest,
    MedicationStatement,
    Quantity,
    Repeat,
)
from careloop.intake.tally import NotUnderstood, NotUsed

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
CURRENT = frozenset({"active", "on-hold"})
ENDED = frozenset({"completed", "stopped"})
ORDERED = frozenset({"", "order", "original-order", "reflex-order", "filler-order", "instance-order"})
CONSIDERED = frozenset({"proposal", "plan", "option"})
NOT_TAKEN = frozenset({"entered-in-error", "cancelled", "draft", "intended", "not-taken"})
MILLIGRAMS = {"mg": Decimal(1), "g": Decimal(1000), "ug": Decimal("0.001"), "mcg": Decimal("0.001")}
HOURS = {"h": Decimal(1), "d": Decimal(24), "wk": Decimal(168)}
DAYS = {"d": 1, "wk": 7, "mo": 30, "a": 365}
LARGEST_DOSE = Decimal(1_000_000)
MICROGRAM = Decimal("0.000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class MedicineTaken:
    """One order or statement. `ended` is the last day it can have been taken, None when it goes on or nobody knows."""

    name: str
    rxcui: str
    daily_dose_mg: Decimal | None
    started: date | None
    ended: date | None
    current: bool
    recorded_at: datetime | None

    @property
    def medicine(self) -> str:
        return self.rxcui or self.name.lower()


def requested(request: MedicationRequest, resources: FhirResources) -> MedicineTaken:
    """Raises NotUsed for what is no order that was followed, NotUnderstood for one that names no medicine."""
    _require_taken(request.status)
    if request.do_not_perform:
        raise NotUsed("not-to-be-taken")
    if request.intent not in ORDERED:
        raise (NotUsed if request.intent in CONSIDERED else NotUnderstood)("not-an-order")
    name, rxcui = medicine(_concept(request, resources))
    started = day(request.authored_on)
    return MedicineTaken(
        name=name,
        rxcui=rxcui,
        daily_dose_mg=daily_dose_mg(request.dosage_instruction),
        started=started,
        ended=_last_day(request, started) if request.status in ENDED else None,
        current=request.status in CURRENT,
        recorded_at=moment(request.authored_on),
    )


def stated(statement: MedicationStatement, resources: FhirResources) -> MedicineTaken:
    """Raises NotUsed for what was not taken, NotUnderstood for one that names no medicine."""
    _require_taken(statement.status)
    name, rxcui = medicine(_concept(statement, resources))
    period = statement.effective_period
    return MedicineTaken(
        name=name,
        rxcui=rxcui,
        daily_dose_mg=daily_dose_mg(statement.dosage),
        started=day(period.start if period else statement.effective_date_time),
        ended=day(period.end) if period and statement.status in ENDED else None,
        current=statement.status in CURRENT,
        recorded_at=moment(statement.date_asserted)
        or moment(period.start if period else statement.effective_date_time),
    )


def _require_taken(status: str) -> None:
    if status not in CURRENT | ENDED:
        if status in NOT_TAKEN:
            raise NotUsed(f"status-{status}")
        raise NotUnderstood("status-missing-or-unknown")


def _concept(order: MedicationRequest | MedicationStatement, resources: FhirResources) -> Concept:
    if order.medication_codeable_concept is not None:
        return order.medication_codeable_concept
    reference = order.medication_reference.reference if order.medication_reference else ""
    found = _contained(order, reference) if reference.startswith("#") else resources.named(Medication, reference)
    if found is None:
        raise NotUnderstood("medicine-reference-unknown" if reference else "medicine-missing")
    return found.code


def _contained(order: MedicationRequest | MedicationStatement, reference: str) -> Medication | None:
    for resource in order.contained:
        if resource.get("id") == reference[1:]:
            try:
                return msgspec.convert(resource, Medication)
            except msgspec.ValidationError:
                return None
    return None


def medicine(concept: Concept) -> tuple[str, str]:
    """Name and RxNorm code as the source says them. Raises NotUnderstood if it says neither."""
    coding = concept.code_in(RXNORM)
    rxcui = coding.code if coding else ""
    name = (coding.display if coding else "") or concept.words or (f"RxNorm {rxcui}" if rxcui else "")
    if not name.strip():
        raise NotUnderstood("medicine-missing")
    return name.strip(), rxcui


def daily_dose_mg(dosages: tuple[Dosage, ...]) -> Decimal | None:
    """Milligrams a day where one regular instruction says a mass and how often; else unknown."""
    if len(dosages) != 1 or dosages[0].as_needed_boolean or len(dosages[0].dose_and_rate) != 1:
        return None
    timing, quantity = dosages[0].timing, dosages[0].dose_and_rate[0].dose_quantity
    if quantity is None or timing is None or timing.repeat is None:
        return None
    try:
        return _dose_a_day(quantity, timing.repeat)
    except ArithmeticError:
        return None


def _dose_a_day(quantity: Quantity, repeat: Repeat) -> Decimal | None:
    factor, hours = MILLIGRAMS.get(quantity.code or quantity.unit), HOURS.get(repeat.period_unit)
    if factor is None or hours is None or not quantity.value or not repeat.frequency or not repeat.period:
        return None
    dose = (quantity.value * factor * repeat.frequency * 24 / (repeat.period * hours)).quantize(MICROGRAM)
    return dose.normalize() if 0 < dose < LARGEST_DOSE else None


def _last_day(request: MedicationRequest, started: date | None) -> date | None:
    """The end the order names; else the day its supply ends, all repeats counted: it cannot have lasted longer."""
    dispense = request.dispense_request
    if dispense is None:
        return None
    if dispense.validity_period is not None and (named := day(dispense.validity_period.end)):
        return named
    supply = dispense.expected_supply_duration
    if supply is None or supply.value is None or started is None or supply.code not in DAYS:
        return None
    try:
        return started + timedelta(
            days=int(supply.value * DAYS[supply.code] * (1 + dispense.number_of_repeats_allowed))
        )
    except (OverflowError, ArithmeticError, ValueError):
        return None


def latest_of_each(taken: Iterable[MedicineTaken]) -> list[MedicineTaken]:
    """One per medicine, in a fixed order: of several orders the last, from the day the first began."""
    by_medicine: dict[str, list[MedicineTaken]] = {}
    for one in taken:
        by_medicine.setdefault(one.medicine, []).append(one)
    return [_merged(orders) for _, orders in sorted(by_medicine.items())]


def _merged(orders: list[MedicineTaken]) -> MedicineTaken:
    newest = max(orders, key=_order)
    began = [order.started for order in orders if order.started is not None]
    return MedicineTaken(
        name=newest.name,
        rxcui=newest.rxcui,
        daily_dose_mg=newest.daily_dose_mg,
        started=min(began, default=None),
        ended=newest.ended,
        current=newest.current,
        recorded_at=newest.recorded_at,
    )


def _order(taken: MedicineTaken) -> tuple[object, ...]:
    beginning = datetime.min.replace(tzinfo=UTC)
    return (taken.ended or date.min, taken.started or date.min, taken.recorded_at or beginning, taken.name, taken.rxcui)
