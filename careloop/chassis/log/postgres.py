"""The event store on PostgreSQL: one server-side call per unit, over the tables in migrations/."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from careloop.chassis.log.appender import Appender
from careloop.chassis.log.connections import Ahead, Connections, OwnConnection, Timeouts
from careloop.chassis.log.figures import StoreFigures, read_figures
from careloop.chassis.log.listener import LogListener
from careloop.chassis.log.loader import Loader
from careloop.chassis.log.protocol import (
    ClaimedDue,
    CommandKey,
    CommandRecord,
    DueRow,
    Head,
    StoredEvent,
    Unit,
    Written,
)
from careloop.chassis.log.stored_commands import find_commands
from careloop.chassis.log.unit_committer import UnitCommitter, is_calls
from careloop.chassis.log.unit_transactions import UnitTransactions
from careloop.kernel.events import EventMetadata
from careloop.kernel.ids import EventId, PersonId

_COLUMNS = """originator_id, originator_version, topic, state, notification_id, event_id, occurred_at, recorded_at,
    correlation_id, causation_id, actor, command_id, key_id"""

# Each stream is a probe of its own, in the order of its versions: an offset keeps the planner from joining the whole
# table instead.
_STREAMS = f"""
    select e.* from unnest($1::uuid[], $2::bigint[]) wanted (stream, after)
    cross join lateral (
        select {_COLUMNS} from events
        where originator_id = wanted.stream and originator_version > wanted.after
        order by originator_version offset 0) e"""  # noqa: S608 - constants

_CLAIM = """
    update due set claims = claims + 1, lease_until = $3
    where due_id in (
        select due_id from due
        where done_at is null and due_at <= $2 and kind = any($1) and (lease_until is null or lease_until <= $2)
        order by due_at, due_id limit $4 for update skip locked)
    returning due_id, kind, stream_id, due_at, detail, lease_until, claims"""


class NotDurable(Exception):
    """The server may forget what it acknowledged; nothing may be accepted on it."""


class PostgresEventStore:
    """Keeps the EventStore protocol. Made by `open`, which also hears of other processes' commits.

    `connections` is for reads of a service's own tables; writes go through `commit`.
    """

    def __init__(self, connections: Connections, listener: LogListener, appender: Appender, loader: Loader) -> None:
        self.connections = connections
        self._listener = listener
        self._appender = appender
        self._loader = loader
        self._unit_committer = UnitCommitter(connections)
        self._transactions = UnitTransactions(connections)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        dsn: str,
        schema: str,
        *,
        timeouts: Timeouts | None = None,
        pool_size: int = 8,
        password_file: Path | None = None,
        ahead: Ahead | None = None,
    ) -> AsyncIterator["PostgresEventStore"]:
        """The store of one schema. Opening does not wait for the server: until it answers, calls raise Unavailable."""
        async with Connections(
            dsn,
            schema,
            timeouts=timeouts or Timeouts(),
            size=pool_size,
            password_file=password_file,
            ahead=ahead,
        ) as connections:
            listener = LogListener(partial(connections.connect, "listener"), f"{schema}_events")
            appender = Appender(connections, listener.moved_to)
            loader = Loader(OwnConnection(connections, "loader"), _read_streams)
            listening = asyncio.create_task(listener.run(), name=f"listen {schema}")
            try:
                async with appender.running():
                    yield cls(connections, listener, appender, loader)
            finally:
                await loader.close()
                listening.cancel()
                with suppress(asyncio.CancelledError):
                    await listening

    async def commit(self, unit: Unit) -> Sequence[Written]:
        """In one of four ways, the first that the unit allows: its cost is what they differ in."""
        if not (unit.writes or unit.gate or unit.statements):
            return []
        if _is_one_command(unit):
            return [await self._appender.append(unit.writes[0])]
        if is_calls(unit):
            await self._unit_committer.commit(unit)
            return []
        if unit.statements:
            written = await self._transactions.commit_with_statements(unit)
        else:
            written = await self._transactions.commit_in_one_call(unit)
        if written:
            self._listener.moved_to(max(one.command.last_position for one in written))
        return written

    async def load(self, stream_id: UUID, after: int = 0) -> Sequence[StoredEvent]:
        return await self._loader.load(stream_id, after)

    async def events_of_command(self, command: CommandRecord) -> Sequence[StoredEvent]:
        last = command.last_position
        if command.events is not None:
            clause = "where notification_id > $1 and notification_id <= $2 order by notification_id"
            return await self._events(clause, last - command.events, last)
        # Of an earlier build. Its stream is read by the primary key: repeats of those are rare.
        clause = """where originator_id = $1 and command_id = $2 and actor = $3 and notification_id <= $4
            order by notification_id"""
        key = command.key
        return await self._events(clause, key.stream_id, key.command_id, key.caller, last)

    async def after(self, position: int, limit: int) -> Sequence[StoredEvent]:
        return await self._events("where notification_id > $1 order by notification_id limit $2", position, limit)

    async def _events(self, clause: str, *args: Any) -> Sequence[StoredEvent]:
        rows = await self.connections.fetch(f"select {_COLUMNS} from events {clause}", *args)  # noqa: S608 - constants
        return [_stored(row) for row in rows]

    async def command(self, key: CommandKey) -> CommandRecord | None:
        async with self.connections.borrow() as connection:
            return (await find_commands(connection, [key])).get(key)

    async def streams(self, after: UUID | None, limit: int, *, since: int = 0) -> Sequence[UUID]:
        rows = await self.connections.fetch(
            """select distinct originator_id from events where originator_id > $1 and notification_id > $3
               order by originator_id limit $2""",
            after or UUID(int=0),
            limit,
            since,
        )
        return [row[0] for row in rows]

    async def last_position(self, stream_id: UUID, topics: frozenset[str], through: int) -> int:
        # Within a stream versions and positions rise together, so the primary key serves.
        position: int | None = await self.connections.fetchval(
            """select notification_id from events where originator_id = $1 and notification_id <= $2
               and topic = any($3) order by originator_version desc limit 1""",
            stream_id,
            through,
            list(topics),
        )
        return position or 0

    async def head(self) -> Head:
        row = await self.connections.fetchrow(
            "select notification_id, recorded_at from events order by notification_id desc limit 1"
        )
        return Head(position=0, recorded_at=None) if row is None else Head(position=row[0], recorded_at=row[1])

    async def wait_for_more(self, position: int, timeout_seconds: float) -> None:
        await self._listener.wait(position, timeout_seconds)

    async def claim_due(
        self, kinds: frozenset[str], now: datetime, lease_seconds: float, limit: int
    ) -> Sequence[ClaimedDue]:
        lease_until = now + timedelta(seconds=lease_seconds)
        rows = await self.connections.fetch(_CLAIM, list(kinds), now, lease_until, limit)
        return sorted((_claimed(row) for row in rows), key=lambda claimed: (claimed.row.due_at, claimed.row.due_id))

    async def prune_due(self, most: int) -> int:
        gone: int = await self.connections.fetchval("select prune_due($1)", most)
        return gone

    async def consumed(self, consumer: str) -> dict[tuple[str, int], int]:
        rows = await self.connections.fetch(
            "select source, partition, position from consumed_positions where consumer = $1", consumer
        )
        return {(row["source"], row["partition"]): row["position"] for row in rows}

    async def parked_streams(self, consumer: str, stream_id: UUID) -> frozenset[str]:
        rows = await self.connections.fetch(
            "select distinct source from parked where consumer = $1 and patient_id = $2", consumer, stream_id
        )
        return frozenset(row["source"] for row in rows)

    async def status(self, now: datetime) -> StoreFigures:
        """What this schema's tables say of themselves, read in one snapshot."""
        return await read_figures(self.connections, now)

    async def check_durability(self) -> None:
        """Raises NotDurable unless an acknowledged commit is on the server's disk."""
        for setting in ("fsync", "synchronous_commit"):
            if await self.connections.fetchval("select current_setting($1)", setting) == "off":
                raise NotDurable(f"PostgreSQL runs with {setting}=off")

    async def schema_version(self) -> str:
        """The newest migration applied to this schema; empty when there is none."""
        try:
            version: str | None = await self.connections.fetchval("select max(version) from schema_migrations")
        except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError):
            return ""
        return version or ""


