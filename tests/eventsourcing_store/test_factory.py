"""What the environment says, and what the role may do."""

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from eventsourcing.persistence import OperationalError, PersistenceError, ProgrammingError, Tracking
from eventsourcing.utils import Environment, get_topic, register_topic

from careloop.eventsourcing_store import (
    CareloopApplicationRecorder,
    CareloopFactory,
    CareloopProcessRecorder,
    CareloopTrackingRecorder,
)
from tests.support.library import OwnSchema, bare

PASSWORDS: list[str] = []


class OwnApplicationRecorder(CareloopApplicationRecorder):
    pass


class OwnProcessRecorder(CareloopProcessRecorder):
    pass


def give_password() -> str:
    PASSWORDS.append("given")
    return PASSWORDS[-1]


@pytest.mark.parametrize("missing", ["POSTGRES_DBNAME", "POSTGRES_HOST", "POSTGRES_USER", "POSTGRES_PASSWORD"])
def test_what_is_missing_is_named(schema: OwnSchema, missing: str) -> None:
    told = {name: value for name, value in schema.environment.items() if name != missing}
    with pytest.raises(OSError, match=missing):
        CareloopFactory(told)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POSTGRES_PORT", "five"),
        ("POSTGRES_CONNECT_TIMEOUT", "soon"),
        ("POSTGRES_CONN_MAX_AGE", "old"),
        ("POSTGRES_POOL_SIZE", "many"),
        ("POSTGRES_MAX_OVERFLOW", "1.5"),
        ("POSTGRES_LOCK_TIMEOUT", "x"),
        ("POSTGRES_IDLE_IN_TRANSACTION_SESSION_TIMEOUT", "x"),
        ("ORIGINATOR_ID_TYPE", "text"),
        ("SINGLE_ROW_TRACKING", "n"),
    ],
)
def test_what_cannot_be_served_is_named(schema: OwnSchema, name: str, value: str) -> None:
    with pytest.raises(OSError, match=name):
        CareloopFactory({**schema.environment, name: value})


def test_an_application_s_own_variables_go_first(schema: OwnSchema) -> None:
    told = {**schema.environment, "POSTGRES_PORT": "1", "SHOP_POSTGRES_PORT": schema.environment["POSTGRES_PORT"]}
    with CareloopFactory(Environment("Shop", told)) as factory:
        assert factory.application_recorder().insert_events([bare(0)]) == [1]
    assert schema.rows(f"select count(*) from {schema.name}.shop_events") == [(1,)]


def test_the_password_may_be_asked_for_at_every_connection(schema: OwnSchema) -> None:
    register_topic("tests:give_password", give_password)
    told = {**schema.environment, "POSTGRES_GET_PASSWORD_TOPIC": "tests:give_password"}
    del told["POSTGRES_PASSWORD"]
    with CareloopFactory(told) as factory:
        factory.application_recorder()
    assert PASSWORDS


def test_recorder_classes_may_be_one_s_own(schema: OwnSchema) -> None:
    told = {
        **schema.environment,
        "APPLICATION_RECORDER_TOPIC": get_topic(OwnApplicationRecorder),
        "PROCESS_RECORDER_TOPIC": get_topic(OwnProcessRecorder),
    }
    with CareloopFactory(told) as factory:
        assert type(factory.application_recorder()) is OwnApplicationRecorder
        assert type(factory.process_recorder()) is OwnProcessRecorder


def test_recorder_classes_of_another_store_are_refused(schema: OwnSchema) -> None:
    told = {**schema.environment, "TRACKING_RECORDER_TOPIC": "eventsourcing.popo:POPOTrackingRecorder"}
    with CareloopFactory(told) as factory, pytest.raises(TypeError, match="CareloopTrackingRecorder"):
        factory.tracking_recorder()


def test_without_a_server_it_says_so(schema: OwnSchema) -> None:
    told = {**schema.environment, "POSTGRES_PORT": "1"}
    with CareloopFactory(told) as factory, pytest.raises(OperationalError, match="no answer"):
        factory.application_recorder()


def test_what_the_client_cannot_use_is_not_tried_again(schema: OwnSchema, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLMODE", "perhaps")
    with CareloopFactory(schema.environment) as factory, pytest.raises(ProgrammingError, match="sslmode"):
        factory.application_recorder()


def test_without_tables_it_says_so(schema: OwnSchema) -> None:
    with CareloopFactory({**schema.environment, "CREATE_TABLE": "n"}) as factory:
        recorder = factory.process_recorder()
        with pytest.raises(ProgrammingError):
            recorder.insert_events([bare(0)])
        with pytest.raises(ProgrammingError):
            recorder.select_notifications(1, 10)
        with pytest.raises(ProgrammingError):
            recorder.max_tracking_id("upstream")


def test_tables_are_made_once_whoever_asks_at_the_same_time(schema: OwnSchema) -> None:
    def begin(_: int) -> int | None:
        with CareloopFactory(schema.environment) as factory:
            recorder = factory.process_recorder()
            recorder.insert_events([bare(0)])
            position: int | None = recorder.max_notification_id()
            return position

    with ThreadPoolExecutor(8) as pool:
        assert max(filter(None, pool.map(begin, range(8)))) == 8


def test_a_role_that_may_only_append_is_enough(schema: OwnSchema) -> None:
    with CareloopFactory(schema.environment) as owner:
        owner.process_recorder()
    role = f"{schema.role}_runtime"
    for statement in (
        f'create role "{role}" login',
        f'grant connect on database "{schema.database.name}" to "{role}"',
        f'grant usage on schema "{schema.name}" to "{role}"',
        f'grant select, insert on "{schema.name}".stored_events to "{role}"',
        f'grant select, insert, update on "{schema.name}".notification_tracking to "{role}"',
    ):
        schema.execute(statement)
    with CareloopFactory({**schema.environment, "POSTGRES_USER": role, "CREATE_TABLE": "n"}) as factory:
        recorder = factory.process_recorder()
        assert recorder.insert_events([bare(0)], tracking=Tracking("upstream", 1)) == [1]
        with recorder.subscribe() as subscription:
            assert next(subscription).id == 1
        with pytest.raises(PersistenceError):
            recorder.create_table()


def test_a_lock_held_longer_than_the_lock_timeout_is_asked_for_again(schema: OwnSchema) -> None:
    with CareloopFactory({**schema.environment, "POSTGRES_LOCK_TIMEOUT": "1"}) as factory:
        recorder = factory.application_recorder()
        with psycopg.connect(schema.database.admin_dsn) as other, ThreadPoolExecutor(1) as pool:
            name = f'careloop log "{schema.name}"."stored_events"'
            other.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
            begun = time.monotonic()
            inserted = pool.submit(recorder.insert_events, [bare(0)])
            with pytest.raises(TimeoutError):
                inserted.result(1.3)
            other.rollback()
            assert inserted.result(5) == [1]
            assert time.monotonic() - begun > 1.3


def test_a_view_s_transaction_is_all_or_nothing(factory: CareloopFactory, caplog: pytest.LogCaptureFixture) -> None:
    view = factory.tracking_recorder(CareloopTrackingRecorder)

    def process(then: str) -> None:
        with view.datastore.transaction() as transaction:
            view.track(transaction, Tracking("upstream", 1))
            assert transaction.fetch(then)[0][0] == 1

    with pytest.raises(ProgrammingError):
        process("select no_such_column")
    with pytest.raises(AssertionError):
        process("select 2")
    assert view.max_tracking_id("upstream") is None
    process("select 1")
    assert view.max_tracking_id("upstream") == 1
    assert not caplog.records
