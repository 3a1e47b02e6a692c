"""What every event carries, whatever it says: who, when it was true, when it became known, and why."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Protocol, get_args
from uuid import UUID

from msgspec import Meta, Struct

from careloop.kernel.errors import InvalidInput
from careloop.kernel.ids import EventId, PersonId

Instant = Annotated[datetime, Meta(tz=True)]
"""A moment with a time zone; stored and sent in UTC. Naive datetimes are refused when decoded."""


@dataclass(frozen=True, slots=True)
class Private:
    """Marks a field that stays in the service that stores it: an address, a phone, a safe word.

    `Annotated[str, Private()]`: it is not published, so nobody journals it, and it is not shown unless it is asked for
    by name. It needs a default, which is what others read.
    """


def topics(prefix: str, union: Any) -> dict[str, type[Any]]:
    """The classes of a union of events by their registered names, `<prefix>.<Class>.v<version>`.

    The version is 1, or the class's own `VERSION`.
    """
    return {f"{prefix}.{cls.__name__}.v{getattr(cls, 'VERSION', 1)}": cls for cls in get_args(union)}


class Event(Protocol):
    """A fact. `occurred_at` is when it was true of the patient and may lie in the past."""

    @property
    def occurred_at(self) -> datetime: ...


class CommandKind(StrEnum):
    """Where a command comes from. Ids of one kind never meet those of another, whoever chose them."""

    CALLER = "caller"
    NOTE = "note"
    """A fact of another service that a consumer received."""
    DUE = "due"
    """What the service does by itself when the time has come."""
    OPERATOR = "operator"
    """What an operator does about records that wait."""


class Request(Struct, frozen=True, kw_only=True, gc=False):
    """One verified call: the id that makes a repeat harmless, who asks, and the moment it is decided.

    A command is known by its kind, its patient, who asks and `request_id` together. `digest` covers the whole payload:
    the same key with another digest is refused. `role` is that of the caller's token.
    """

    request_id: str
    kind: CommandKind
    actor: PersonId
    digest: bytes
    correlation_id: UUID
    now: datetime
    causation_id: UUID | None = None
    role: str = ""


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