def _is_one_command(unit: Unit) -> bool:
    return len(unit.writes) == 1 and unit.gate is None and not unit.statements


async def _read_streams(connection: asyncpg.Connection, wanted: Mapping[UUID, int]) -> Sequence[StoredEvent]:
    return [_stored(row) for row in await connection.fetch(_STREAMS, list(wanted), list(wanted.values()))]


def _stored(row: asyncpg.Record) -> StoredEvent:
    meta = EventMetadata(
        event_id=EventId(row["event_id"]),
        stream_id=row["originator_id"],
        version=row["originator_version"],
        position=row["notification_id"],
        topic=row["topic"],
        occurred_at=row["occurred_at"],
        recorded_at=row["recorded_at"],
        actor=PersonId(row["actor"]),
        command_id=row["command_id"],
        correlation_id=row["correlation_id"],
        causation_id=row["causation_id"],
        key_id=row["key_id"],
    )
    return StoredEvent(meta=meta, state=row["state"])


def _claimed(row: asyncpg.Record) -> ClaimedDue:
    due = DueRow(
        due_id=row["due_id"],
        kind=row["kind"],
        stream_id=row["stream_id"],
        due_at=row["due_at"],
        detail=row["detail"],
    )
    return ClaimedDue(row=due, lease_until=row["lease_until"], claims=row["claims"])
