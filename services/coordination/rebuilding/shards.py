"""Folding the journal into the idle slot, shard by shard of the patients, in worker processes."""

import asyncio
import gc
import os
import threading
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from multiprocessing import connection as pipes
from multiprocessing import get_context, parent_process
from uuid import UUID

import asyncpg

from careloop.chassis.log.connections import Connections, Timeouts
from services.coordination.domain.section_fold import grow
from services.coordination.domain.sections import SECTIONS
from services.coordination.rebuilding.history import Place, Told, by_patient, told
from services.coordination.rebuilding.slots import IdleSlot, Kept

EVENTS_PER_SHARD = 10_000
FEWEST_SHARDS, MOST_SHARDS = 1, 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """How a worker process reaches coordination's schema."""

    dsn: str
    schema: str
    timeouts: Timeouts

    async def connect(self, purpose: str) -> asyncpg.Connection:
        connections = Connections(self.dsn, self.schema, timeouts=self.timeouts, size=1)
        return await connections.connect(purpose)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """The patients from `first` to `last`."""

    first: UUID
    last: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """How much was folded."""

    events: int = 0
    sections: int = 0

    def __add__(self, other: "Filled") -> "Filled":
        return Filled(events=self.events + other.events, sections=self.sections + other.sections)


def shards_for(events: int) -> list[Shard]:
    """All patients, in ranges of ids that hold some 10,000 events each where ids are random."""
    wanted = min(max(events // EVENTS_PER_SHARD, FEWEST_SHARDS), MOST_SHARDS)
    edges = [(n << 128) // wanted for n in range(wanted + 1)]
    return [Shard(first=UUID(int=low), last=UUID(int=high - 1)) for low, high in pairwise(edges)]


async def fill(connection: asyncpg.Connection, idle: IdleSlot, shard: Shard, through: int) -> Filled:
    """Fold all that was told of the shard's patients up to `through` into the idle slot, which holds none of it yet."""
    filled = Filled()
    async for rows in by_patient(connection, shard.first, shard.last, through):
        sections = [_kept(place, one) for place, one in told(rows).items()]
        await idle.copy_in(connection, sections)
        filled += Filled(events=len(rows), sections=len(sections))
    return filled


def _kept(place: Place, one: Told) -> Kept:
    patient_id, source = place
    return Kept(
        patient_id=patient_id,
        source=source,
        section=grow(SECTIONS[source](), one.facts),
        source_position=one.source_position,
        journal_position=one.journal_position,
        journal_time=one.journal_time,
    )


class Workers:
    """Processes that fill shards. They end with the process that made them, also when that one is killed."""

    def __init__(self, pool: ProcessPoolExecutor, database: Database) -> None:
        self._pool = pool
        self._database = database

    async def fill(self, idle: IdleSlot, shards: Iterable[Shard], through: int) -> AsyncIterator[Filled]:
        """What each shard came to, as they are done. Raises what a worker raised, or ConnectionError if one died."""
        futures = [
            asyncio.wrap_future(self._pool.submit(_fill_in_worker, self._database, idle, shard, through))
            for shard in shards
        ]
        try:
            for done in asyncio.as_completed(futures):
                yield await done
        except BrokenProcessPool:
            raise WorkerDied("a worker process died") from None
        finally:
            for future in futures:
                future.cancel()


class WorkerDied(Exception):
    """A worker process ended before its work did."""


@asynccontextmanager
async def workers(count: int, database: Database) -> AsyncIterator[Workers]:
    """So many worker processes, gone at the end of the block."""
    context = get_context("forkserver")
    # What a worker imports is imported once, by the process that the workers are forked from.
    context.set_forkserver_preload([__name__])
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_set_up_worker)
    try:
        yield Workers(pool, database)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _set_up_worker() -> None:
    # Folding makes millions of objects and no circles; looking for circles took a third of the time.
    gc.disable()
    _end_with_the_parent()


def _end_with_the_parent() -> None:
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        pipes.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _fill_in_worker(database: Database, idle: IdleSlot, shard: Shard, through: int) -> Filled:
    return _runner().run(fill(_connection(database), idle, shard, through))


@cache
def _runner() -> asyncio.Runner:
    return asyncio.Runner()


@cache
def _connection(database: Database) -> asyncpg.Connection:
    """One for all shards of this worker; it ends with the process."""
    return _runner().run(_connected(database))


async def _connected(database: Database) -> asyncpg.Connection:
    connection = await database.connect("rebuild worker")
    # The planner would rather read the whole journal for every shard; pages by patient must come by the index.
    await connection.execute("set enable_seqscan = off; set enable_bitmapscan = off")
    return connection
