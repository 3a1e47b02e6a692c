"""A service's log is written by that service alone, whoever asks through the library."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import InfrastructureFactory, IntegrityError, PersistenceError, ProgrammingError
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresFactory

from careloop.eventsourcing_store import (
    CareloopAggregateRecorder,
    CareloopApplicationRecorder,
    CareloopFactory,
    CareloopProcessRecorder,
    CareloopTrackingRecorder,
    Datastore,
)
from careloop.eventsourcing_store.tables import LogTable, make
from tests.support.library import OwnSchema, bare, environment
from tests.support.stack import PostgresDatabase

SERVICE = "assessment"
_LIBRARY = "eventsourcing.postgres"


@pytest.fixture(params=["the service's role", "superuser"])
def dsn(request: pytest.FixtureRequest, database: PostgresDatabase) -> str:
    return database.dsn(SERVICE) if request.param == "the service's role" else database.admin_dsn


@pytest.fixture(autouse=True)
def _unchanged(database: PostgresDatabase) -> Iterator[None]:
    """Whatever a test tries: afterwards the service's schema has the same rows, tables, columns and functions."""
    before = _everything(database)
    yield
    assert _everything(database) == before


def _everything(database: PostgresDatabase) -> list[list[tuple[Any, ...]]]:
    with psycopg.connect(database.admin_dsn) as server:
        return [
            server.execute(sql).fetchall()
            for sql in (
                b"select * from assessment.events",
                b"select relname from pg_class where relnamespace = 'assessment'::regnamespace order by 1",
                b"""select table_name, column_name, column_default from information_schema.columns
                    where table_schema = 'assessment' order by 1, 2""",
                b"select proname from pg_proc where pronamespace = 'assessment'::regnamespace order by 1",
            )
        ]


@pytest.mark.parametrize("create_table", ["y", "n"])
@pytest.mark.parametrize("make_one", ["aggregate", "application", "tracking", "process"])
def test_this_module_refuses_its_schema(dsn: str, create_table: str, make_one: str) -> None:
    told = {**environment(dsn, SERVICE), "CREATE_TABLE": create_table}
    with CareloopFactory(told) as factory, pytest.raises(ProgrammingError, match="log of a service"):
        getattr(factory, f"{make_one}_recorder")()


def test_an_application_cannot_even_be_made_there(dsn: str) -> None:
    with pytest.raises(ProgrammingError, match="log of a service"):
        Application[UUID](environment(dsn, SERVICE))


def test_a_recorder_named_after_the_service_s_table_is_refused(dsn: str) -> None:
    with CareloopFactory(environment(dsn, SERVICE)) as factory:
        for cls in (CareloopAggregateRecorder, CareloopApplicationRecorder, CareloopProcessRecorder):
            with pytest.raises(ProgrammingError, match="log of a service"):
                cls(factory.datastore, events_table_name="events")
        with pytest.raises(ProgrammingError, match="log of a service"):
            CareloopTrackingRecorder(factory.datastore, tracking_table_name="consumed_positions")


def test_without_that_refusal_the_role_has_no_right(database: PostgresDatabase) -> None:
    with CareloopFactory(environment(database.dsn(SERVICE), SERVICE)) as factory:
        datastore: Datastore = factory.datastore
        with pytest.raises(ProgrammingError, match="permission denied"):
            make(datastore, LogTable(SERVICE, "events"))


def test_a_role_of_one_s_own_has_no_right_there(schema: OwnSchema) -> None:
    with CareloopFactory({**schema.environment, "POSTGRES_SCHEMA": SERVICE}) as factory:
        with pytest.raises(ProgrammingError):
            factory.application_recorder()
        with pytest.raises(ProgrammingError):
            factory.datastore.fetch("select * from assessment.events")


@pytest.mark.parametrize("fast", ["y", "n"])
def test_the_library_s_own_module_cannot_write_it(database: PostgresDatabase, fast: str) -> None:
    told = {
        **environment(database.dsn(SERVICE), SERVICE, module=_LIBRARY),
        "CREATE_TABLE": "n",
        "POSTGRES_ENABLE_DB_FUNCTIONS": fast,
    }
    with InfrastructureFactory.construct(told) as factory:
        assert isinstance(factory, PostgresFactory)
        recorder = PostgresApplicationRecorder(factory.datastore, events_table_name="events")
        with pytest.raises(PersistenceError):
            recorder.insert_events([bare(1)])
        with pytest.raises(PersistenceError):
            recorder.create_table()
        with pytest.raises(PersistenceError):
            recorder.insert_events([bare(1)])


def test_the_library_s_own_module_cannot_make_tables_beside_it(database: PostgresDatabase) -> None:
    with pytest.raises(PersistenceError):
        Application[UUID](environment(database.dsn(SERVICE), SERVICE, module=_LIBRARY))


def test_the_library_s_own_module_reads_our_log_and_cannot_write_it(schema: OwnSchema) -> None:
    with Application[UUID](schema.environment) as ours:
        ours.save(Aggregate())
        told = {**schema.environment, "PERSISTENCE_MODULE": _LIBRARY}
        with Application[UUID](told) as theirs:
            assert [item.id for item in theirs.notification_log["1,10"].items] == [1]
            with pytest.raises(IntegrityError):
                theirs.save(Aggregate())
        assert [recording.notification.id for recording in ours.save(Aggregate())] == [2]


def test_a_table_that_the_library_made_is_not_taken_for_ours(schema: OwnSchema) -> None:
    told = {**schema.environment, "PERSISTENCE_MODULE": _LIBRARY}
    with Application[UUID](told) as theirs:
        theirs.save(Aggregate())
    with pytest.raises(ProgrammingError, match="form"):
        Application[UUID](schema.environment)
    assert schema.rows(f"select count(*) from {schema.name}.application_events") == [(1,)]
