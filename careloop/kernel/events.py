"""What every event carries, whatever it says: who, when it was true, when it became known, and why."""

from datetime import datetime
from typing import Annotated, Protocol
from uuid import UUID

from msgspec import Meta, Struct

from careloop.kernel.errors import InvalidInput
from careloop.kernel.ids import EventId, PersonId

Instant = Annotated[datetime, Meta(tz=True)]
"""A moment with a time zone; stored and sent in UTC. Naive datetimes are refused when decoded."""


class Event(Protocol):
    """A fact. `occurred_at` is when it was true of the patient and may lie in the past."""

    @property
    def occurred_at(self) -> datetime: ...


class Request(Struct, frozen=True, kw_only=True, gc=False):
    """One verified call: the id that makes a repeat harmless, who asks, and the moment it is decided.

    `digest` covers the whole payload: the same id with another digest is refused.
    """

    request_id: str
    actor: PersonId
    digest: bytes
    correlation_id: UUID
    now: datetime
    causation_id: UUID | None = None


class EventMetadata(Struct, frozen=True, kw_only=True, gc=False):
    """Everything known about a stored event besides its content. `recorded_at` strictly increases along one log."""

    event_id: EventId
    stream_id: UUID
    version: int
    position: int
    topic: str
    occurred_at: datetime
    recorded_at: datetime
    actor: PersonId
    command_id: str
    correlation_id: UUID
    causation_id: UUID | None
    key_id: str | None = None


def require_past(moment: datetime, now: datetime, field: str = "occurred_at") -> None:
    """Facts are recorded after they happened. Raises InvalidInput naming `field` if `moment` is later than `now`."""
    if moment > now:
        raise InvalidInput("in-the-future", f"{field} may not lie in the future.", field=field)
