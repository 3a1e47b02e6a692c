"""A backup of a database that is written to meanwhile, and a database made of it."""

import asyncio
import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import psycopg
import pytest

from careloop.cli.checking import postgres as checks
from careloop.cli.checking.findings import Level
from careloop.cli.checking.recovery import Places, judge
from careloop.local.backups import BackupFailed, back_up, environment, manifest_of, restore
from careloop.local.schemas import address
from careloop.local.settings import SERVICES
from tests.support.stack import PostgresDatabase

NOBODYS = dict.fromkeys(SERVICES, 0)
_RECORD = """
    insert into monitoring.events (originator_id, originator_version, topic, state, notification_id, event_id,
        occurred_at, recorded_at, correlation_id, actor, command_id)
    values ($1, 1, 'monitoring.DoseRecorded.v1', $2, $3, $4, now(), now(), $1, 'somebody', $5)"""


async def record(connection: asyncpg.Connection, position: int) -> None:
    await connection.execute(_RECORD, uuid4(), b"x" * 2_000, position, uuid4(), str(uuid4()))


@contextmanager
def another(database: PostgresDatabase) -> Iterator[str]:
    """A name for a restored database, dropped afterwards."""
    name = f"restored_{uuid4().hex}"
    try:
        yield name
    finally:
        with psycopg.connect(database.admin_url, autocommit=True) as server:
            server.execute(f'drop database if exists "{name}" with (force)'.encode())


async def test_what_was_backed_up_under_load_is_restored_to_its_one_moment(
    postgres: PostgresDatabase, tmp_path: Path
) -> None:
    file = tmp_path / "careloop.dump"
    connection = await asyncpg.connect(postgres.admin_dsn)
    for position in range(1, 51):
        await record(connection, position)
    writing = asyncio.create_task(_write_on(connection, 51))
    manifest = await back_up(postgres.admin_dsn, file, bytes_a_second=2e6)
    writing.cancel()
    await asyncio.wait([writing])
    await connection.close()
    assert manifest.positions["monitoring"] >= 50
    assert json.loads(manifest_of(file).read_text())["positions"] == manifest.positions
    with another(postgres) as name:
        await restore(postgres.admin_url, file, database=name, passwords=lambda _role: None)
        restored = address(postgres.admin_url, database=name)
        with psycopg.connect(restored) as inside:
            row = inside.execute("select count(*), max(notification_id) from monitoring.events").fetchone()
        assert row == (manifest.positions["monitoring"],) * 2
        findings = await checks.look(restored, 6)
        assert [one for one in findings if one.level is not Level.OK] == []


async def _write_on(connection: asyncpg.Connection, position: int) -> None:
    while True:
        await record(connection, position)
        position += 1
        await asyncio.sleep(0)


async def test_a_backup_is_for_its_owner_and_a_changed_one_is_refused(
    postgres: PostgresDatabase, tmp_path: Path
) -> None:
    file = tmp_path / "careloop.dump"
    await back_up(postgres.admin_dsn, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with another(postgres) as name, pytest.raises(BackupFailed, match="changed, or cut short"):
        await restore(postgres.admin_url, file, database=name, passwords=lambda _role: None)


async def test_nothing_is_restored_over_a_database_that_exists(postgres: PostgresDatabase, tmp_path: Path) -> None:
    file = tmp_path / "careloop.dump"
    await back_up(postgres.admin_dsn, file)
    with pytest.raises(BackupFailed, match="exists"):
        await restore(postgres.admin_url, file, database=postgres.name, passwords=lambda _role: None)


async def test_a_backup_that_fails_leaves_no_file(postgres: PostgresDatabase, tmp_path: Path) -> None:
    file = tmp_path / "careloop.dump"
    with pytest.raises((BackupFailed, asyncpg.PostgresError)):
        await back_up(postgres.dsn("assessment"), file)
    assert list(tmp_path.iterdir()) == []


def test_a_password_is_given_to_no_programs_arguments() -> None:
    found = environment("postgresql://admin:p%40ss@db.example:5433/careloop?sslmode=verify-full&sslrootcert=/ca.crt")
    wanted = {
        "PGHOST": "db.example",
        "PGPORT": "5433",
        "PGUSER": "admin",
        "PGPASSWORD": "p@ss",
        "PGDATABASE": "careloop",
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": "/ca.crt",
    }
    assert wanted.items() <= found.items()


def wrong(
    heads: dict[str, int],
    topics: dict[tuple[str, int], int] | None = None,
    relayed: dict[str, int] | None = None,
    consumed: dict[tuple[str, str, int], int] | None = None,
) -> list[tuple[str, str]]:
    places = Places(heads=NOBODYS | heads, relayed=relayed or {}, topics=topics or {}, consumed=consumed or {})
    return [(one.check, one.about) for one in judge(places) if one.level is Level.FAILURE]


def test_a_topic_that_holds_what_a_restored_log_lost_is_a_failure() -> None:
    assert wrong({"monitoring": 7}, {("monitoring", 0): 7, ("monitoring", 1): 6}) == []
    beyond = {("monitoring", 0): 7, ("monitoring", 1): 8}
    assert wrong({"monitoring": 7}, beyond) == [("topic-beyond-log", "monitoring")]


def test_a_relay_and_a_consumer_that_are_further_than_a_log_are_failures() -> None:
    assert wrong({"monitoring": 7}, relayed={"monitoring": 8}) == [("relay-beyond-log", "monitoring")]
    consumed = {("coordination.care-view", "monitoring", 0): 8}
    assert wrong({"monitoring": 7}, consumed=consumed) == [("consumer-beyond-log", "monitoring")]
    assert wrong({"monitoring": 8}, consumed=consumed) == []
