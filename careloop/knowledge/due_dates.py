"""When one measurement is due next: days counted from the start, from the last result, or from the last dose change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from careloop.knowledge.pack.shapes.follow_up import ScheduleRule, Timing


@dataclass(frozen=True, slots=True)
class Window:
    """From the day it may be done to the last day on which it is in time; `last_on` is the result before it."""

    opens_on: date
    due_on: date
    last_on: date | None


@dataclass(frozen=True, slots=True)
class Taking:
    """A drug from its (last) start on, with its changes of dose; `before` is the most recent day that counts."""

    started_on: date
    changes: tuple[date, ...]
    as_of: date


def shifted(day: date, days: int) -> date:
    """The day so many days later (or earlier), held within the calendar."""
    return date.fromordinal(min(max(day.toordinal() + days, 1), date.max.toordinal()))


def next_window(
    rule: ScheduleRule, taking: Taking, results: Sequence[date], recheck_days: int | None = None
) -> Window | None:
    """The next measurement by this rule, or None when there is none to come.

    Results after `as_of` are not yet known. `recheck_days`, asked for by the last result, brings the day forward.
    """
    known = [day for day in results if day <= taking.as_of]
    if rule.timing is Timing.AFTER_CHANGE:
        return _after_change(rule, taking, known)
    if rule.timing is Timing.ONCE:
        return None if known else _opened(rule, taking.started_on, None, early=rule.baseline_days or 0)
    earliest = shifted(taking.started_on, -(rule.baseline_days or 0))
    last = max((day for day in known if day >= earliest), default=None)
    found = _since_last(rule, taking, last) if rule.timing is Timing.SINCE_LAST else _fixed(rule, taking, last)
    if recheck_days is None or last is None:
        return found
    again = shifted(last, recheck_days)
    return Window(again, again, last) if found is None or again < found.due_on else found


def _opened(rule: ScheduleRule, due_on: date, last: date | None, early: int | None = None) -> Window:
    return Window(shifted(due_on, -(rule.early_days if early is None else early)), due_on, last)


def _after_change(rule: ScheduleRule, taking: Taking, known: list[date]) -> Window | None:
    starts = (taking.started_on,) if rule.start_counts else ()
    changes = [day for day in (*starts, *taking.changes) if day <= taking.as_of]
    if not changes:
        return None
    first, latest = (shifted(max(changes), days) for days in rule.after_days)
    done = any(day >= first for day in known)
    return None if done else Window(first, latest, max(known, default=None))


def _since_last(rule: ScheduleRule, taking: Taking, last: date | None) -> Window:
    if last is None:
        if rule.baseline_days is not None:
            return _opened(rule, taking.started_on, None, early=rule.baseline_days)
        return _opened(rule, shifted(taking.started_on, rule.phases[0].every), None)
    counted = max(last, taking.started_on)
    days = (counted - taking.started_on).days
    every = next(phase.every for phase in reversed(rule.phases) if days >= phase.from_day)
    return _opened(rule, shifted(counted, every), last)


def _fixed(rule: ScheduleRule, taking: Taking, last: date | None) -> Window | None:
    """A result is in time for a day from when its window opens; a later one stands for all days before it."""
    start = taking.started_on
    if rule.baseline_days is not None and last is None:
        return _opened(rule, start, None, early=rule.baseline_days)
    done_through = (last - start).days + rule.early_days if last else -1
    ahead = [day for day in rule.at_days if day > done_through]
    if not ahead and rule.then_every is None:
        return None
    return _opened(rule, shifted(start, ahead[0] if ahead else _recurring(rule, done_through)), last)


def _recurring(rule: ScheduleRule, done_through: int) -> int:
    """The first day of the endless part that is not done; it begins one interval after the last of the fixed days."""
    begins, every = max(rule.at_days, default=0), rule.then_every or 1
    return begins + every * max(1, (done_through - begins) // every + 1)
