"""FHIR's dates and times: whole or partial, with any offset."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime

EARLIEST = 1900
"""The first year that a record here may speak of; what lies before it is a slip of the pen."""
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_PARTIAL = re.compile(r"(\d{4})(?:-(\d{2}))?")


@dataclass(frozen=True, slots=True)
class Days:
    """All the days that a date may mean: a year or a month alone is a range."""

    first: date
    last: date

    @property
    def whole(self) -> bool:
        return self.first == self.last


def days(text: str) -> Days | None:
    """The days that a FHIR date or dateTime may mean, as its writer saw them; None for what is no date."""
    if (whole := day(text)) is not None:
        return Days(whole, whole)
    partial = _PARTIAL.fullmatch(text)
    if partial is None or int(partial[1]) < EARLIEST:
        return None
    year, month = int(partial[1]), int(partial[2] or 0)
    if partial[2] is None:
        return Days(date(year, 1, 1), date(year, 12, 31))
    return Days(date(year, month, 1), date(year, month, monthrange(year, month)[1])) if 1 <= month <= 12 else None


def day(text: str) -> date | None:
    """The calendar day a FHIR date or dateTime names, as its writer saw it; None for a year or month alone."""
    try:
        found = date.fromisoformat(text[:10]) if _DATE.match(text) else None
    except ValueError:
        return None
    return found if found is not None and found.year >= EARLIEST else None


def moment(text: str) -> datetime | None:
    """The moment of a FHIR dateTime in UTC; a whole date is its first second in UTC. None for anything less."""
    if len(text) == len("2026-11-23"):
        whole = day(text)
        return midnight(whole) if whole else None
    try:
        exact = datetime.fromisoformat(text)
        found = exact.astimezone(UTC) if exact.tzinfo else None
    except (ValueError, OverflowError):
        return None
    return found if found is not None and found.year >= EARLIEST else None


def earliest_moment(text: str) -> datetime | None:
    """The moment, or the first that a partial date may mean."""
    exact = moment(text)
    if exact is not None:
        return exact
    range_of = days(text)
    return midnight(range_of.first) if range_of else None


def midnight(of: date) -> datetime:
    return datetime(of.year, of.month, of.day, tzinfo=UTC)
