"""Writes, events and a tiny decider for tests of the store and of what stands on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from careloop.chassis.commands.streams import Streams
from careloop.chassis.events.codec import Codec
from careloop.chassis.log.protocol import DueRow, EventStore, NewEvent, Unit, Write, Written
from careloop.kernel.decider import Decider
from careloop.kernel.events import CommandKind, Instant, Request
from careloop.kernel.ids import EventId, PersonId

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CALLER = PersonId("dr.lee")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """`total` is the count after this event, so a decision on a stale state would show."""

    occurred_at: Instant
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Remarked:
    """An event that is not published."""

    occurred_at: Instant
    text: str


Happening = Counted | Remarked
TOPICS: Mapping[str, type[Happening]] = {"counter.Counted.v1": Counted, "counter.Remarked.v1": Remarked}


def evolve(total: int, event: Happening) -> int:
    return event.total if isinstance(event, Counted) else total


COUNTER: Decider[int, Happening] = Decider(initial=0, evolve=evolve)


def count_one(total: int) -> list[Happening]:
    return [Counted(occurred_at=NOON, total=total + 1)]


def counters(store: EventStore) -> Streams[int, Happening]:
    return Streams("counter", store, Codec(TOPICS), COUNTER, published=frozenset({"counter.Counted.v1"}))


def request(request_id: str | None = None, *, actor: PersonId = CALLER, digest: bytes | None = None) -> Request:
    """A call; calls with one id have one digest unless told otherwise."""
    known = request_id or str(uuid4())
    return Request(
        kind=CommandKind.CALLER,
        request_id=known,
        actor=actor,
        digest=digest or f"digest of {known}".encode(),
        correlation_id=uuid4(),
        now=NOON,
    )


def new_event(**changes: Any) -> NewEvent:
    told: dict[str, Any] = {"event_id": EventId(uuid4()), "topic": "test.Noted.v1", "state": b"{}", "occurred_at": NOON}
    return NewEvent(**{**told, **changes})


def write(stream: UUID, expected_version: int | None, *events: NewEvent, **changes: Any) -> Write:
    """A write of a command of its own."""
    told: dict[str, Any] = {
        "command_id": str(uuid4()),
        "kind": CommandKind.CALLER,
        "caller": CALLER,
        "digest": b"d",
        "correlation_id": uuid4(),
    }
    return Write(stream_id=stream, expected_version=expected_version, events=events, **{**told, **changes})


def due_row(due_at: datetime = NOON, kind: str = "escalate", **changes: Any) -> DueRow:
    told: dict[str, Any] = {"due_id": uuid4(), "stream_id": uuid4()}
    return DueRow(kind=kind, due_at=due_at, **{**told, **changes})


async def store_one(store: EventStore, told: Write) -> Written:
    (written,) = await store.commit(Unit(writes=(told,)))
    return written


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)
