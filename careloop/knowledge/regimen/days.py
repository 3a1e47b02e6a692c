"""A regimen on the calendar: which phase and which doses a day has. Days are the client's own."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from careloop.knowledge.due_dates import shifted
from careloop.knowledge.regimen.regimen import (
    USUAL_TIMES,
    DayTimes,
    Phase,
    Regimen,
    ScheduledDose,
    clock,
    mean_daily_mg,
    scheduled_mg,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedPhase:
    """A phase from its first to its last day, both included; None has no end."""

    phase: Phase
    from_on: date
    to_on: date | None

    def holds(self, day: date) -> bool:
        return self.from_on <= day and (self.to_on is None or day <= self.to_on)

    def has_doses(self, day: date) -> bool:
        """Whether its scheduled doses are taken on that day."""
        if not self.holds(day):
            return False
        if self.phase.weekdays:
            return any(weekday.number == day.weekday() for weekday in self.phase.weekdays)
        return (day - self.from_on).days % (self.phase.every_days or 1) == 0


def dated(regimen: Regimen, first_day: date) -> Iterator[DatedPhase]:
    """Its phases by date."""
    begins = first_day
    for phase in regimen.phases:
        ends = None if phase.days is None else shifted(begins, phase.days - 1)
        yield DatedPhase(phase=phase, from_on=begins, to_on=ends)
        begins = shifted(begins, phase.days or 0)


def phase_on(regimen: Regimen, first_day: date, day: date) -> DatedPhase | None:
    """The phase of that day; None before the first day and after the end."""
    return next((one for one in dated(regimen, first_day) if one.holds(day)), None)


def doses_on(regimen: Regimen, first_day: date, day: date, times: DayTimes = USUAL_TIMES) -> tuple[ScheduledDose, ...]:
    """The scheduled doses of that day, by time."""
    found = phase_on(regimen, first_day, day)
    if found is None or not found.has_doses(day):
        return ()
    return tuple(sorted(found.phase.doses, key=lambda dose: clock(dose.at, times)))


def daily_mg(regimen: Regimen, first_day: date, day: date) -> Decimal:
    """What is scheduled on that day in all, in milligrams."""
    found = phase_on(regimen, first_day, day)
    return scheduled_mg(found.phase) if found is not None and found.has_doses(day) else Decimal(0)


def daily_dose_mg(regimen: Regimen, first_day: date, day: date) -> Decimal:
    """The dose of that day over the pattern of its phase, in milligrams a day; 0 where the regimen is over."""
    found = phase_on(regimen, first_day, day)
    return mean_daily_mg(found.phase) if found is not None else Decimal(0)


def ends_on(regimen: Regimen, first_day: date) -> date | None:
    """The last day of the last phase; None where it has no end."""
    return list(dated(regimen, first_day))[-1].to_on
