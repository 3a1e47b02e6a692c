"""A regimen in sentences that a client can follow."""

from collections.abc import Iterator
from decimal import Decimal

from careloop.knowledge.regimen.regimen import AsNeeded, Phase, Regimen, Weekday, clock, most_daily_mg

_DAYS = {
    Weekday.MON: "Monday", Weekday.TUE: "Tuesday", Weekday.WED: "Wednesday", Weekday.THU: "Thursday",
    Weekday.FRI: "Friday", Weekday.SAT: "Saturday", Weekday.SUN: "Sunday",
}  # fmt: skip
_PARTS = {"morning": "in the morning", "noon": "at noon", "evening": "in the evening", "bedtime": "at bedtime"}


def in_words(regimen: Regimen) -> str:
    """One sentence a phase; the maximum of a day where there are as-needed doses."""
    return " ".join(_phases(regimen))


def _phases(regimen: Regimen) -> Iterator[str]:
    for number, phase in enumerate(regimen.phases):
        lead = " ".join(_lead(number, phase, of=len(regimen.phases)))
        sentence = f"{lead}{', ' if lead else ''}{'; '.join(_taken(phase))}"
        yield f"{sentence[0].upper()}{sentence[1:]}."


def _lead(number: int, phase: Phase, of: int) -> Iterator[str]:
    if number > 0:
        yield "then"
    if phase.days is not None:
        yield f"for {phase.days} day{'' if phase.days == 1 else 's'}"
    elif of > 1:
        yield "from that day on"


def _taken(phase: Phase) -> Iterator[str]:
    if phase.is_pause:
        yield "no doses"
    if phase.doses:
        yield f"{_and(list(_doses(phase)))} {_pattern(phase)}"
    if phase.as_needed is not None:
        yield _needed(phase.as_needed)
        yield f"never more than {milligrams(most_daily_mg(phase))} in a day"


def _doses(phase: Phase) -> Iterator[str]:
    for dose in sorted(phase.doses, key=lambda one: clock(one.at)):
        yield f"{milligrams(dose.amount_mg)} {_PARTS.get(dose.at, f'at {dose.at}')}"


def _pattern(phase: Phase) -> str:
    if phase.weekdays:
        return "every " + _and([_DAYS[day] for day in sorted(phase.weekdays, key=lambda day: day.number)])
    every = phase.every_days or 1
    return {1: "every day", 2: "every other day", 7: "once a week"}.get(every, f"every {every} days")


def _needed(needed: AsNeeded) -> str:
    apart = f", at least {needed.hours_between} hours apart" if needed.hours_between else ""
    times = "once" if needed.most_in_24_hours == 1 else f"{needed.most_in_24_hours} times"
    return f"{milligrams(needed.amount_mg)} if needed for {needed.reason.strip()}, at most {times} in 24 hours{apart}"


def _and(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def milligrams(amount: Decimal) -> str:
    """The amount as a person writes it."""
    return f"{amount.normalize():f} mg"
