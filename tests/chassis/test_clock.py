"""The clock of a local stack goes forwards only, and everyone who asks its file sees the same."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from careloop.chassis.clock import CLOCK_FILE, ClockRefused, ClockUnusable, SettableClock, clock_of
from careloop.chassis.log.postgres import PostgresEventStore
from careloop.chassis.process.settings import SettingsInvalid, read_settings
from careloop.local.settings import SERVICES
from tests.support.histories.writes import new_event, store_one, write
from tests.support.stack import PostgresDatabase

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
FORTNIGHT = timedelta(days=14)


def machine() -> datetime:
    return NOON


def clock(home: Path) -> SettableClock:
    return SettableClock(home / CLOCK_FILE, machine)


def test_a_clock_that_was_never_set_is_the_machines(tmp_path: Path) -> None:
    assert (clock(tmp_path)(), clock(tmp_path).ahead()) == (NOON, timedelta(0))


def test_all_who_ask_see_a_clock_that_is_set_whenever_they_began(tmp_path: Path) -> None:
    before = clock(tmp_path)
    clock(tmp_path).forward(FORTNIGHT)
    assert before() == clock(tmp_path)() == NOON + FORTNIGHT
    before.forward(timedelta(seconds=1))
    assert clock(tmp_path)() == NOON + FORTNIGHT + timedelta(seconds=1)
    before.move(NOON + 2 * FORTNIGHT)
    assert clock(tmp_path)() == NOON + 2 * FORTNIGHT


@pytest.mark.parametrize("to", [NOON, NOON + FORTNIGHT - timedelta(microseconds=1), NOON + timedelta(days=40_000)])
def test_a_clock_goes_neither_back_nor_beyond_a_hundred_years(tmp_path: Path, to: datetime) -> None:
    clock(tmp_path).forward(FORTNIGHT)
    with pytest.raises(ClockRefused):
        clock(tmp_path).move(to)
    assert clock(tmp_path)() == NOON + FORTNIGHT


@pytest.mark.parametrize("content", ["", "{", "[]", '{"ahead_seconds": "soon"}', '{"ahead_seconds": 1e300}', "{}"])
def test_a_file_that_says_nothing_is_refused_at_the_start_and_sets_nobody_back(tmp_path: Path, content: str) -> None:
    running = clock(tmp_path)
    running.forward(FORTNIGHT)
    (tmp_path / CLOCK_FILE).write_text(content)
    assert running() == NOON + FORTNIGHT
    with pytest.raises(ClockUnusable, match=CLOCK_FILE):
        clock(tmp_path)
    (tmp_path / CLOCK_FILE).unlink()
    assert running() == NOON + FORTNIGHT


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    clock_of(tmp_path).forward(FORTNIGHT)
    assert stat.S_IMODE((tmp_path / CLOCK_FILE).stat().st_mode) == 0o600


def test_only_a_local_stack_has_a_clock_of_its_own(tmp_path: Path) -> None:
    needed: dict[str, Any] = {
        "service": "prescribing",
        "postgres_dsn": "postgresql://",
        "kafka_bootstrap": "k:1",
        "grpc_port": 1,
        "http_port": 2,
        "token_keys_file": tmp_path / "keys",
        "service_key_file": tmp_path / "key",
        "clock_file": tmp_path / CLOCK_FILE,
    }
    assert read_settings(**needed, local=True).clock_file == tmp_path / CLOCK_FILE
    with pytest.raises(SettingsInvalid, match="CARELOOP_CLOCK_FILE is for a local stack only"):
        read_settings(**needed)


@pytest.mark.postgres
async def test_what_is_stored_is_stored_at_the_time_of_the_clock(postgres: PostgresDatabase, tmp_path: Path) -> None:
    moved = clock_of(tmp_path)
    async with PostgresEventStore.open(postgres.dsn("monitoring"), "monitoring", ahead=moved.ahead) as store:
        now = await store_one(store, write(uuid4(), 0, new_event()))
        moved.forward(FORTNIGHT)
        later = await store_one(store, write(uuid4(), 0, new_event()))
        assert FORTNIGHT <= later.command.recorded_at - now.command.recorded_at < FORTNIGHT + timedelta(minutes=1)
        asked = await store.connections.fetchval("select present_moment() - clock_timestamp()")
        assert abs(asked - FORTNIGHT) < timedelta(seconds=1)
    async with PostgresEventStore.open(postgres.dsn("monitoring"), "monitoring") as store:
        asked = await store.connections.fetchval("select present_moment() - clock_timestamp()")
        assert abs(asked) < timedelta(seconds=1), "a session that says nothing has the server's time"


_READS_THE_SERVER = """
    select p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = current_schema() and p.proname <> 'present_moment' and p.prosrc ~ 'clock_timestamp|now\\(\\)'
    union all
    select a.attname from pg_attrdef d
    join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
    join pg_class c on c.oid = d.adrelid join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = current_schema() and pg_get_expr(d.adbin, d.adrelid) ~ 'clock_timestamp|now\\(\\)'"""


@pytest.mark.postgres
@pytest.mark.parametrize("service", SERVICES)
async def test_no_function_of_the_store_asks_for_the_servers_time(postgres: PostgresDatabase, service: str) -> None:
    async with PostgresEventStore.open(postgres.dsn(service), service) as store:
        assert await store.connections.fetch(_READS_THE_SERVER) == []
