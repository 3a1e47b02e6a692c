"""How often a FHIR Timing says that a dose is taken. Whatever of it is not understood makes the answer unknown: a part
that is passed over makes a wrong dose look certain."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from careloop.intake.code_systems import system_of
from careloop.intake.dates import days
from careloop.intake.shapes.elements import Concept, Period

HOURS = {"h": Decimal(1), "d": Decimal(24), "wk": Decimal(168)}
DAYS = {"d": 1, "wk": 7, "mo": 30, "a": 365}
WEEKDAYS = frozenset({"mon", "tue", "wed", "thu", "fri", "sat", "sun"})
ONCE_A_DAY = frozenset({
    "MORN", "MORN.early", "MORN.late", "NOON", "AFT", "AFT.early", "AFT.late", "EVE", "EVE.early", "EVE.late",
    "NIGHT", "PHS", "HS", "WAKE", "CM", "CD", "CV", "ACM", "ACD", "ACV", "PCM", "PCD", "PCV",
})  # fmt: skip
"""Events of FHIR's EventTiming that every day has once."""
AT_MEALS = frozenset({"C", "AC", "PC"})
"""How many meals there are, only a frequency can say."""
CODES = {
    "QD": Decimal(1), "BID": Decimal(2), "TID": Decimal(3), "QID": Decimal(4), "AM": Decimal(1), "PM": Decimal(1),
    "BED": Decimal(1), "QOD": Decimal("0.5"), "Q1H": Decimal(24), "Q2H": Decimal(12), "Q3H": Decimal(8),
    "Q4H": Decimal(6), "Q6H": Decimal(4), "Q8H": Decimal(3), "WK": Decimal(1) / 7,
}  # fmt: skip
"""HL7 v3 GTSAbbreviation, in doses a day."""
WORDS = {
    "daily": "QD", "once daily": "QD", "once a day": "QD", "every day": "QD", "qd": "QD", "1 time daily": "QD",
    "twice daily": "BID", "twice a day": "BID", "2 times daily": "BID", "two times a day": "BID", "bid": "BID",
    "three times daily": "TID", "3 times daily": "TID", "three times a day": "TID", "tid": "TID",
    "four times daily": "QID", "4 times daily": "QID", "four times a day": "QID", "qid": "QID",
    "nightly": "BED", "at bedtime": "BED", "every morning": "AM", "every evening": "PM", "every other day": "QOD",
}  # fmt: skip
"""What stands in a code's words, where they say exactly this."""
REPEAT = frozenset({
    "boundsPeriod", "boundsDuration", "boundsRange", "count", "countMax", "frequency", "frequencyMax", "period",
    "periodMax", "periodUnit", "dayOfWeek", "timeOfDay", "when", "offset",
})  # fmt: skip
IGNORABLE = frozenset({"id", "extension"})


@dataclass(frozen=True, slots=True)
class Often:
    """Doses a day on average; `parts` are the times of day that it is tied to."""

    a_day: Decimal
    parts: frozenset[str] = frozenset()


def often(timing: Mapping[str, Any], written: date | None, today: date) -> Often | None:
    """How often a dose of this timing is taken today; None if that is not certain or not known.

    `written` is the day of the order, from which a duration counts.
    """
    said = _elements(timing)
    repeat = said.pop("repeat", {})
    code = said.pop("code", None)
    if said or not isinstance(repeat, dict):
        return None
    structured = _elements(repeat)
    if not structured.keys() <= REPEAT or not _holds_today(structured, written, today):
        return None
    rest = {name: value for name, value in structured.items() if not name.startswith(("bounds", "count"))}
    try:
        by_code = _coded(code) if code is not None else None
        by_repeat = _repeated(rest) if rest else None
    except (ArithmeticError, TypeError, ValueError):
        return None
    if rest and by_repeat is None:
        return None
    if by_repeat is not None and by_code is not None and by_repeat.a_day != by_code.a_day:
        return None
    return by_repeat or by_code


def _elements(of: Mapping[str, Any]) -> dict[str, Any]:
    """The elements of its own; extensions may be ignored, modifiers were looked for before."""
    return {name: value for name, value in of.items() if name not in IGNORABLE and not name.startswith("_")}


def _coded(code: object) -> Often | None:
    try:
        concept = msgspec.convert(code, Concept)
    except msgspec.MsgspecError:
        return None
    found = concept.code_in("timing")
    name = found.code if found else ("" if concept.coding else WORDS.get(concept.text.strip().lower(), ""))
    if not found and any(system_of(coding.system) != "timing" for coding in concept.coding):
        name = WORDS.get(concept.words.lower(), "")
    return Often(CODES[name]) if name in CODES else None


