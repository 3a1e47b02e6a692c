"""The event store as its users see it: records and the protocol that PostgreSQL and memory both keep.

The records are msgspec Structs: every command makes a dozen, and a frozen dataclass takes ten times as long to make.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct

from careloop.kernel.events import CommandKind, EventMetadata
from careloop.kernel.ids import EventId, PersonId


class NewEvent(Struct, frozen=True, kw_only=True, gc=False):
    """An event about to be stored; the store adds version, position and `recorded_at`."""

    event_id: EventId
    topic: str
    state: bytes
    occurred_at: datetime
    key_id: str | None = None


class StoredEvent(Struct, frozen=True, kw_only=True, gc=False):
    """One row of the log: what is known about the event, and its encoded content."""

    meta: EventMetadata
    state: bytes


class DueRow(Struct, frozen=True, kw_only=True, gc=False):
    """Something to be done at `due_at`, written in the same transaction as the event that caused it.

    `due_id` makes writing it again harmless; `detail` is small JSON of the writer's own.
    """

    due_id: UUID
    kind: str
    stream_id: UUID
    due_at: datetime
    detail: bytes = b"{}"


class ClaimedDue(Struct, frozen=True, kw_only=True, gc=False):
    """A due row leased to one worker until `lease_until`; `claims` counts its claims, this one included."""

    row: DueRow
    lease_until: datetime
    claims: int


class CommandKey(Struct, frozen=True, gc=False):
    """What a command is known by: all of it, so that no id that a caller chooses meets another's."""

    command_id: str
    stream_id: UUID
    caller: PersonId
    kind: CommandKind


class Chain:
    """Writes on one stream, each decided on what the one before will have stored. Where one of them is not stored, what
    follows it stands on nothing: it meets a Conflict, whatever the stream's version is by then."""

    __slots__ = ("broken",)

    def __init__(self) -> None:
        self.broken = False


class Write(Struct, frozen=True, kw_only=True, gc=False):
    """All that one command stores: its events on one stream, what becomes due, and what is done with it.

    Its `key` is `command_id`, `stream_id`, `caller` and `kind`. `expected_version` is the stream's version that the
    decision was taken on (0 for a new stream); None appends at any version, for facts that are merely noted.
    """

    command_id: str
    kind: CommandKind
    caller: PersonId
    digest: bytes
    stream_id: UUID
    expected_version: int | None
    events: tuple[NewEvent, ...]
    correlation_id: UUID
    causation_id: UUID | None = None
    due: tuple[DueRow, ...] = ()
    done: tuple[UUID, ...] = ()
    chain: Chain | None = None

    @property
    def key(self) -> CommandKey:
        return CommandKey(self.command_id, self.stream_id, self.caller, self.kind)


class CommandRecord(Struct, frozen=True, kw_only=True, gc=False):
    """What the store remembers of a command for ever.

    `last_position` is that of its last event; of a command without events, the log's head when it was stored. `events`
    says how many it stored, which end there without a gap; None where an earlier build stored them.
    """

    key: CommandKey
    digest: bytes
    last_position: int
    events: int | None
    recorded_at: datetime


class Written(Struct, frozen=True, kw_only=True, gc=False):
    """The outcome of one Write. `repeated`: the command was stored before, and this time changed nothing."""

    command: CommandRecord
    repeated: bool


class Gate(Struct, frozen=True, kw_only=True, gc=False):
    """The position gate of one (consumer, source, partition): the unit is applied only if `last` is still stored.

    A first unit has `last` 0. `position` becomes the stored one, also when the unit had no effect.
    """

    consumer: str
    source: str
    partition: int
    last: int
    position: int

    def __post_init__(self) -> None:
        # Only a position that moves can show afterwards whether a unit was stored.
        if not 0 <= self.last < self.position:
            raise ValueError("a gate moves its position forward")


