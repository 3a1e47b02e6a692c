"""What stands in the log: the columns of a service's, filled from what a bare event does not say."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from eventsourcing.persistence import DataError, IntegrityError, ProgrammingError, Tracking

from careloop.eventsourcing_store import CareloopApplicationRecorder, CareloopFactory, Datastore
from tests.support.library import OwnSchema, bare


def test_the_log_has_the_columns_of_a_service(schema: OwnSchema, recorder: CareloopApplicationRecorder) -> None:
    def columns(where: str) -> list[tuple[object, ...]]:
        return schema.rows(
            f"""select column_name, data_type, is_nullable, column_default from information_schema.columns
                where {where} order by ordinal_position"""
        )

    ours = columns(f"table_schema = '{schema.name}' and table_name = 'stored_events'")
    assert ours == columns("table_schema = 'assessment' and table_name = 'events'")
    assert len(ours) > 10


def test_what_a_bare_event_lacks_is_filled_in(schema: OwnSchema, recorder: CareloopApplicationRecorder) -> None:
    stream = uuid4()
    recorder.insert_events([bare(0, stream, state=b"\xff\x00"), bare(1, stream)])
    recorder.insert_events([bare(2, stream)])
    rows = schema.rows(
        f"""select notification_id, originator_version, state, event_id, actor, command_id, correlation_id,
            causation_id, key_id, occurred_at, recorded_at from {schema.name}.stored_events order by notification_id"""
    )
    assert [row[:2] for row in rows] == [(1, 0), (2, 1), (3, 2)]
    assert rows[0][2] == b"\xff\x00"
    assert len({row[3] for row in rows}) == 3
    assert {row[4] for row in rows} == {"eventsourcing"}
    assert all(row[5] == str(row[6]) and row[7] is None and row[8] is None and row[9] == row[10] for row in rows)
    first, second, third = (row[5] for row in rows)
    assert first == second != third
    assert rows[0][10] < rows[1][10] < rows[2][10]


def test_recorded_at_rises_also_when_the_clock_does_not(
    schema: OwnSchema, recorder: CareloopApplicationRecorder
) -> None:
    ahead = datetime(2999, 1, 1, tzinfo=UTC)
    schema.execute(
        f"""insert into {schema.name}.stored_events values (gen_random_uuid(), 1, 'topic1', '', 1,
            gen_random_uuid(), now(), '{ahead.isoformat()}', gen_random_uuid(), null, 'test', 'test')"""
    )
    assert recorder.insert_events([bare(0), bare(0)]) == [2, 3]
    assert schema.rows(f"select recorded_at from {schema.name}.stored_events order by notification_id") == [
        (ahead + timedelta(microseconds=n),) for n in range(3)
    ]


def test_an_event_in_the_same_place_has_the_same_id(schema: OwnSchema, factory: CareloopFactory) -> None:
    stream = uuid4()
    ids = []
    for _ in range(2):
        factory.application_recorder().insert_events([bare(5, stream)])
        ids.append(schema.rows(f"select event_id from {schema.name}.stored_events"))
        schema.execute(f"drop table {schema.name}.stored_events")
    assert ids[0] == ids[1]
    factory.aggregate_recorder("snapshots").insert_events([bare(5, stream)])
    assert schema.rows(f"select event_id from {schema.name}.stored_snapshots") != ids[0]


def test_a_refused_insert_leaves_no_gap(recorder: CareloopApplicationRecorder) -> None:
    event = bare(1)
    assert recorder.insert_events([event]) == [1]
    with pytest.raises(IntegrityError):
        recorder.insert_events([bare(1), event])
    with pytest.raises(IntegrityError):
        recorder.insert_events([bare(-1)])
    twice = bare(1)
    with pytest.raises(IntegrityError):
        recorder.insert_events([twice, twice])
    assert recorder.insert_events([bare(1), bare(7)]) == [2, 3]
    assert recorder.max_notification_id() == 3


def test_refused_together_with_its_position(factory: CareloopFactory) -> None:
    recorder = factory.process_recorder()
    event = bare(1)
    recorder.insert_events([event], tracking=Tracking("upstream", 7))
    with pytest.raises(IntegrityError):
        recorder.insert_events([event], tracking=Tracking("upstream", 8))
    with pytest.raises(IntegrityError):
        recorder.insert_events([bare(1)], tracking=Tracking("upstream", 7))
    assert recorder.max_tracking_id("upstream") == 7
    assert recorder.max_notification_id() == 1
    assert recorder.insert_events([bare(1)], tracking=Tracking("upstream", 9)) == [2]


def test_an_application_that_begins_to_follow_goes_on_in_its_log(factory: CareloopFactory) -> None:
    assert factory.application_recorder().insert_events([bare(1)]) == [1]
    assert factory.process_recorder().insert_events([bare(1)], tracking=Tracking("upstream", 1)) == [2]
    assert factory.application_recorder().insert_events([bare(1)]) == [3]


@pytest.mark.parametrize("statement", ["update {} set actor = 'x'", "delete from {}", "truncate {}"])
def test_not_even_the_owner_changes_an_event(
    schema: OwnSchema, recorder: CareloopApplicationRecorder, statement: str
) -> None:
    recorder.insert_events([bare(1)])
    with (
        psycopg.connect(schema.database.dsn(schema.role)) as owner,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        owner.execute(statement.format(f"{schema.name}.stored_events").encode())


def test_ids_come_back_as_the_library_can_encode_them(recorder: CareloopApplicationRecorder) -> None:
    stream = uuid4()
    recorder.insert_events([bare(1, stream)])
    assert type(recorder.select_notifications(1, 1)[0].originator_id) is UUID
    (by_text,) = recorder.select_events(str(stream))
    assert type(by_text.originator_id) is UUID
    with pytest.raises(DataError):
        recorder.select_events("not-a-uuid")


def test_names_of_any_length_and_letter(schema: OwnSchema, datastore: Datastore) -> None:
    for name in ('Größe "1"', "o'clock", "l" * 62 + "1", "l" * 62 + "2", "select"):
        recorder = CareloopApplicationRecorder(datastore, events_table_name=name)
        recorder.create_table()
        assert recorder.insert_events([bare(1)]) == [1]
        with recorder.subscribe() as subscription:
            assert next(subscription).id == 1
    assert ("l" * 62 + "2",) in schema.rows(f"select tablename from pg_tables where schemaname = '{schema.name}'")
    with pytest.raises(ProgrammingError):
        CareloopApplicationRecorder(datastore, events_table_name="l" * 64).create_table()


def test_the_error_does_not_repeat_what_was_to_be_stored(recorder: CareloopApplicationRecorder) -> None:
    event = bare(1, topic="a\0topic", state=b"secret")
    with pytest.raises(DataError) as refused:
        recorder.insert_events([event])
    assert "topic" not in str(refused.value)
    assert refused.value.__cause__ is None
