"""Which process relays a log, and how far it has come: one lock, one row, one epoch."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import structlog

from careloop.chassis.log.connections import Connections, kernel_errors

_RELAY_LOCK = "hashtextextended('careloop relay ' || current_schema(), 0)"

_END_SILENT_HOLDER = f"""
    select pg_terminate_backend(pid) from pg_locks join pg_stat_activity using (pid)
    where locktype = 'advisory' and granted and objsubid = 1
    and database = (select oid from pg_database where datname = current_database())
    and (classid::bigint << 32) | objid::bigint = {_RELAY_LOCK}
    and state <> 'active' and state_change < clock_timestamp() - make_interval(secs => $1)"""  # noqa: S608 - our own text


SetClock = Callable[[asyncpg.Connection], Awaitable[None]]


class PartitionsChanged(Exception):
    """The topic was made with another number of partitions than is set: patients would lose their order."""


class Fenced(Exception):
    """Another process relays this log now."""


@dataclass(slots=True, kw_only=True)
class Checkpoint:
    """Everything up to `position` is on the topic; `last_published` is the last published position per partition."""

    epoch: int
    position: int
    last_published: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietMoment:
    """At `at`, by the database's clock, nothing was being appended, and the log's head was `head`."""

    head: int
    at: datetime


class Leadership:
    """The right to relay one log, held by a lock on a connection of its own and by the newest epoch."""

    def __init__(self, connection: asyncpg.Connection, checkpoint: Checkpoint, set_clock: SetClock) -> None:
        """`set_clock` gives the session the time as it is now, where that is not the server's."""
        self._connection = connection
        self._set_clock = set_clock
        self.checkpoint = checkpoint

    async def save(self, position: int, last_published: list[int]) -> None:
        """Move the checkpoint. Raises Fenced when a later epoch exists, Unavailable when the lock may be lost."""
        with kernel_errors():
            status = await self._connection.execute(
                """update relay_checkpoint set position = $2, last_published = $3, updated_at = present_moment()
                   where epoch = $1""",
                self.checkpoint.epoch,
                position,
                last_published,
            )
        if status != "UPDATE 1":
            raise Fenced
        self.checkpoint.position = position
        self.checkpoint.last_published = last_published

    async def quiet_moment(self) -> QuietMoment:
        """A moment between appends; waits for the one that is running. Raises Fenced, Unavailable."""
        await self._set_clock(self._connection)
        with kernel_errors():
            async with self._connection.transaction():
                await self._connection.execute("select pg_advisory_xact_lock(log_key())")
                row = await self._connection.fetchrow(
                    """select present_moment() as at, (select epoch from relay_checkpoint) as epoch,
                       coalesce((select max(notification_id) from events), 0) as head"""
                )
        if row["epoch"] != self.checkpoint.epoch:
            raise Fenced
        return QuietMoment(head=row["head"], at=row["at"])


class RelayCheckpoints:
    """The checkpoint of one service's log. `partitions` is fixed once the first relay has run.

    Who holds the lock and has said nothing to the server for `silent_after_seconds` loses it: a process that was
    stopped, or a machine that nobody reaches any more, leaves its connection open, and would for ever.
    """

    def __init__(self, connections: Connections, partitions: int, silent_after_seconds: float) -> None:
        self._connections = connections
        self._partitions = partitions
        self._silent_after = silent_after_seconds

    async def position(self) -> int:
        """How far the log was sent, by whichever process."""
        found: int | None = await self._connections.fetchval("select position from relay_checkpoint")
        return found or 0

    async def check(self) -> None:
        """Raises PartitionsChanged."""
        stored: int | None = await self._connections.fetchval("select partitions from relay_checkpoint")
        if stored is not None and stored != self._partitions:
            raise PartitionsChanged(f"the log was relayed to {stored} partitions, and {self._partitions} are set")

    @asynccontextmanager
    async def lead(self) -> AsyncIterator[Leadership | None]:
        """Leadership with an epoch of its own, or None while another process holds it. Raises Unavailable."""
        connection = await self._connections.connect()
        try:
            with kernel_errors():
                taken = await connection.fetchval(f"select pg_try_advisory_lock({_RELAY_LOCK})")
            if not taken:
                await self._end_silent_holder(connection)
            yield await self._leadership(connection) if taken else None
        finally:
            connection.terminate()

    async def _end_silent_holder(self, connection: asyncpg.Connection) -> None:
        """Its lock is free then, for the one that asks next; what it still sends are records that come again."""
        with kernel_errors():
            if await connection.fetch(_END_SILENT_HOLDER, self._silent_after):
                structlog.get_logger().warning("silent relay ended")

    async def _leadership(self, connection: asyncpg.Connection) -> Leadership:
        checkpoint = await self._next_epoch(connection)
        with kernel_errors():
            # What a server forgets of a checkpoint when it dies is sent again. An fsync per page would be taken from
            # commands and projectors.
            await connection.execute("set synchronous_commit = off")
        return Leadership(connection, checkpoint, self._connections.set_clock)

    async def _next_epoch(self, connection: asyncpg.Connection) -> Checkpoint:
        await self.check()
        with kernel_errors():
            row = await connection.fetchrow(
                """insert into relay_checkpoint (epoch, position, partitions, last_published)
                   values (1, 0, $1, $2)
                   on conflict (single) do update set epoch = relay_checkpoint.epoch + 1, updated_at = present_moment()
                   returning epoch, position, last_published""",
                self._partitions,
                [0] * self._partitions,
            )
        return Checkpoint(epoch=row["epoch"], position=row["position"], last_published=list(row["last_published"]))
