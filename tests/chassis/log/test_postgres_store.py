"""What only PostgreSQL can show: who may do what, what is undone, who is woken, what is said when it is away."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

import careloop.chassis
from careloop.chassis.log.connections import Timeouts
from careloop.chassis.log.listener import LogListener
from careloop.chassis.log.postgres import NotDurable, PostgresEventStore
from careloop.chassis.log.protocol import Gate, Statement, Unit
from careloop.kernel.errors import Unavailable
from careloop.local.ports import Ports
from tests.support.histories.writes import due_row, new_event, store_one, write
from tests.support.stack import PostgresDatabase
from tests.support.waiting import until

SCHEMA = "assessment"


@pytest.fixture
async def store(postgres: PostgresDatabase) -> AsyncIterator[PostgresEventStore]:
    async with PostgresEventStore.open(postgres.dsn(SCHEMA), SCHEMA) as opened:
        yield opened


@pytest.fixture
async def admin(postgres: PostgresDatabase) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(postgres.admin_dsn, server_settings={"search_path": SCHEMA})
    yield connection
    await connection.close()


async def test_a_failed_statement_undoes_the_unit_and_leaves_no_gap(store: PostgresEventStore) -> None:
    stream = uuid4()
    gate = Gate(consumer="c", source="s", partition=0, last=0, position=1)
    for failing in ("select 1 / 0", "insert into commands (command_id) values (null)"):
        unit = Unit(writes=(write(stream, 0, new_event()),), gate=gate, statements=(Statement(sql=failing),))
        with pytest.raises(asyncpg.PostgresError):
            await store.commit(unit)
    await store_one(store, write(stream, 0, new_event()))
    assert [event.meta.position for event in await store.after(0, 10)] == [1]
    assert await store.consumed("c") == {}


async def test_statements_run_in_order_after_the_writes(store: PostgresEventStore) -> None:
    told = write(uuid4(), 0, new_event(), due=(due_row(),))
    change = "update due set kind = kind || $1 where exists (select from events where command_id = $2)"
    statements = tuple(Statement(sql=change, args=(mark, told.command_id)) for mark in "abc")
    await store.commit(Unit(writes=(told,), statements=statements))
    assert await store.connections.fetchval("select kind from due") == "escalateabc"


@pytest.mark.parametrize("change", ["update events set topic = 'x'", "delete from events", "truncate events"])
async def test_stored_events_are_never_changed(
    store: PostgresEventStore, admin: asyncpg.Connection, change: str
) -> None:
    await store_one(store, write(uuid4(), 0, new_event()))
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
        await store.connections.fetch(change)
    for role in ("none", "migrator"):
        await admin.execute(f"set role {role}")
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="never changed"):
            await admin.execute(change)
    await admin.execute("reset role")
    await admin.execute("set session_replication_role = replica")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="never changed"):
        await admin.execute(change)
    assert len(await store.after(0, 10)) == 1


@pytest.mark.parametrize(
    "attempt",
    [
        "create table mine ()",
        "alter table events disable trigger all",
        "drop table commands",
        "create or replace function log_key() returns bigint language sql as 'select 1::bigint'",
        "delete from commands",
        "update commands set digest = ''",
        "delete from decided_commands",
        "update decided_commands set digest = ''",
        "delete from due",
        "insert into schema_migrations values ('9')",
        "set session_replication_role = replica",
        "select * from prescribing.events",
    ],
)
async def test_the_runtime_role_may_do_no_more_than_it_must(store: PostgresEventStore, attempt: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await store.connections.fetch(attempt)


async def test_the_log_of_each_schema_has_its_own_lock_and_positions(
    store: PostgresEventStore, postgres: PostgresDatabase, admin: asyncpg.Connection
) -> None:
    async with (
        asyncio.timeout(10),
        PostgresEventStore.open(postgres.dsn("monitoring"), "monitoring") as other,
        admin.transaction(),
    ):
        await admin.execute("select pg_advisory_xact_lock(assessment.log_key())")
        assert (await store_one(other, write(uuid4(), 0, new_event()))).command.last_position == 1
    assert (await store.head()).position == 0


async def test_a_commit_of_another_process_wakes_who_waits(
    store: PostgresEventStore, postgres: PostgresDatabase, admin: asyncpg.Connection
) -> None:
    async with asyncio.timeout(20), PostgresEventStore.open(postgres.dsn(SCHEMA), SCHEMA) as other:
        await _until_listening(admin, 2)
        await store_one(other, write(uuid4(), 0, new_event()))
        await _until_told(store, 0)
        assert len(await admin.fetch(f"select pg_terminate_backend(pid, 5000) {_LISTENERS}")) == 2
        await _until_listening(admin, 2)
        await store_one(other, write(uuid4(), 0, new_event()))
        await _until_told(store, 1)
        assert (await store.head()).position == 2


_LISTENERS = """from pg_stat_activity where datname = current_database() and application_name like '%listener'
    and state = 'idle' and query <> ''"""


async def _until_listening(admin: asyncpg.Connection, count: int) -> None:
    while len(await admin.fetch(f"select pid {_LISTENERS}")) != count:
        await asyncio.sleep(0.02)


async def _until_told(store: PostgresEventStore, position: int) -> None:
    """Two waits: the first may end because the connection is new, the second only ends by a notification."""
    await store.wait_for_more(position, 60)
    await store.wait_for_more(position, 60)


async def test_a_listener_hears_of_its_connection_s_end_without_asking(
    store: PostgresEventStore, admin: asyncpg.Connection
) -> None:
    listener = LogListener(partial(store.connections.connect, "listener"), f"{SCHEMA}_events", probe_seconds=600)
    running = asyncio.create_task(listener.run())
    try:
        async with asyncio.timeout(20):
            await _until_listening(admin, 2)
            await admin.fetch(f"select pg_terminate_backend(pid, 5000) {_LISTENERS}")
            await _until_listening(admin, 2)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_process_that_stops_in_a_transaction_loses_the_lock(
    store: PostgresEventStore, postgres: PostgresDatabase
) -> None:
    timeouts = Timeouts(acquire=0.2, statement=0.6)
    async with asyncio.timeout(20), PostgresEventStore.open(postgres.dsn(SCHEMA), SCHEMA, timeouts=timeouts) as stopped:
        connection = await stopped.connections.connect()
        try:
            await connection.execute("begin; select pg_advisory_xact_lock(log_key())")
            assert not (await store_one(store, write(uuid4(), 0, new_event()))).repeated
        finally:
            connection.terminate()


async def test_connections_that_died_are_replaced(store: PostgresEventStore, admin: asyncpg.Connection) -> None:
    await store_one(store, write(uuid4(), 0, new_event()))
    await admin.execute(
        """select pg_terminate_backend(pid, 5000) from pg_stat_activity
           where datname = current_database() and pid <> pg_backend_pid()"""
    )
    async with asyncio.timeout(10):
        while True:
            try:
                await store.head()
                break
            except Unavailable:
                await asyncio.sleep(0.02)
    assert (await store_one(store, write(uuid4(), 0, new_event()))).command.last_position == 2


async def test_a_server_that_is_away_is_unavailable_in_time(tmp_path: Path) -> None:
    port = Ports(tmp_path / "ports.json").take("nobody")
    timeouts = Timeouts(acquire=0.5, statement=1, resolve=0.5)
    async with (
        asyncio.timeout(10),
        PostgresEventStore.open(f"postgres://u@127.0.0.1:{port}/d", SCHEMA, timeouts=timeouts) as store,
    ):
        for call in (store.head(), store_one(store, write(uuid4(), 0, new_event())), store.schema_version()):
            with pytest.raises(Unavailable):
                await call
        await store.wait_for_more(0, 0.01)


async def test_waiting_for_a_connection_or_a_lock_ends_in_time(
    postgres: PostgresDatabase, admin: asyncpg.Connection
) -> None:
    timeouts = Timeouts(acquire=0.2, statement=0.6, resolve=0.2)
    async with (
        asyncio.timeout(10),
        PostgresEventStore.open(postgres.dsn(SCHEMA), SCHEMA, timeouts=timeouts, pool_size=1) as store,
    ):
        async with admin.transaction():
            await admin.execute("select pg_advisory_xact_lock(log_key())")
            calls = [store_one(store, write(uuid4(), 0, new_event())) for _ in range(3)]
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
        assert (await store_one(store, write(uuid4(), 0, new_event()))).command.last_position == 1


def test_waits_nest() -> None:
    with pytest.raises(ValueError, match="acquiring"):
        Timeouts(acquire=5, statement=5)


async def test_an_abandoned_call_gives_its_connection_back(
    postgres: PostgresDatabase, admin: asyncpg.Connection
) -> None:
    async with PostgresEventStore.open(postgres.dsn(SCHEMA), SCHEMA, pool_size=1) as store:
        for last in range(5):
            gate = Gate(consumer="c", source="s", partition=0, last=last, position=last + 1)
            async with admin.transaction():
                await admin.execute("select pg_advisory_xact_lock(log_key())")
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await store.commit(Unit(writes=(write(uuid4(), 0, new_event()),), gate=gate))
            await store.commit(Unit(gate=gate))
        assert (await store_one(store, write(uuid4(), 0, new_event()))).command.last_position == 1


async def test_a_caller_that_gives_up_while_it_waits_leaves_nothing_behind(
    store: PostgresEventStore, admin: asyncpg.Connection
) -> None:
    """The first leaves for the server at once; the others, of the same stream, wait behind it and are abandoned."""
    stream = uuid4()
    writes = [write(stream, None, new_event()) for _ in range(5)]
    async with admin.transaction():
        await admin.execute("select pg_advisory_xact_lock(log_key())")
        first = asyncio.create_task(store_one(store, writes[0]))
        await until(lambda: waits_for_the_log(admin))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await asyncio.gather(*(store_one(store, each) for each in writes[1:]))
    await first
    await store_one(store, writes[4])
    assert [event.meta.command_id for event in await store.after(0, 10)] == [
        writes[0].command_id,
        writes[4].command_id,
    ]


async def waits_for_the_log(admin: asyncpg.Connection) -> bool:
    return bool(
        await admin.fetchval("select exists (select from pg_locks where locktype = 'advisory' and not granted)")
    )


async def test_a_server_that_may_forget_is_refused(
    store: PostgresEventStore, postgres: PostgresDatabase, admin: asyncpg.Connection
) -> None:
    await store.check_durability()
    await admin.execute(f"alter role {SCHEMA} in database {postgres.name} set synchronous_commit = off")
    async with PostgresEventStore.open(postgres.dsn(SCHEMA), SCHEMA) as forgetful:
        with pytest.raises(NotDurable, match="synchronous_commit"):
            await forgetful.check_durability()


async def test_the_schema_version_is_that_of_the_newest_migration(store: PostgresEventStore) -> None:
    common = Path(careloop.chassis.__file__).parent / "migrations"
    newest = max(file.name.split("_")[0] for file in common.glob("*.sql"))
    assert await store.schema_version() >= newest
