"""`careloop migrate` and `careloop topics` against servers that others run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from careloop.chassis.operations.readiness import newest_migration
from careloop.cli.main import app
from careloop.local.local_stack import LocalStack
from careloop.local.schemas import address, migrations_of
from careloop.local.settings import DATABASE, SERVICES
from tests.support.stack import KafkaBroker, start_or_skip, temporary_stack


def careloop(*words: str, code: int = 0, **environment: str | None) -> Result:
    outcome = CliRunner().invoke(
        app, list(words), env={f"CARELOOP_{name}": value for name, value in environment.items()}
    )
    assert outcome.exit_code == code, outcome.output + repr(outcome.exception)
    return outcome


@pytest.fixture(scope="module")
def server() -> Iterator[LocalStack]:
    """A PostgreSQL of these tests' own: roles and passwords are the whole server's. It asks nobody for a password."""
    with temporary_stack(trusting=True) as stack:
        start_or_skip(stack.start_postgres())
        yield stack


@contextmanager
def database(server: LocalStack, name: str, owner: str = "postgres") -> Iterator[str]:
    with psycopg.connect(server.admin_url, autocommit=True) as admin:
        admin.execute(f'create database "{name}" owner {owner}'.encode())
        try:
            yield name
        finally:
            admin.execute(f'drop database if exists "{name}" with (force)'.encode())


def versions(url: str) -> dict[str, str]:
    with psycopg.connect(url) as connection:
        found = {}
        for service in SERVICES:
            exists = connection.execute("select to_regclass(%s)", (f"{service}.schema_migrations",)).fetchone()
            if exists != (None,):
                row = connection.execute(f"select max(version) from {service}.schema_migrations".encode()).fetchone()
                assert row is not None
                found[service] = row[0]
        return found


def newest(*services: str) -> dict[str, str]:
    return {service: newest_migration(migrations_of(service)) for service in services}


@pytest.mark.postgres
def test_an_administrator_makes_all_and_may_do_so_again(server: LocalStack, tmp_path: Path) -> None:
    (tmp_path / "assessment").write_text("a-word\n")
    with database(server, DATABASE):
        for _time in range(2):
            shown = careloop("migrate", "--passwords", str(tmp_path), POSTGRES_URL=server.admin_url, ROLE_PASSWORD=None)
            assert "coordination" in shown.output
        assert versions(address(server.admin_url)) == newest(*SERVICES)
        # The next release needs no administrator.
        careloop("migrate", "--no-roles", POSTGRES_URL=address(server.admin_url, user="migrator"))
    with psycopg.connect(server.admin_url) as admin:
        row = admin.execute("select rolname from pg_authid where rolpassword is not null").fetchall()
        assert row == [("assessment",)]


@pytest.mark.postgres
def test_the_owner_of_a_database_migrates_one_service_without_being_administrator(server: LocalStack) -> None:
    with database(server, "one_service", owner="migrator") as name:
        url = address(server.admin_url, user="migrator", database=name)
        careloop("migrate", "--no-roles", "--service", "monitoring", POSTGRES_URL=url)
        assert versions(address(server.admin_url, database=name)) == newest("monitoring")


@pytest.mark.postgres
def test_who_may_not_is_refused_in_one_sentence(server: LocalStack) -> None:
    url = address(server.admin_url, user="assessment", database="postgres")
    outcome = careloop("migrate", code=1, POSTGRES_URL=url)
    assert "PostgreSQL refused: permission denied" in str(outcome.exception)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ((), "CARELOOP_POSTGRES_URL"),
        (("--service", "x", "--no-roles"), "--service"),
        (("--service", "monitoring"), "--no-roles"),
    ],
)
def test_wrong_use_names_what_is_wrong(words: tuple[str, ...], named: str) -> None:
    url = None if not words else "postgresql://nobody@127.0.0.1:1/postgres"
    outcome = CliRunner().invoke(app, ["migrate", *words], env={"CARELOOP_POSTGRES_URL": url})
    assert outcome.exit_code in {1, 2}
    assert named in outcome.output + repr(outcome.exception)


def test_topics_are_made_once_and_keep_their_partitions(kafka: KafkaBroker) -> None:
    for _time in range(2):
        assert "care.heads.v1" in careloop("topics", "--partitions", "3", KAFKA_BOOTSTRAP=kafka.bootstrap).output
    refused = careloop("topics", "--partitions", "4", code=1, KAFKA_BOOTSTRAP=kafka.bootstrap)
    assert "3 partitions and 4 are wanted" in str(refused.exception)


def test_topics_need_a_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CARELOOP_KAFKA_BOOTSTRAP", raising=False)
    assert "CARELOOP_KAFKA_BOOTSTRAP" in str(careloop("topics", code=1).exception)
