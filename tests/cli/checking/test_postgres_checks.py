"""`careloop check` against a PostgreSQL with one thing wrong: it names the fault and what mends it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg
import pytest

from careloop.cli.checking import postgres as checks
from careloop.cli.checking.findings import Finding, Level, Topic
from tests.support.stack import PostgresDatabase, run


def look(database: PostgresDatabase, url: str = "", partitions: int = 6) -> list[Finding]:
    return run(checks.look(url or database.admin_dsn, partitions))


def wrong(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(one.check, one.about, str(one.level)) for one in findings if one.level is not Level.OK]


@contextmanager
def planted(database: PostgresDatabase, fault: str, mend: str = "select 1") -> Iterator[None]:
    """Roles belong to the whole server, so what is done to one is undone."""
    with psycopg.connect(database.admin_dsn, autocommit=True) as admin:
        try:
            for statement in fault.split(";"):
                admin.execute(statement.encode())
            yield
        finally:
            for statement in mend.split(";"):
                admin.execute(statement.encode())


def test_a_database_as_it_is_made_has_nothing_wrong(postgres: PostgresDatabase) -> None:
    findings = look(postgres)
    assert wrong(findings) == []
    assert len(findings) > 50


FAULTS = {
    "privileges": (
        "grant update on monitoring.events to monitoring",
        "revoke update, delete, truncate on monitoring.events from monitoring",
    ),
    "privileges-enough": (
        "revoke insert on monitoring.events from monitoring",
        "grant select, insert on monitoring.events to monitoring",
    ),
    "events-protected": (
        "alter table monitoring.events disable trigger events_are_never_changed",
        "alter table monitoring.events enable always trigger events_are_never_changed",
    ),
    "schema-access": (
        "grant usage on schema prescribing to monitoring",
        "revoke usage on schema prescribing from monitoring, public",
    ),
    "schema-version": (
        (
            "delete from monitoring.schema_migrations"
            " where version = (select max(version) from monitoring.schema_migrations)"
        ),
        "run `careloop migrate`",
    ),
    "schema-exists": ("drop schema monitoring cascade", "run `careloop migrate` with an administrator's address"),
    "relay-partitions": (
        "insert into monitoring.relay_checkpoint values (true, 1, 0, 3, array[0, 0, 0])",
        "set CARELOOP_PARTITIONS=3; how to change it: docs/operate/change.md",
    ),
}


@pytest.mark.parametrize("check", FAULTS)
def test_a_fault_in_a_schema_is_named_with_what_mends_it(postgres: PostgresDatabase, check: str) -> None:
    fault, fix = FAULTS[check]
    with planted(postgres, fault):
        findings = look(postgres)
    assert wrong(findings) == [(check, "monitoring", "failure")]
    assert [one.fix for one in findings if one.level is not Level.OK] == [fix]


ROLES = {
    "role-powers": ("alter role monitoring createdb", "alter role monitoring nocreatedb"),
    "role-settings": (
        "alter role monitoring set synchronous_commit = off",
        "alter role monitoring reset synchronous_commit",
    ),
}


@pytest.mark.parametrize("check", ROLES)
def test_what_a_fix_says_mends_the_fault_of_a_role(postgres: PostgresDatabase, check: str) -> None:
    fault, mend = ROLES[check]
    with planted(postgres, fault, mend):
        (found,) = [one for one in look(postgres) if one.level is not Level.OK]
        assert (found.check, found.about, found.fix) == (check, "monitoring", mend)
        with psycopg.connect(postgres.admin_dsn, autocommit=True) as admin:
            admin.execute(found.fix.encode())
        assert wrong(look(postgres)) == []


def test_a_role_that_may_act_as_another_is_named(postgres: PostgresDatabase) -> None:
    with planted(postgres, "grant prescribing to monitoring", "revoke prescribing from monitoring"):
        (found,) = [one for one in look(postgres) if one.check == "role-powers" and one.level is not Level.OK]
    assert found.fix == "revoke prescribing from monitoring"


def test_a_database_that_admits_everybody_is_a_warning(postgres: PostgresDatabase) -> None:
    with planted(postgres, f'grant connect on database "{postgres.name}" to public'):
        assert wrong(look(postgres)) == [("database-public", "server", "warning")]


def test_other_partitions_than_those_it_sent_to_are_found_before_a_service_starts(postgres: PostgresDatabase) -> None:
    fault, _fix = FAULTS["relay-partitions"]
    with planted(postgres, fault):
        assert wrong(look(postgres, partitions=3)) == []


def test_a_server_that_is_away_is_one_finding(postgres: PostgresDatabase) -> None:
    (found,) = look(postgres, "postgresql://postgres@127.0.0.1:1/careloop")
    assert (found.check, found.level) == ("database-reachable", Level.FAILURE)
    assert "CARELOOP_POSTGRES_URL" in found.fix


SAFE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}


def judged(changes: Mapping[str, str] = SAFE, *, version: int = 18, most: int = 200) -> list[tuple[str, str]]:
    found = checks.judge_server(Topic("postgres", "server"), version, {**SAFE, **changes}, most)
    return [(one.check, one.fix) for one in found if one.level is not Level.OK]


def test_a_safe_server_is_well() -> None:
    assert judged() == []


@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit", "full_page_writes"])
def test_a_server_that_may_forget_is_a_failure(setting: str) -> None:
    assert judged({setting: "off"}) == [("database-durable", f"set {setting}=on: services are not ready meanwhile")]


@pytest.mark.parametrize(
    ("setting", "value", "safe"),
    [
        ("log_statement", "all", "none"),
        ("log_min_duration_statement", "0", "-1"),
        ("log_min_error_statement", "error", "panic"),
        ("log_error_verbosity", "default", "terse"),
        ("log_parameter_max_length_on_error", "-1", "0"),
    ],
)
def test_a_server_whose_log_would_hold_patients_data_is_a_failure(setting: str, value: str, safe: str) -> None:
    assert judged({setting: value}) == [("database-log", f"set {setting}={safe}")]


def test_an_old_server_and_one_with_few_connections_are_named() -> None:
    assert [check for check, _fix in judged(version=17)] == ["database-version"]
    assert [check for check, _fix in judged(most=59)] == ["connections-enough"]
    assert judged(most=60) == []
