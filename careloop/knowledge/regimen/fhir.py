"""A regimen as FHIR R4 dosageInstruction, and back.

Phase n is every instruction of sequence n; of one sequence they run side by side. A pause is days that no instruction
covers.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from careloop.kernel.errors import InvalidInput
from careloop.knowledge.regimen.days import DatedPhase, dated
from careloop.knowledge.regimen.regimen import AsNeeded, Phase, Regimen, ScheduledDose, Weekday

_WHEN = {"morning": "MORN", "noon": "NOON", "evening": "EVE", "bedtime": "HS"}
_PART = {code: part for part, code in _WHEN.items()}
_UCUM = "http://unitsofmeasure.org"
_REPEAT = frozenset(
    {"boundsPeriod", "frequency", "period", "periodUnit", "timeOfDay", "when", "dayOfWeek"}
)  # what a regimen can say


def to_fhir(regimen: Regimen, first_day: date) -> list[dict[str, Any]]:
    """The dosageInstruction of a MedicationRequest that begins on `first_day`."""
    phases = enumerate(dated(regimen, first_day), start=1)
    return [instruction for number, one in phases for instruction in _instructions(number, one)]


def _instructions(sequence: int, one: DatedPhase) -> Iterator[dict[str, Any]]:
    bounds = {"start": one.from_on.isoformat()} | ({"end": one.to_on.isoformat()} if one.to_on else {})
    for dose in one.phase.doses:
        repeat = {"boundsPeriod": bounds, "frequency": 1, "period": one.phase.every_days or 1, "periodUnit": "d"}
        if one.phase.weekdays:
            repeat["dayOfWeek"] = [str(day) for day in one.phase.weekdays]
        at = {"when": [_WHEN[dose.at]]} if dose.at in _WHEN else {"timeOfDay": [f"{dose.at}:00"]}
        yield {"sequence": sequence, "timing": {"repeat": {**repeat, **at}}, **_amount(dose.amount_mg)}
    needed = one.phase.as_needed
    if needed is not None:
        apart = {"frequency": 1, "period": needed.hours_between, "periodUnit": "h"} if needed.hours_between else {}
        yield {
            "sequence": sequence,
            "timing": {"repeat": {"boundsPeriod": bounds, **apart}},
            "asNeededCodeableConcept": {"text": needed.reason},
            **_amount(needed.amount_mg),
            "maxDosePerPeriod": {
                "numerator": _milligrams(needed.amount_mg * needed.most_in_24_hours),
                "denominator": {"value": 24, "unit": "h", "system": _UCUM, "code": "h"},
            },
        }


def _amount(amount: Decimal) -> dict[str, Any]:
    return {"doseAndRate": [{"doseQuantity": _milligrams(amount)}]}


def _milligrams(amount: Decimal) -> dict[str, Any]:
    value = int(amount) if amount == amount.to_integral_value() else float(amount)
    return {"value": value, "unit": "mg", "system": _UCUM, "code": "mg"}


def from_fhir(instructions: Sequence[Mapping[str, Any]]) -> tuple[Regimen, date]:
    """The regimen and its first day.

    Raises InvalidInput `not-a-regimen`, naming the element, for what a regimen cannot say: ranges, counts, doses by
    weight or in tablets, times that depend on meals.
    """
    by_sequence: dict[int, list[tuple[str, Mapping[str, Any]]]] = {}
    for place, instruction in enumerate(instructions):
        field = f"dosageInstruction[{place}]"
        by_sequence.setdefault(instruction.get("sequence", 1), []).append((field, instruction))
    phases = [_phase(by_sequence[number]) for number in sorted(by_sequence)]
    if not phases:
        raise _fault("dosageInstruction")
    return Regimen(phases=tuple(_with_pauses(phases))), phases[0].from_on


def _with_pauses(phases: Iterable[DatedPhase]) -> Iterator[Phase]:
    free: date | None = None
    for number, one in enumerate(phases):
        if number and (free is None or one.from_on < free):
            raise _fault("dosageInstruction.timing.repeat.boundsPeriod")
        if free is not None and one.from_on > free:
            yield Phase(days=(one.from_on - free).days)
        yield one.phase
        free = one.to_on + timedelta(days=1) if one.to_on else None


def _phase(listed: list[tuple[str, Mapping[str, Any]]]) -> DatedPhase:
    bounds, patterns = set(), set()
    doses: list[ScheduledDose] = []
    needed: list[AsNeeded] = []
    for field, instruction in listed:
        repeat = instruction.get("timing", {}).get("repeat", {})
        for name in repeat.keys() - _REPEAT:
            raise _fault(f"{field}.timing.repeat.{name}")
        bounds.add(_bounds(repeat, field))
        if "asNeededCodeableConcept" in instruction:
            needed.append(_as_needed(instruction, repeat, field))
        else:
            patterns.add(_pattern(repeat, field))
            doses += _doses(instruction, repeat, field)
    if len(bounds) != 1 or len(patterns) > 1 or len(needed) > 1:
        raise _fault(f"{listed[-1][0]}.timing")
    (begins, ends), (every, weekdays) = bounds.pop(), patterns.pop() if patterns else (None, ())
    phase = Phase(
        days=(ends - begins).days + 1 if ends else None,
        every_days=every,
        weekdays=weekdays,
        doses=tuple(doses),
        as_needed=needed[0] if needed else None,
    )
    return DatedPhase(phase=phase, from_on=begins, to_on=ends)


def _bounds(repeat: Mapping[str, Any], field: str) -> tuple[date, date | None]:
    period = repeat.get("boundsPeriod", {})
    try:
        begins = date.fromisoformat(period["start"][:10])
        return begins, date.fromisoformat(period["end"][:10]) if "end" in period else None
    except (KeyError, TypeError, ValueError):
        raise _fault(f"{field}.timing.repeat.boundsPeriod") from None


def _pattern(repeat: Mapping[str, Any], field: str) -> tuple[int | None, tuple[Weekday, ...]]:
    """Every so many days, or on days of the week."""
    period, unit = repeat.get("period", 1), repeat.get("periodUnit", "d")
    days = period * 7 if unit == "wk" and "dayOfWeek" not in repeat else period
    weekly = "dayOfWeek" in repeat and period == 1 and unit in ("d", "wk")
    if repeat.get("frequency", len(_times(repeat))) != len(_times(repeat)):
        raise _fault(f"{field}.timing.repeat.frequency")
    if unit not in ("d", "wk") or days != int(days) or ("dayOfWeek" in repeat and not weekly):
        raise _fault(f"{field}.timing.repeat.period")
    if weekly:
        return None, tuple(Weekday(day) for day in repeat["dayOfWeek"])
    return (None if days == 1 else int(days)), ()


def _times(repeat: Mapping[str, Any]) -> list[str]:
    return [*repeat.get("timeOfDay", ()), *repeat.get("when", ())]


def _doses(instruction: Mapping[str, Any], repeat: Mapping[str, Any], field: str) -> Iterator[ScheduledDose]:
    amount = _quantity(instruction, field)
    for at in repeat.get("timeOfDay", ()):
        yield ScheduledDose(at=at[:5], amount_mg=amount)
    for code in repeat.get("when", ()):
        if code not in _PART:
            raise _fault(f"{field}.timing.repeat.when")
        yield ScheduledDose(at=_PART[code], amount_mg=amount)
    if not _times(repeat):
        raise _fault(f"{field}.timing.repeat.timeOfDay")


def _as_needed(instruction: Mapping[str, Any], repeat: Mapping[str, Any], field: str) -> AsNeeded:
    amount = _quantity(instruction, field)
    most = instruction.get("maxDosePerPeriod", {})
    times = _decimal(most.get("numerator", {}), "mg", f"{field}.maxDosePerPeriod") / amount
    hours = _decimal(most.get("denominator", {}), "h", f"{field}.maxDosePerPeriod")
    if hours != 24 or times != int(times):
        raise _fault(f"{field}.maxDosePerPeriod")
    if "period" in repeat and (repeat.get("periodUnit") != "h" or repeat.get("frequency", 1) != 1):
        raise _fault(f"{field}.timing.repeat.period")
    reason = instruction["asNeededCodeableConcept"].get("text", "")
    return AsNeeded(
        reason=reason, amount_mg=amount, most_in_24_hours=int(times), hours_between=int(repeat.get("period", 0))
    )


def _quantity(instruction: Mapping[str, Any], field: str) -> Decimal:
    rates = instruction.get("doseAndRate", ())
    if len(rates) != 1 or "doseQuantity" not in rates[0]:
        raise _fault(f"{field}.doseAndRate")
    return _decimal(rates[0]["doseQuantity"], "mg", f"{field}.doseAndRate")


def _decimal(quantity: Mapping[str, Any], unit: str, field: str) -> Decimal:
    """Above zero, in that unit."""
    try:
        value = Decimal(str(quantity["value"]))
    except (KeyError, InvalidOperation):
        raise _fault(field) from None
    if quantity.get("code", quantity.get("unit")) != unit or not value > 0:
        raise _fault(field)
    return value


def _fault(field: str) -> InvalidInput:
    return InvalidInput("not-a-regimen", f"{field} says something that a regimen cannot say.", field=field)
