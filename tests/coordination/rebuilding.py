"""Rebuilds of the care view in tests: in this process, or in processes of their own as the service starts them."""

import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any, cast

import asyncpg

from careloop.chassis.log.connections import Timeouts
from services.coordination.rebuilding.process import Rebuilds
from services.coordination.rebuilding.rebuild import Rebuild
from services.coordination.rebuilding.shards import Filled, Shard, fill
from services.coordination.rebuilding.slots import IdleSlot
from services.coordination.rebuilding.terms import Mode, Progress, RebuildOutcome, RebuildRequest
from services.coordination.rebuilding.workers import Database, Workers
from tests.support.stack import PostgresDatabase


def database(postgres: PostgresDatabase) -> Database:
    return Database(dsn=postgres.dsn("coordination"), schema="coordination", timeouts=Timeouts())


def environment_of(postgres: PostgresDatabase) -> dict[str, str]:
    """What a process of coordination finds in its environment."""
    return {
        **os.environ,
        "CARELOOP_SERVICE": "coordination",
        "CARELOOP_POSTGRES_DSN": postgres.dsn("coordination"),
        "CARELOOP_KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "CARELOOP_GRPC_PORT": "0",
        "CARELOOP_HTTP_PORT": "0",
        "CARELOOP_TOKEN_KEYS_FILE": "keys.json",
        "CARELOOP_SERVICE_KEY_FILE": "key.json",
    }


class Here:
    """Fills the shards in this process."""

    def __init__(self, to: Database) -> None:
        self._database = to

    async def fill(self, idle: IdleSlot, shards: Iterable[Shard], through: int) -> AsyncIterator[Filled]:
        connection = await self._database.connect("rebuild worker")
        try:
            for shard in shards:
                yield await fill(connection, idle, shard, through)
        finally:
            await connection.close()


def alone(
    postgres: PostgresDatabase, report: Callable[[Progress], None] = lambda _progress: None
) -> AbstractAsyncContextManager[Rebuild]:
    return Rebuild.alone(database(postgres), report)


def here(postgres: PostgresDatabase) -> Workers:
    return cast(Workers, Here(database(postgres)))


async def rebuilt(postgres: PostgresDatabase, *, turn: bool = True, accept_differences: bool = False) -> RebuildOutcome:
    """A whole rebuild in this process."""
    async with alone(postgres) as rebuild:
        return await rebuild.rebuild(here(postgres), turn=turn, accept_differences=accept_differences)


async def rolled_back(postgres: PostgresDatabase) -> RebuildOutcome:
    async with alone(postgres) as rebuild:
        return await rebuild.roll_back()


async def in_processes(postgres: PostgresDatabase, mode: Mode = Mode.TURN, workers: int = 2) -> RebuildOutcome:
    """A whole rebuild in processes of its own."""
    last: Progress | RebuildOutcome | None = None
    async with aclosing(Rebuilds(environment_of(postgres)).run(RebuildRequest(mode=mode, workers=workers))) as told:
        async for one in told:
            last = one
    assert isinstance(last, RebuildOutcome)
    return last


async def as_admin(postgres: PostgresDatabase, statement: str, *args: Any) -> Any:
    """What the superuser reads or does in coordination's schema; answers the first value."""
    connection = await asyncpg.connect(postgres.admin_dsn, server_settings={"search_path": "coordination"})
    try:
        return await connection.fetchval(statement, *args)
    finally:
        await connection.close()
