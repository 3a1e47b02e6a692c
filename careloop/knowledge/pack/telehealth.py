"""What the law says of a controlled substance prescribed to somebody who was not seen in person."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from careloop.knowledge.pack.pack import Pack
from careloop.knowledge.pack.shapes.supply import TelehealthRule


@dataclass(frozen=True, slots=True, kw_only=True)
class AtADistance:
    """What is known of an order on a day: the day of the first such prescription, the last day supplied, and whether
    the client has what the drug may be given for without a visit; None is not known."""

    on: date
    first_on: date | None = None
    through: date | None = None
    indicated: bool | None = None


def telehealth_ruling(pack: Pack, drug: str, order: AtADistance) -> tuple[TelehealthRule, bool | None] | None:
    """The rule that decides and whether it permits; None where a fact is missing. None for a drug in no schedule, and
    on days before any rule."""
    schedule = pack.drugs[drug].schedule if drug in pack.drugs else None
    if schedule is None:
        return None
    answers = [(rule, _permits(rule, order)) for rule in _rules(pack, drug, schedule, order.on)]
    permitting = next((one for one in answers if one[1]), None)
    open_question = next((one for one in answers if one[1] is None), None)
    return permitting or open_question or next(iter(answers), None)


@lru_cache(4096)
def _rules(pack: Pack, drug: str, schedule: str, on: date) -> tuple[TelehealthRule, ...]:
    listed = pack.entries(TelehealthRule)
    ends = {rule.id: rule.effective_to for rule in listed}
    return tuple(
        rule
        for rule in listed
        if rule.in_force(on)
        and (not rule.follows or on > (ends.get(rule.follows) or date.max))
        and (schedule in rule.schedules or drug in rule.drugs)
    )


@lru_cache(8)
def indications(pack: Pack) -> tuple[str, ...]:
    """The conditions for which some rule makes an exception."""
    return tuple(name for rule in pack.entries(TelehealthRule) for name in rule.indications)


def _permits(rule: TelehealthRule, order: AtADistance) -> bool | None:
    if not rule.permitted:
        return False
    indicated = order.indicated if rule.indications else True
    within = True if rule.initial_months is None else _within(order, rule.initial_months)
    known = (indicated, within)
    return False if False in known else (None if None in known else True)


def _within(order: AtADistance, months: int) -> bool | None:
    return None if order.through is None else order.through <= last_day_supplied(order.first_on or order.on, months)


def last_day_supplied(first_on: date, months: int) -> date:
    """The day before the same day so many months later; where that month has no such day, before its last."""
    later = months_later(first_on, months)
    return later if later == date.max else later - timedelta(days=1)


def months_later(day: date, months: int) -> date:
    """The same day so many months later, or the last of that month where it is shorter."""
    number = day.month - 1 + months
    year, month = day.year + number // 12, number % 12 + 1
    if year > date.max.year:
        return date.max
    return date(year, month, min(day.day, monthrange(year, month)[1]))
