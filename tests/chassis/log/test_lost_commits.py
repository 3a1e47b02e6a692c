"""A commit whose answer never comes is neither lost nor stored twice, and the same request id tells how it ended."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from careloop.chassis.commands.streams import Streams
from careloop.chassis.log.connections import Timeouts
from careloop.chassis.log.postgres import PostgresEventStore
from careloop.chassis.log.protocol import CommandKey, Gate, GateClosed, Statement, Unit
from careloop.kernel.errors import Unavailable
from tests.support.histories.writes import Happening, count_one, counters, new_event, request, write
from tests.support.stack import PostgresDatabase
from tests.support.wires.lossy_proxy import Loss, LossyProxy, lossy_proxy

REPETITIONS = 20
THOUSAND = pytest.param(500, marks=[pytest.mark.faults, pytest.mark.timeout(600)])
"""Of either loss, so a thousand in all."""

Lossy = tuple[PostgresEventStore, LossyProxy]


@pytest.fixture
async def lossy(postgres: PostgresDatabase) -> AsyncIterator[Lossy]:
    """A store whose connections may be lost on demand."""
    async with (
        lossy_proxy(postgres.dsn("assessment")) as (proxy, dsn),
        PostgresEventStore.open(dsn, "assessment", timeouts=Timeouts(acquire=1, statement=4, resolve=2)) as store,
    ):
        yield store, proxy


@pytest.fixture
async def admin(postgres: PostgresDatabase) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(postgres.admin_dsn, server_settings={"search_path": "assessment"})
    yield connection
    await connection.close()


def showing(store: PostgresEventStore) -> Streams[int, Happening]:
    """Counters whose units hold a statement and therefore end with a COMMIT of their own."""
    streams = counters(store)
    streams.statements = lambda _event, _stream: (Statement(sql="select 1"),)
    return streams


@pytest.mark.parametrize("in_transaction", [False, True], ids=["one call", "COMMIT of its own"])
@pytest.mark.parametrize("loss", Loss)
@pytest.mark.parametrize("repetitions", [REPETITIONS, THOUSAND])
async def test_a_lost_answer_is_read_back(lossy: Lossy, repetitions: int, loss: Loss, in_transaction: bool) -> None:
    store, proxy = lossy
    streams = showing(store) if in_transaction else counters(store)
    stream = uuid4()
    for total in range(1, repetitions + 1):
        call = request()
        proxy.lose(b"COMMIT;" if in_transaction else call.digest, loss)
        if loss is Loss.AFTER:
            done = await streams.transact(stream, call, count_one)
        else:
            with pytest.raises(Unavailable):
                await streams.transact(stream, call, count_one)
            assert await store.command(CommandKey(call.request_id, stream, call.actor, call.kind)) is None
            done = await streams.transact(stream, call, count_one)
        again = await streams.transact(stream, call, count_one)
        assert proxy.losses == total
        assert (list(again.events), again.position) == (list(done.events), done.position)
        assert done.position == total
        assert (await streams.load(stream)).version == total


@pytest.mark.parametrize("loss", Loss)
async def test_a_consumed_position_tells_how_a_unit_ended(lossy: Lossy, loss: Loss) -> None:
    store, proxy = lossy
    for last in range(REPETITIONS):
        told = write(uuid4(), None, new_event())
        gate = Gate(consumer="c", source="s", partition=0, last=last, position=last + 1)
        unit = Unit(writes=(told,), gate=gate, statements=(Statement(sql="select 1"),))
        proxy.lose(b"COMMIT;", loss)
        if loss is Loss.BEFORE:
            with pytest.raises(Unavailable):
                await store.commit(unit)
        await store.commit(unit)
        with pytest.raises(GateClosed):
            await store.commit(unit)
        assert await store.consumed("c") == {("s", 0): last + 1}
    assert len(await store.after(0, 1_000)) == REPETITIONS


async def test_a_unit_that_leaves_no_proof_is_not_called_stored(lossy: Lossy) -> None:
    store, proxy = lossy
    told = write(uuid4(), 0, new_event())
    await store.commit(Unit(writes=(told,)))
    proxy.lose(b"COMMIT;", Loss.BEFORE)
    with pytest.raises(Unavailable):
        await store.commit(Unit(writes=(told,), statements=(Statement(sql="select 1"),)))
    proxy.lose(b"COMMIT;", Loss.AFTER)
    with pytest.raises(Unavailable):
        await store.commit(Unit(statements=(Statement(sql="select 1"),)))


async def test_a_server_process_killed_in_the_middle(
    lossy: Lossy, admin: asyncpg.Connection, postgres: PostgresDatabase
) -> None:
    store, _ = lossy
    streams, stream = counters(store), uuid4()
    for total in range(1, REPETITIONS + 1):
        call = request()
        await admin.execute("select pg_advisory_lock(log_key())")
        calling = asyncio.create_task(streams.transact(stream, call, count_one))
        victim = await _waiting_for_the_log(postgres)
        await admin.execute("select pg_terminate_backend($1, 5000)", victim)
        await admin.execute("select pg_advisory_unlock(log_key())")
        with pytest.raises(Unavailable):
            await calling
        done = await streams.transact(stream, call, count_one)
        assert (done.repeated, done.position) == (False, total)


async def _waiting_for_the_log(postgres: PostgresDatabase) -> int:
    """The server process that waits for the log's lock, as soon as there is one."""
    onlooker = await asyncpg.connect(postgres.admin_dsn)
    try:
        async with asyncio.timeout(10):
            while True:
                pid: int | None = await onlooker.fetchval(
                    """select l.pid from pg_locks l join pg_database d on d.oid = l.database
                       where l.locktype = 'advisory' and not l.granted and d.datname = current_database()"""
                )
                if pid is not None:
                    return pid
    finally:
        await onlooker.close()


async def test_the_commit_still_under_way_is_waited_for(lossy: Lossy, admin: asyncpg.Connection) -> None:
    """The connection is lost while the server has not finished: reading back must not overtake it."""
    store, proxy = lossy
    assert await store.consumed("c") == {}
    told = write(uuid4(), 0, new_event(), digest=b"the digest that is looked for")
    gate = Gate(consumer="c", source="s", partition=0, last=0, position=1)
    transaction = admin.transaction()
    await transaction.start()
    await admin.execute("select pass_gate('c', 's', 0, 0, 1)")
    proxy.lose(told.digest, Loss.BEFORE)
    committing = asyncio.create_task(store.commit(Unit(gate=gate, writes=(told,))))
    async with asyncio.timeout(10):
        while proxy.losses == 0:
            await asyncio.sleep(0.01)
        while not await admin.fetchval("select exists (select from pg_locks where not granted)"):
            await asyncio.sleep(0.01)
    assert not committing.done()
    await transaction.rollback()
    with pytest.raises(Unavailable):
        await committing
