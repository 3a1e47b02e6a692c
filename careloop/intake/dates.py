"""FHIR's dates and times: whole or partial, with any offset."""

import re
from datetime import UTC, date, datetime

EARLIEST = 1900
"""The first year that a record here may speak of; what lies before it is a slip of the pen."""
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


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
        return datetime(whole.year, whole.month, whole.day, tzinfo=UTC) if whole else None
    try:
        exact = datetime.fromisoformat(text)
        found = exact.astimezone(UTC) if exact.tzinfo else None
    except (ValueError, OverflowError):
        return None
    return found if found is not None and found.year >= EARLIEST else None
