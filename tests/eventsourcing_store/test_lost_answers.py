"""An answer that never comes: the same insert is offered again and stored once, never called a conflict."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from eventsourcing.persistence import IntegrityError, OperationalError, Tracking

from careloop.eventsourcing_store import (
    CareloopApplicationRecorder,
    CareloopFactory,
    CareloopProcessRecorder,
    CareloopTrackingRecorder,
)
from tests.support.library import OwnSchema, bare, environment
from tests.support.wires.lossy_proxy import Loss, LossyProxy, lossy_proxy

Lossy = tuple[CareloopFactory, LossyProxy]
LOST = b"this one is lost"

_KILL = """
    select pg_terminate_backend(pid) from pg_stat_activity where usename = '{}' and query like '%append%'"""

either_way = pytest.mark.parametrize("loss", Loss)


@pytest.fixture
async def lossy(schema: OwnSchema) -> AsyncIterator[Lossy]:
    async with lossy_proxy(schema.database.dsn(schema.role)) as (proxy, dsn):
        factory = await asyncio.to_thread(CareloopFactory, environment(dsn, schema.name))
        yield factory, proxy
        await asyncio.to_thread(factory.close)


@either_way
async def test_an_insert_is_stored_once(lossy: Lossy, loss: Loss) -> None:
    factory, proxy = lossy
    recorder: CareloopApplicationRecorder = await asyncio.to_thread(factory.application_recorder)
    assert await asyncio.to_thread(recorder.insert_events, [bare(0)]) == [1]
    proxy.lose(LOST, loss)
    assert await asyncio.to_thread(recorder.insert_events, [bare(0), bare(0, state=LOST)]) == [2, 3]
    assert proxy.losses == 1
    assert await asyncio.to_thread(recorder.insert_events, [bare(0)]) == [4]


@either_way
async def test_of_many_at_once_each_is_stored_once(lossy: Lossy, loss: Loss) -> None:
    factory, proxy = lossy
    recorder = await asyncio.to_thread(factory.application_recorder)
    proxy.lose(LOST, loss)
    many = [asyncio.to_thread(recorder.insert_events, [bare(0, state=LOST)]) for _ in range(24)]
    positions = [position for answer in await asyncio.gather(*many) for position in answer or []]
    assert proxy.losses == 1
    assert sorted(positions) == list(range(1, 25))
    assert await asyncio.to_thread(recorder.max_notification_id) == 24


@either_way
async def test_a_taken_place_is_still_refused(lossy: Lossy, loss: Loss) -> None:
    factory, proxy = lossy
    recorder = await asyncio.to_thread(factory.application_recorder)
    stream = uuid4()
    await asyncio.to_thread(recorder.insert_events, [bare(0, stream)])
    proxy.lose(LOST, loss)
    with pytest.raises(IntegrityError):
        await asyncio.to_thread(recorder.insert_events, [bare(0, stream, state=LOST)])
    assert proxy.losses == 1


@either_way
@pytest.mark.parametrize("events", [0, 2])
async def test_a_position_is_recorded_once(lossy: Lossy, loss: Loss, events: int) -> None:
    factory, proxy = lossy
    recorder: CareloopProcessRecorder = await asyncio.to_thread(factory.process_recorder)
    followed = LOST.decode()
    proxy.lose(LOST, loss)
    await asyncio.to_thread(recorder.insert_events, [bare(0) for _ in range(events)], tracking=Tracking(followed, 5))
    assert proxy.losses == 1
    with pytest.raises(IntegrityError):
        await asyncio.to_thread(recorder.insert_events, [], tracking=Tracking(followed, 5))
    assert await asyncio.to_thread(recorder.max_notification_id) == (events or None)


@either_way
async def test_a_position_alone_is_recorded_once(lossy: Lossy, loss: Loss) -> None:
    factory, proxy = lossy
    recorder = await asyncio.to_thread(factory.tracking_recorder, CareloopTrackingRecorder)
    followed = LOST.decode()
    proxy.lose(LOST, loss)
    await asyncio.to_thread(recorder.insert_tracking, Tracking(followed, 5))
    assert proxy.losses == 1
    with pytest.raises(IntegrityError):
        await asyncio.to_thread(recorder.insert_tracking, Tracking(followed, 5))
    await asyncio.to_thread(recorder.insert_tracking, Tracking(followed, 6))


@either_way
async def test_a_transaction_of_a_view_is_not_carried_out_again_by_itself(lossy: Lossy, loss: Loss) -> None:
    factory, proxy = lossy
    recorder = await asyncio.to_thread(factory.tracking_recorder, CareloopTrackingRecorder)

    def process() -> None:
        with recorder.datastore.transaction() as transaction:
            recorder.track(transaction, Tracking("upstream", 1))

    await asyncio.to_thread(recorder.max_tracking_id, "upstream")
    proxy.lose(b"COMMIT;", loss)
    with pytest.raises(OperationalError):
        await asyncio.to_thread(process)
    recorded = await asyncio.to_thread(recorder.max_tracking_id, "upstream")
    assert recorded == (1 if loss is Loss.AFTER else None)


def test_while_server_processes_are_killed_every_insert_is_stored_once(
    schema: OwnSchema, recorder: CareloopApplicationRecorder
) -> None:
    threads, each = 8, 60
    recorder.insert_events([bare(0)])

    def insert(_: int) -> list[int]:
        return [position for _ in range(each) for position in recorder.insert_events([bare(0)]) or []]

    with ThreadPoolExecutor(threads) as pool:
        running = [pool.submit(insert, n) for n in range(threads)]
        killed_at = [0]
        while not all(one.done() for one in running):
            if head(schema) > killed_at[-1] + 40 and schema.rows(_KILL.format(schema.role)):
                killed_at.append(head(schema))
    positions = sorted(position for one in running for position in one.result())
    assert len(killed_at) > 3
    assert positions == list(range(2, threads * each + 2))
    assert head(schema) == threads * each + 1


def head(schema: OwnSchema) -> int:
    ((position,),) = schema.rows(f"select max(notification_id) from {schema.name}.stored_events")
    return int(position)
