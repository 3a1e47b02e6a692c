"""Facts as a section holds them: sorted by when they were true, so that the order of arrival leaves no trace."""

from bisect import bisect_left
from collections.abc import Sequence
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
class EventContext:
    """What the journal says of an event besides its content. `position` is that in its source's log."""

    event_id: EventId
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    position: int


class DatedFact(Struct, Generic[Fact], frozen=True, kw_only=True, gc=False):
    """A fact, when its service came to know it and who acted."""

    fact: Fact
    event_id: EventId
    recorded_at: Instant
    actor: str


def id_of(dated: DatedFact[Fact]) -> UUID:
    """The fact's own id, or the event's where the fact has none."""
    found: UUID = getattr(dated.fact, "fact_id", dated.event_id)
    return found


def order(dated: DatedFact[Fact]) -> tuple[datetime, int]:
    """By the id's number, which compares as the id does, and faster."""
    return dated.fact.occurred_at, id_of(dated).int


def insert(
    facts: tuple[DatedFact[Fact], ...], new: DatedFact[Fact], latest: int | None = None
) -> tuple[DatedFact[Fact], ...]:
    """`facts` with `new` in its place, the same if it is there already; no more than the `latest` so many."""
    at = bisect_left(facts, order(new), key=order)
    if at < len(facts) and order(facts[at]) == order(new):
        return facts
    grown = (*facts[:at], new, *facts[at:])
    return grown if latest is None else grown[-latest:]


def newest(facts: Sequence[DatedFact[Fact]]) -> Fact | None:
    """The fact that was true last, whenever it came to be known."""
    return facts[-1].fact if facts else None
