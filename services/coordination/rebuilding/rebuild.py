"""The course of a rebuild: fill the idle slot, compare, catch up, turn; or turn back to the slot of before."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from careloop.kernel.errors import RuleViolated
from careloop.kernel.ids import PatientId
from services.coordination.rebuilding.catching_up import catch_up
from services.coordination.rebuilding.comparison import Comparison, Whom, between, compare, named
from services.coordination.rebuilding.history import by_position
from services.coordination.rebuilding.shards import Filled, shards_for
from services.coordination.rebuilding.slots import IdleSlot, begin, read_idle
from services.coordination.rebuilding.terms import Phase, Progress, RebuildOutcome, Report
from services.coordination.rebuilding.workers import Database, Workers

NEAR = 500
"""So many entries behind the journal's head, the rest is caught up while the projector waits."""
MOST_ROUNDS = 50
TRIES = 100
LOCK_TIMEOUT, PAUSE_SECONDS = "50ms", 0.05
"""How long readers may have to queue behind the emptying of the idle slot, and how long they are let through then."""


class Rebuild:
    """One rebuild on one connection, which holds the lock against others for as long as it lives."""

    def __init__(self, connection: asyncpg.Connection, report: Report) -> None:
        self._connection = connection
        self._report = report

    @classmethod
    @asynccontextmanager
    async def alone(cls, database: Database, report: Report) -> AsyncIterator["Rebuild"]:
        """Raises RuleViolated when another rebuild runs."""
        connection = await database.connect("rebuild")
        try:
            if not await connection.fetchval("select pg_try_advisory_lock(rebuild_key())"):
                raise RuleViolated("rebuild-runs", "Another rebuild of the care view runs; wait for its end.")
            yield cls(connection, report)
        finally:
            await connection.close(timeout=1)

    async def rebuild(self, workers: Workers, *, turn: bool, accept_differences: bool = False) -> RebuildOutcome:
        """Make the view again, compare it with the one that is read, and turn to it if it is to `turn`.

        A view that differs is turned to only where that is accepted.
        """
        idle = await self._begin()
        through = await self._head()
        filled = await self._fill(workers, idle, through)
        await self._connection.execute("select count_idle_slot()")
        found = await self._compare_all(idle, through)
        through, caught = await self._approach(idle, through)
        found += caught
        wanted = turn and (accept_differences or not found.different)
        through, last, turned = await self._finish(idle, through, turn=wanted, accept=accept_differences)
        return RebuildOutcome(
            turned=turned,
            through=through,
            events=filled.events,
            sections=filled.sections,
            comparison=found + last,
        )

    async def roll_back(self) -> RebuildOutcome:
        """Bring the slot of before up to date and turn to it. Raises RuleViolated when there is none."""
        idle, through = await read_idle(self._connection)
        if through is None:
            raise RuleViolated("nothing-to-roll-back-to", "No slot was kept; a rebuild keeps one.")
        through, found = await self._approach(idle, through, resumable=True)
        through, last, _ = await self._finish(idle, through, turn=True, accept=True)
        return RebuildOutcome(turned=True, through=through, events=0, sections=0, comparison=found + last)

    async def _begin(self) -> IdleSlot:
        """Emptying waits for readers of the slot; others must not wait behind it for long."""
        for _ in range(TRIES):
            try:
                async with self._connection.transaction():
                    await self._connection.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
                    return await begin(self._connection)
            except asyncpg.LockNotAvailableError:
                await asyncio.sleep(PAUSE_SECONDS)
        raise RuleViolated("slot-in-use", "The idle slot is held by a long transaction; end it and try again.")

    async def _head(self) -> int:
        """The journal's last position, all before which is visible from now on."""
        async with self._connection.transaction():
            await self._connection.execute("select pg_advisory_xact_lock_shared(journal_key())")
            return int(await self._connection.fetchval("select coalesce(max(position), 0) from journal"))

    async def _fill(self, workers: Workers, idle: IdleSlot, through: int) -> Filled:
        filled = Filled()
        self._report(Progress(phase=Phase.FILL, done=0, of=through))
        async for part in workers.fill(idle, shards_for(through), through):
            filled += part
            self._report(Progress(phase=Phase.FILL, done=filled.events, of=through))
        return filled

    async def _compare_all(self, idle: IdleSlot, through: int) -> Comparison:
        found, shards = Comparison(), shards_for(through)
        for done, shard in enumerate(shards, start=1):
            found += await self._compared(idle, between(shard.first, shard.last), through)
            self._report(Progress(phase=Phase.COMPARE, done=done, of=len(shards)))
        return found

    async def _compared(self, idle: IdleSlot, whom: Whom, through: int) -> Comparison:
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            return await compare(self._connection, idle.slot, whom, through)

    async def _approach(self, idle: IdleSlot, through: int, *, resumable: bool = False) -> tuple[int, Comparison]:
        """Catch up until the slot is near the journal's head, and compare what moved.

        `resumable`: after every page the slot is whole, and a later roll-back goes on from there.
        """
        found, start = Comparison(), through
        for _ in range(MOST_ROUNDS):
            head = await self._head()
            if head - through <= NEAR:
                return through, found
            touched = set[PatientId]()
            async for rows in by_position(self._connection, through, head):
                async with self._connection.transaction():
                    touched |= await catch_up(self._connection, idle, rows)
                    if resumable:
                        await idle.is_whole(self._connection, rows[-1]["position"])
                self._report(Progress(phase=Phase.CATCH_UP, done=rows[-1]["position"] - start, of=head - start))
            through = head
            found += await self._compared(idle, named(touched), through)
        raise RuleViolated("cannot-catch-up", "The journal grows faster than the slot; try when it is calmer.")

    async def _finish(self, idle: IdleSlot, through: int, *, turn: bool, accept: bool) -> tuple[int, Comparison, bool]:
        """In one transaction that the projector waits for: the rest, its comparison, and the turn."""
        async with self._connection.transaction():
            await self._connection.execute("select pg_advisory_xact_lock(journal_key())")
            head = int(await self._connection.fetchval("select coalesce(max(position), 0) from journal"))
            touched = set[PatientId]()
            async for rows in by_position(self._connection, through, head):
                touched |= await catch_up(self._connection, idle, rows)
            found = await compare(self._connection, idle.slot, named(touched), head)
            turned = turn and (accept or not found.different)
            if turned:
                await idle.turn(self._connection, head)
            else:
                await idle.is_whole(self._connection, head)
        self._report(Progress(phase=Phase.TURN, done=1, of=1))
        return head, found, turned