def _repeated(repeat: Mapping[str, Any]) -> Often | None:
    """Doses a day of what says how often; None where the parts do not fit each other."""
    if _ranged(repeat, "frequency") or _ranged(repeat, "period"):
        return None
    weekdays, parts = _codes(repeat.get("dayOfWeek")), _codes(repeat.get("when")) | _codes(repeat.get("timeOfDay"))
    if not weekdays <= WEEKDAYS or ("when" in repeat and "timeOfDay" in repeat):
        return None
    hours = _period_hours(repeat)
    frequency = Decimal(repeat["frequency"]) if "frequency" in repeat else None
    if hours is None or (frequency is not None and frequency <= 0):
        return None
    if parts:
        return _at_parts(repeat, parts, frequency, hours, weekdays)
    if weekdays:
        return _on_weekdays(frequency, hours, weekdays)
    return Often(frequency * 24 / hours) if frequency is not None and "period" in repeat else None


def _at_parts(
    repeat: Mapping[str, Any],
    parts: frozenset[str],
    frequency: Decimal | None,
    hours: Decimal,
    weekdays: frozenset[str],
) -> Often | None:
    """A dose at each part of the day that is named, if the frequency says no other number."""
    if hours != HOURS["d"]:
        return None
    share = Decimal(len(weekdays)) / 7 if weekdays else Decimal(1)
    if "when" in repeat and parts <= AT_MEALS:
        return Often(frequency * share) if frequency is not None and frequency > 1 and len(parts) == 1 else None
    if "when" in repeat and not parts <= ONCE_A_DAY:
        return None
    return Often(len(parts) * share, parts) if frequency in {None, Decimal(len(parts))} else None


def _on_weekdays(frequency: Decimal | None, hours: Decimal, weekdays: frozenset[str]) -> Often | None:
    """So often on each of these days where the period is a day, or on all of them together where it is a week."""
    if hours == HOURS["d"]:
        return Often((frequency or 1) * Decimal(len(weekdays)) / 7)
    if hours == HOURS["wk"] and frequency in {None, Decimal(len(weekdays))}:
        return Often(Decimal(len(weekdays)) / 7)
    return None


def _period_hours(repeat: Mapping[str, Any]) -> Decimal | None:
    """The period in hours; a day where none is said."""
    if "period" not in repeat and "periodUnit" not in repeat:
        return HOURS["d"]
    unit, period = HOURS.get(str(repeat.get("periodUnit"))), Decimal(repeat.get("period", 0))
    return period * unit if unit is not None and period > 0 else None


def _ranged(repeat: Mapping[str, Any], name: str) -> bool:
    """Whether it says two numbers."""
    return f"{name}Max" in repeat and repeat[f"{name}Max"] != repeat.get(name)


def _codes(value: object) -> frozenset[str]:
    return frozenset(map(str, value)) if isinstance(value, list) else frozenset()


def _holds_today(repeat: Mapping[str, Any], written: date | None, today: date) -> bool:
    """Whether what bounds the timing lets it go on today. A range of bounds, or bounds that cannot be read, may not."""
    if "countMax" in repeat or "boundsRange" in repeat:
        return False
    bounds: dict[str, Callable[[Any], bool]] = {
        "boundsPeriod": lambda said: _within(said, today),
        "boundsDuration": lambda said: _lasts(_in_days(said), written, today),
        "count": lambda said: _lasts(_counted(said, repeat), written, today),
    }
    return all(holds(repeat[name]) for name, holds in bounds.items() if name in repeat)


def phase_of(timing: Mapping[str, Any] | None, today: date) -> bool | None:
    """Whether a dated phase holds today; None for what has no first day, and so is no phase."""
    repeat = timing.get("repeat") if timing else None
    bounds = repeat.get("boundsPeriod") if isinstance(repeat, dict) else None
    if not isinstance(bounds, dict) or not isinstance(bounds.get("start"), str):
        return None
    return _within(bounds, today)


def _within(said: object, today: date) -> bool:
    try:
        period = msgspec.convert(said, Period)
    except msgspec.MsgspecError:
        return False
    first, last = days(period.start), days(period.end)
    if (period.start and first is None) or (period.end and last is None):
        return False
    return (first is None or first.last <= today) and (last is None or last.first >= today)


def _in_days(said: object) -> Decimal | None:
    if not isinstance(said, dict) or str(said.get("code", said.get("unit", ""))) not in DAYS:
        return None
    value = said.get("value")
    return Decimal(value) * DAYS[str(said.get("code", said.get("unit")))] if isinstance(value, int | Decimal) else None


def _counted(count: object, repeat: Mapping[str, Any]) -> Decimal | None:
    """How many days so many doses last; one dose is no daily dose."""
    rest = {name: value for name, value in repeat.items() if not name.startswith(("bounds", "count"))}
    try:
        rate = _repeated(rest)
    except (ArithmeticError, TypeError, ValueError):
        return None
    return Decimal(count) / rate.a_day if isinstance(count, int) and count > 1 and rate and rate.a_day else None


def _lasts(length: Decimal | None, written: date | None, today: date) -> bool:
    if length is None or written is None:
        return False
    try:
        return today < written + timedelta(days=int(length))
    except OverflowError:
        return True
