"""The days, times and ids that examples speak of."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from careloop.kernel.ids import EventId, FactId, PatientId, PersonId, derived_id

TODAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
YESTERDAY = NOON - timedelta(days=1)
LAST_WEEK = NOON - timedelta(days=7)
PATIENT = PatientId(UUID("00000000-0000-4000-8000-00000000000a"))
PRESCRIBER = PersonId("dr-amara-osei")
CLIENT = PersonId("client-1")


def fact(name: str) -> FactId:
    """The same id for the same name."""
    return FactId(derived_id("control", "fact", name))


def event(name: str) -> EventId:
    """The same id for the same name."""
    return EventId(derived_id("control", "event", name))