class Statement(Struct, frozen=True, kw_only=True, gc=False):
    """One SQL statement that belongs to a unit (a view, a journal, a parked row). Needs a PostgreSQL store.

    `function` is set where the statement does nothing but call that function with `args`.
    """

    sql: str
    args: tuple[Any, ...] = ()
    function: str = ""


def calling(function: str, *args: Any) -> Statement:
    """The statement that calls a function of the service's schema; its answer is not looked at."""
    places = ", ".join(f"${n}" for n in range(1, len(args) + 1))
    return Statement(sql=f"select {function}({places})", args=args, function=function)


class Unit(Struct, frozen=True, kw_only=True, gc=False):
    """Everything that happens or does not happen together. Statements run in order, after the writes."""

    writes: tuple[Write, ...] = ()
    gate: Gate | None = None
    statements: tuple[Statement, ...] = ()


class Head(Struct, frozen=True, kw_only=True, gc=False):
    """The newest event of a log; position 0 and no time for an empty one."""

    position: int
    recorded_at: datetime | None


class GateClosed(Exception):
    """Another instance moved this partition's position: drop the batch and rejoin."""


class EventStore(Protocol):
    """One service's log. Every method raises Unavailable when the store does not answer in time.

    Positions are gapless from 1 and follow commit order; `recorded_at` strictly increases with position.
    """

    async def load(self, stream_id: UUID, after: int = 0) -> Sequence[StoredEvent]:
        """The events of one stream with a version greater than `after`, oldest first."""
        ...

    async def commit(self, unit: Unit) -> Sequence[Written]:
        """Store the unit, all or nothing, and answer per write once it is durable.

        A write whose key is known with the same digest changes nothing and answers what was stored then. Under
        any-version an event whose id is known is left out; a write of which nothing remains is remembered as a
        command, and answers as repeated with the position where its events stand. An ambiguous loss of the
        connection is resolved by reading back; what is found so answers as repeated. Raises Conflict
        (expected version is not the stream's), RequestIdReused (same key, other payload), GateClosed.
        """
        ...

    async def command(self, key: CommandKey) -> CommandRecord | None:
        """What was stored for this command, if anything."""
        ...

    async def events_of_command(self, command: CommandRecord) -> Sequence[StoredEvent]:
        """The events this command stored, oldest first."""
        ...

    async def after(self, position: int, limit: int) -> Sequence[StoredEvent]:
        """Up to `limit` events with a greater position, in order, without a hole."""
        ...

    async def streams(self, after: UUID | None, limit: int, *, since: int = 0) -> Sequence[UUID]:
        """Up to `limit` streams whose ids follow `after`, in the order of their ids; None begins with the first. Of
        those, the ones that have an event beyond the position `since`."""
        ...

    async def last_position(self, stream_id: UUID, topics: frozenset[str], through: int) -> int:
        """The greatest position <= `through` of this stream among `topics`; 0 if there is none."""
        ...

    async def head(self) -> Head: ...

    async def wait_for_more(self, position: int, timeout_seconds: float) -> None:
        """Return when the head may be past `position`, or after the timeout."""
        ...

    async def claim_due(
        self, kinds: frozenset[str], now: datetime, lease_seconds: float, limit: int
    ) -> Sequence[ClaimedDue]:
        """Lease up to `limit` rows due at `now` and not leased, the longest due first; skips rows others hold.

        A row is finished by naming it in a later Write's `done`; otherwise it can be claimed again when the lease ends.
        """
        ...

    async def prune_due(self, most: int) -> int:
        """Take away up to `most` rows that were done more than 30 days ago, the oldest first; answers how many."""
        ...

    async def consumed(self, consumer: str) -> dict[tuple[str, int], int]:
        """The stored position of this consumer, per (source, partition)."""
        ...

    async def parked_streams(self, consumer: str, stream_id: UUID) -> frozenset[str]:
        """The sources of which this consumer has parked records of this patient's key."""
        ...
