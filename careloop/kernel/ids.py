"""Typed ids, and ids derived from what they identify, so that doing a thing again names it the same."""

from typing import NewType
from uuid import UUID, uuid5

PatientId = NewType("PatientId", UUID)
"""One patient; the stream id of that patient's aggregate in every service and the key on every topic."""

FactId = NewType("FactId", UUID)
"""One clinical fact; the handle by which it can be referred to, resolved or marked entered-in-error."""

EventId = NewType("EventId", UUID)
"""One stored event, unique over all services."""

PersonId = NewType("PersonId", str)
"""A person or service that acts: the subject of a verified token."""

_SEPARATOR = "\x1f"
_CARELOOP = UUID("6f0a4c3e-9d0b-5d7e-8a51-0c5a7e100d01")


def derived_id(*parts: object) -> UUID:
    """The same id for the same parts, for ever. Parts are joined with a separator that no part may contain."""
    joined = _SEPARATOR.join(map(str, parts))
    if joined.count(_SEPARATOR) >= len(parts):
        raise ValueError("a part of a derived id may not contain the unit separator")
    return uuid5(_CARELOOP, joined)
