"""The eventsourcing library's own recorder reads our log as it is, and cannot write to it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from eventsourcing.persistence import PersistenceError, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

from careloop.chassis.log.postgres import PostgresEventStore
from tests.support.histories.writes import new_event, store_one, write
from tests.support.stack import PostgresDatabase

SCHEMA = "assessment"


@pytest.fixture
async def store(postgres: PostgresDatabase) -> AsyncIterator[PostgresEventStore]:
    async with PostgresEventStore.open(postgres.dsn(SCHEMA), SCHEMA) as opened:
        yield opened


@pytest.fixture(params=["runtime role", "superuser"])
def recorder(request: pytest.FixtureRequest, postgres: PostgresDatabase) -> Iterator[PostgresApplicationRecorder]:
    """The library's stock recorder on our table, as the service would open it and as an administrator would."""
    address = urlsplit(postgres.dsn(SCHEMA) if request.param == "runtime role" else postgres.admin_dsn)
    datastore = PostgresDatastore(
        dbname=address.path.removeprefix("/"),
        host=address.hostname or "",
        port=address.port or 5432,
        user=address.username or "",
        password=address.password or "",
        schema=SCHEMA,
    )
    with datastore:
        yield PostgresApplicationRecorder(datastore, events_table_name="events")


async def test_it_reads_streams_and_notifications(
    store: PostgresEventStore, recorder: PostgresApplicationRecorder
) -> None:
    assert await asyncio.to_thread(recorder.max_notification_id) is None
    stream, other = uuid4(), uuid4()
    await store_one(store, write(stream, 0, new_event(state=b"1"), new_event(state=b"2")))
    await store_one(store, write(other, 0, new_event(state=b"3", topic="test.Kept.v1")))
    await store_one(store, write(stream, 2, new_event(state=b"4")))

    ours = await asyncio.to_thread(recorder.select_events, stream)
    assert [(event.originator_version, bytes(event.state)) for event in ours] == [(1, b"1"), (2, b"2"), (3, b"4")]
    latest = await asyncio.to_thread(recorder.select_events, stream, desc=True, limit=1)
    assert [event.originator_version for event in latest] == [3]

    told = await asyncio.to_thread(recorder.select_notifications, 1, 10)
    assert [(one.id, one.originator_id, bytes(one.state)) for one in told] == [
        (1, stream, b"1"),
        (2, stream, b"2"),
        (3, other, b"3"),
        (4, stream, b"4"),
    ]
    chosen = await asyncio.to_thread(recorder.select_notifications, 1, 10, topics=["test.Kept.v1"])
    assert [one.id for one in chosen] == [3]
    assert await asyncio.to_thread(recorder.max_notification_id) == 4


async def test_it_cannot_insert(store: PostgresEventStore, recorder: PostgresApplicationRecorder) -> None:
    foreign = StoredEvent(originator_id=uuid4(), originator_version=1, topic="test.Noted.v1", state=b"{}")
    with pytest.raises(PersistenceError):
        await asyncio.to_thread(recorder.insert_events, [foreign])
    assert (await store.head()).position == 0
    await store_one(store, write(uuid4(), 0, new_event()))
    assert (await store.head()).position == 1
