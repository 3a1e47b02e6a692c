"""Facts as a section keeps them: sorted by when they were true, so that the order of arrival leaves no trace."""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from msgspec import Struct

from careloop.kernel.events import Instant
from careloop.kernel.ids import EventId


class Occurred(Protocol):
    @property
    def occurred_at(self) -> datetime: ...


Fact = TypeVar("Fact", bound=Occurred)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the journal says of an event besides its content. `position` is that in its source's log."""

    event_id: EventId
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    position: int


class Kept(Struct, Generic[Fact], frozen=True, kw_only=True, gc=False):
    """A fact, when its service came to know it and who acted."""

    fact: Fact
    event_id: EventId
    recorded_at: Instant
    actor: str


def identity(kept: Kept[Fact]) -> UUID:
    """The fact's own id, or the event's where the fact has none."""
    found: UUID = getattr(kept.fact, "fact_id", kept.event_id)
    return found


def order(kept: Kept[Fact]) -> tuple[datetime, int]:
    """By the id's number, which compares as the id does, and faster."""
    return kept.fact.occurred_at, identity(kept).int


def insert(facts: tuple[Kept[Fact], ...], new: Kept[Fact], latest: int | None = None) -> tuple[Kept[Fact], ...]:
    """`facts` with `new` in its place, the same if it is there already; no more than the `latest` so many."""
    at = bisect_left(facts, order(new), key=order)
    if at < len(facts) and order(facts[at]) == order(new):
        return facts
    grown = (*facts[:at], new, *facts[at:])
    return grown if latest is None else grown[-latest:]
