"""A regimen as data: phases in order, each with its days and the doses of a day. A part of FHIR R4 Dosage."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise


class Weekday(StrEnum):
    """FHIR Timing.repeat.dayOfWeek."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"

    @property
    def number(self) -> int:
        """As `date.weekday()` counts: 0 is Monday."""
        return list(Weekday).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledDose:
    """`amount_mg` milligrams at a time of day: `HH:MM`, or `morning`, `noon`, `evening`, `bedtime`."""

    at: str
    amount_mg: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class AsNeeded:
    """`amount_mg` when the `reason` arises, at most `most_in_24_hours` times (1-12), `hours_between` (0-24) apart."""

    reason: str
    amount_mg: Decimal
    most_in_24_hours: int = 0
    hours_between: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """So many `days`; None has no end. Doses are taken every `every_days` days, counted from the phase's first day
    (None: 1, daily), or on `weekdays`. A phase without doses is a pause."""

    days: int | None = None
    every_days: int | None = None
    weekdays: tuple[Weekday, ...] = ()
    doses: tuple[ScheduledDose, ...] = ()
    as_needed: AsNeeded | None = None

    @property
    def is_pause(self) -> bool:
        return not self.doses and self.as_needed is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Regimen:
    """A phase begins when the one before ends."""

    phases: tuple[Phase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTimes:
    """What the client means by the parts of the day, `HH:MM`."""

    morning: str = "08:00"
    noon: str = "12:00"
    evening: str = "18:00"
    bedtime: str = "22:00"


USUAL_TIMES = DayTimes()


def clock(at: str, times: DayTimes = USUAL_TIMES) -> str:
    """`HH:MM` of a time of day."""
    return str(getattr(times, at, at))


def scheduled_mg(phase: Phase) -> Decimal:
    """What is taken in all on a day with doses, in milligrams; as-needed doses do not count."""
    return sum((dose.amount_mg for dose in phase.doses), Decimal(0))


def as_needed_mg(phase: Phase) -> Decimal:
    """The most that may be taken as needed within 24 hours, in milligrams."""
    needed = phase.as_needed
    return needed.amount_mg * needed.most_in_24_hours if needed else Decimal(0)


def most_daily_mg(phase: Phase) -> Decimal:
    """The most that may come together on one day of the phase, in milligrams."""
    return scheduled_mg(phase) + as_needed_mg(phase)


def most_mg(regimen: Regimen) -> Decimal:
    """The most that may come together on any day, in milligrams: what the safety check of an order is asked with."""
    return max(map(most_daily_mg, regimen.phases))


def mean_daily_mg(phase: Phase) -> Decimal:
    """The scheduled milligrams a day over the pattern: 20 on alternate days is 10."""
    if phase.weekdays:
        return scheduled_mg(phase) * len(phase.weekdays) / 7
    return scheduled_mg(phase) / (phase.every_days or 1)


PLACES = 6
"""A mean over days off is rounded so."""


def plain(mg: Decimal) -> Decimal:
    """Rounded, and written without an exponent and without zeros at its end: 100, not 1E+2."""
    return Decimal(f"{round(mg, PLACES).normalize():f}")


def ascends(regimen: Regimen) -> bool:
    """Whether a phase gives more than the one before it, by its mean or at most; pauses are looked through."""
    taken = [phase for phase in regimen.phases if not phase.is_pause]
    return any(
        mean_daily_mg(later) > mean_daily_mg(earlier) or most_daily_mg(later) > most_daily_mg(earlier)
        for earlier, later in pairwise(taken)
    )
