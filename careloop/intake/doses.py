"""What an order comes to in milligrams a day, where it is certain: a dose that looks certain and is wrong hides an
overdose."""

import re
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal

from careloop.intake.shapes.elements import Quantity, Ratio
from careloop.intake.shapes.medications import Dosage, DoseAndRate, Medication
from careloop.intake.timings import often, phase_of

MILLIGRAMS = {"mg": Decimal(1), "g": Decimal(1000), "ug": Decimal("0.001"), "mcg": Decimal("0.001")}
TABLETS = re.compile(r"\{?(?:tab(?:let)?s?|tbl|er ?tab|ertab)\}?(?:\(s\))?", re.IGNORECASE)
CAPSULES = re.compile(r"\{?(?:cap(?:sule)?s?|ercap)\}?(?:\(s\))?", re.IGNORECASE)
FORMS = ((TABLETS, "tablet"), (CAPSULES, "capsule"))
MASS = re.compile(r"\d ?(?:mg|mcg|ug|g)\b(?!\s*/)", re.IGNORECASE)
STRENGTH = re.compile(
    r"(?<![\d.,/x\xd7\u2013-])(?<!\d )(\d+(?:\.\d+)?) ?(mg|mcg|ug|g)\b(?!\s*[/x\xd7\u2013-]\s*\d)(?!\s*/)",
    re.IGNORECASE,
)
"""As RxNorm writes it in a product's name: `sertraline 50 MG Oral Tablet`. A number that is part of another (`1,200`,
`0,5`, `5-325`) is none."""
OTHERWISE = re.compile(
    r"\b(?:(?:as|if|when) (?:needed|required|necessary)|prn|p\.r\.n|then|taper|titrat|increase|decrease|alternat|up to"
    r"|max(?:imum)?)|\d ?(?:-|\u2013|to|or) ?\d",
    re.IGNORECASE,
)
"""Words by which an instruction says that what stands beside them is not every day's dose."""
LARGEST_DOSE = Decimal(1_000_000)
MICROGRAM = Decimal("0.000001")
ORDERED = "ordered"
Strength = Callable[[str], Decimal | None]
"""Milligrams in one of a form, `tablet` or `capsule`."""


def daily_dose_mg(dosages: Sequence[Dosage], strength: Strength, written: date | None, today: date) -> Decimal | None:
    """Milligrams a day, where the instructions say it as a mass, or as tablets or capsules of a known strength, and how
    often; else None, as for what is taken as needed. Several instructions add up where they are parts of one day; of
    dated phases that follow each other it is the one of today."""
    dosages = _of_today(dosages, today)
    parts = [_part(dosage, strength, written, today) for dosage in dosages]
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts) or (len(known) > 1 and not _of_one_day(dosages, known)):
        return None
    try:
        dose = sum((milligrams for milligrams, _ in known), Decimal(0)).quantize(MICROGRAM).normalize()
    except ArithmeticError:
        return None
    return dose if 0 < dose < LARGEST_DOSE else None


def _of_today(dosages: Sequence[Dosage], today: date) -> Sequence[Dosage]:
    """Instructions of several sequence numbers, all of them dated, are phases: those that hold today."""
    holding = [phase_of(dosage.timing, today) for dosage in dosages]
    if len({dosage.sequence for dosage in dosages}) == 1 or None in holding:
        return dosages
    return [dosage for dosage, holds in zip(dosages, holding, strict=True) if holds and dosage.sequence is not None]


def strength_of(name: str, medication: Medication | None) -> Strength:
    """What one tablet or capsule holds, by the strength of a single ingredient, else by the product's name."""

    def of_form(form: str) -> Decimal | None:
        if medication is not None and medication.ingredient:
            ingredients = medication.ingredient
            return _ratio(ingredients[0].strength, form) if len(ingredients) == 1 else None
        stated = STRENGTH.findall(name)
        if len(stated) != 1 or len(MASS.findall(name)) != 1 or form not in name.lower() or "/" in name:
            return None
        value, unit = stated[0]
        return Decimal(value) * MILLIGRAMS[unit.lower()]

    return of_form


def _part(
    dosage: Dosage, strength: Strength, written: date | None, today: date
) -> tuple[Decimal, frozenset[str]] | None:
    """Milligrams a day of one instruction, and the times of day it is tied to."""
    if dosage.as_needed_boolean or dosage.as_needed_codeable_concept is not None or dosage.timing is None:
        return None
    if any(map(OTHERWISE.search, dosage.said)):
        return None
    amount, rate = _amount(dosage.dose_and_rate), often(dosage.timing, written, today)
    each = _milligrams(amount, strength) if amount is not None else None
    if each is None or rate is None:
        return None
    try:
        return each * rate.a_day, rate.parts
    except ArithmeticError:
        return None


def _amount(stated: Sequence[DoseAndRate]) -> Quantity | None:
    """The dose that was ordered; one that was calculated stands beside it and is no second dose."""
    if len(stated) > 1:
        stated = [one for one in stated if one.type is not None and one.type.first_code == ORDERED]
    if len(stated) != 1:
        return None
    (one,) = stated
    plain = not any((one.dose_range, one.rate_ratio, one.rate_range, one.rate_quantity))
    return one.dose_quantity if plain else None


def _milligrams(amount: Quantity, strength: Strength) -> Decimal | None:
    """None, too, where the unit and its code say two things."""
    if not amount.value or amount.comparator:
        return None
    units = (amount.code, amount.unit)
    masses = {MILLIGRAMS[unit] for unit in units if unit in MILLIGRAMS}
    forms = {form for unit in units for pattern, form in FORMS if pattern.fullmatch(unit)}
    if len(masses) + len(forms) != 1:
        return None
    factor = masses.pop() if masses else strength(forms.pop())
    return None if factor is None else amount.value * factor


def _ratio(strength: Ratio | None, form: str) -> Decimal | None:
    if strength is None or strength.numerator is None or not _is_exact(strength.numerator):
        return None
    each, per = _milligrams(strength.numerator, lambda _: None), strength.denominator
    return each if per is not None and _is_exact(per) and _is_one(per, form) else None


def _is_exact(amount: Quantity) -> bool:
    return amount.value is not None and not amount.comparator


def _is_one(per: Quantity, form: str) -> bool:
    units = (per.code or "1", per.unit or "1")
    patterns = [pattern for pattern, name in FORMS if name == form]
    named = any(pattern.fullmatch(unit) for pattern in patterns for unit in units)
    return per.value == 1 and (named or set(units) == {"1"})


def _of_one_day(dosages: Sequence[Dosage], known: Sequence[tuple[Decimal, frozenset[str]]]) -> bool:
    """FHIR: instructions of one sequence number go together, of several follow each other. Without numbers, they are
    parts of one day if each has times of day of its own."""
    numbers = {dosage.sequence for dosage in dosages}
    if numbers != {None}:
        return len(numbers) == 1
    times = [parts for _, parts in known]
    return all(times) and len(frozenset[str]().union(*times)) == sum(map(len, times))
