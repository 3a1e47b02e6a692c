"""What a regimen must be to make sense: refused with the field at fault, and how to mend it."""

import re
from decimal import Decimal

from careloop.kernel.errors import InvalidInput
from careloop.knowledge.regimen.regimen import AsNeeded, Phase, Regimen, ScheduledDose, clock

MOST_PHASES, MOST_DAYS, MOST_APART, MOST_DOSES, MOST_AS_NEEDED, LONGEST_REASON = 40, 366, 31, 6, 12, 200
MOST_MG = Decimal(10) ** 6
PLACES = 6
PARTS_OF_DAY = ("morning", "noon", "evening", "bedtime")
_CLOCK = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")


def require_regimen(regimen: Regimen, field: str = "regimen") -> None:
    """Raises InvalidInput, naming the field below `field`, with the slugs `regimen-empty`, `regimen-open-phase`,
    `every-and-weekdays`, `two-doses-at-once`, `as-needed-without-maximum` and `out-of-range`."""
    if not regimen.phases:
        raise InvalidInput("regimen-empty", "A regimen has at least one phase.", field=f"{field}.phases")
    _in_range(len(regimen.phases), 1, MOST_PHASES, f"{field}.phases", "phases")
    for number, phase in enumerate(regimen.phases):
        place = f"{field}.phases[{number}]"
        if phase.days is None and number < len(regimen.phases) - 1:
            raise InvalidInput("regimen-open-phase", "Only the last phase may have no end.", field=f"{place}.days")
        _require_phase(phase, place)
    if all(phase.is_pause for phase in regimen.phases):
        raise InvalidInput("regimen-empty", "A regimen gives at least one dose.", field=f"{field}.phases")


def _require_phase(phase: Phase, place: str) -> None:
    if phase.days is not None:
        _in_range(phase.days, 1, MOST_DAYS, f"{place}.days", "days")
    if phase.every_days is not None and phase.weekdays:
        raise InvalidInput("every-and-weekdays", "Give every_days or weekdays, not both.", field=f"{place}.every_days")
    if phase.every_days is not None:
        _in_range(phase.every_days, 1, MOST_APART, f"{place}.every_days", "days apart")
    if len(set(phase.weekdays)) != len(phase.weekdays):
        raise InvalidInput("out-of-range", "A day of the week is given once.", field=f"{place}.weekdays")
    _in_range(len(phase.doses), 0, MOST_DOSES, f"{place}.doses", "doses a day")
    for number, dose in enumerate(phase.doses):
        _require_dose(dose, f"{place}.doses[{number}]")
    if len({clock(dose.at) for dose in phase.doses}) != len(phase.doses):
        sentence = "Two doses of a day may not be at the same time: add them up."
        raise InvalidInput("two-doses-at-once", sentence, field=f"{place}.doses")
    if phase.as_needed is not None:
        _require_as_needed(phase.as_needed, f"{place}.as_needed")


def _require_dose(dose: ScheduledDose, place: str) -> None:
    if dose.at not in PARTS_OF_DAY and not _CLOCK.fullmatch(dose.at):
        sentence = f"A time is HH:MM, or one of {', '.join(PARTS_OF_DAY)}."
        raise InvalidInput("out-of-range", sentence, field=f"{place}.at")
    _require_amount(dose.amount_mg, f"{place}.amount_mg")


def _require_as_needed(needed: AsNeeded, place: str) -> None:
    if not needed.reason.strip() or len(needed.reason) > LONGEST_REASON:
        sentence = f"The reason is needed, in at most {LONGEST_REASON} characters."
        raise InvalidInput("out-of-range", sentence, field=f"{place}.reason")
    if needed.most_in_24_hours == 0:
        sentence = "most_in_24_hours is required for an as-needed dose."
        raise InvalidInput("as-needed-without-maximum", sentence, field=f"{place}.most_in_24_hours")
    _in_range(needed.most_in_24_hours, 1, MOST_AS_NEEDED, f"{place}.most_in_24_hours", "doses in 24 hours")
    _in_range(needed.hours_between, 0, 24, f"{place}.hours_between", "hours")
    _require_amount(needed.amount_mg, f"{place}.amount_mg")


def _require_amount(amount: Decimal, place: str) -> None:
    if not (amount.is_finite() and 0 < amount <= MOST_MG and amount == round(amount, PLACES)):
        sentence = f"An amount is above 0 mg, at most {MOST_MG:f} mg, with at most {PLACES} decimal places."
        raise InvalidInput("out-of-range", sentence, field=place)


def _in_range(value: int, least: int, most: int, field: str, of: str) -> None:
    if not least <= value <= most:
        raise InvalidInput("out-of-range", f"{least} to {most} {of} may be given.", field=field)
