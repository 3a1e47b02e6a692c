"""Worker processes that fill the idle slot, shard by shard."""

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
from multiprocessing import connection as pipes
from multiprocessing import get_context, parent_process
from pathlib import Path

import asyncpg

from careloop.chassis.log.connections import Connections, Timeouts
from services.coordination.rebuilding.shards import Filled, Shard, fill
from services.coordination.rebuilding.slots import IdleSlot


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """How a worker process reaches coordination's schema."""

    dsn: str
    schema: str
    timeouts: Timeouts
    password_file: Path | None = None

    async def connect(self, purpose: str) -> asyncpg.Connection:
        sessions = Connections(self.dsn, self.schema, timeouts=self.timeouts, size=1, password_file=self.password_file)
        return await sessions.connect(purpose)


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
