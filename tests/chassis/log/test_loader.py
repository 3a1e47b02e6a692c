"""Streams read together: whoever asks is answered, whenever they ask."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from uuid import UUID, uuid4

import asyncpg
import pytest

from careloop.chassis.log.connections import OwnConnection
from careloop.chassis.log.loader import Loader
from careloop.chassis.log.postgres import PostgresEventStore
from careloop.chassis.log.protocol import StoredEvent
from careloop.kernel.errors import Unavailable
from tests.support.histories.writes import new_event, store_one, write
from tests.support.stack import PostgresDatabase

SCHEMA = "assessment"


def at_once(store: PostgresEventStore) -> Loader:
    """One that answers without waiting for the server, so that its reader ends between any two steps of others."""

    async def read(_connection: asyncpg.Connection, _streams: Mapping[UUID, int]) -> Sequence[StoredEvent]:
        return []

    return Loader(OwnConnection(store.connections, "loader"), read)


@pytest.mark.parametrize("steps", range(8))
async def test_who_asks_while_the_reader_ends_is_answered(postgres: PostgresDatabase, steps: int) -> None:
    async with PostgresEventStore.open(postgres.dsn(SCHEMA), SCHEMA) as store:
        loader = at_once(store)
        for _ in range(20):
            first = asyncio.create_task(loader.load(uuid4(), 0))
            for _ in range(steps):
                await asyncio.sleep(0)
            async with asyncio.timeout(5):
                assert await loader.load(uuid4(), 0) == await first == []
        await loader.close()


async def test_a_lost_connection_is_made_anew(postgres: PostgresDatabase) -> None:
    async with PostgresEventStore.open(postgres.dsn(SCHEMA), SCHEMA) as store:
        stream = uuid4()
        await store_one(store, write(stream, 0, new_event()))
        assert len(await store.load(stream)) == 1
        await store.connections.fetchval(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name like '% loader'"
        )
        with suppress(Unavailable):  # whether the end of the connection was noticed before is a matter of moments
            await store.load(stream)
        assert len(await store.load(stream)) == 1


async def test_who_waits_when_the_store_closes_is_refused(postgres: PostgresDatabase) -> None:
    async with PostgresEventStore.open(postgres.dsn(SCHEMA), SCHEMA) as store:
        started = asyncio.Event()

        async def never(_connection: asyncpg.Connection, _streams: Mapping[UUID, int]) -> Sequence[StoredEvent]:
            started.set()
            await asyncio.Event().wait()
            return []

        loader = Loader(OwnConnection(store.connections, "loader"), never)
        under_way = asyncio.create_task(loader.load(uuid4(), 0))
        await started.wait()
        waiting = asyncio.create_task(loader.load(uuid4(), 0))
        await asyncio.sleep(0)
        await loader.close()
        for refused in (under_way, waiting):
            with pytest.raises(Unavailable):
                await refused


async def test_each_who_asks_for_the_same_stream_gets_what_follows_his_version(postgres: PostgresDatabase) -> None:
    async with PostgresEventStore.open(postgres.dsn(SCHEMA), SCHEMA) as store:
        stream, other = uuid4(), uuid4()
        await store_one(store, write(stream, 0, new_event(), new_event(), new_event()))
        await store_one(store, write(other, 0, new_event()))
        asked = ((stream, 2), (stream, 0), (other, 0), (stream, 3), (other, 1))
        answers = await asyncio.gather(*(store.load(which, after) for which, after in asked))
        assert [[event.meta.version for event in answer] for answer in answers] == [[3], [1, 2, 3], [1], [], []]
        assert {event.meta.stream_id for event in answers[2]} == {other}
