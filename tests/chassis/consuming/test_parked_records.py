"""Records that wait, in real tables: each by its consumer, its source and its patient, and never by less."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from careloop.chassis.consuming.inbox import BatchResult, Inbox
from careloop.chassis.consuming.parked_records import Failed, Parked, ParkedRecords, park, queue, take
from careloop.chassis.events.envelope import Record
from careloop.chassis.log.figures import StoreFigures
from careloop.chassis.log.postgres import PostgresEventStore
from careloop.chassis.log.protocol import Gate, GateClosed, Statement, Unit
from careloop.kernel.errors import Conflict
from careloop.kernel.ids import PatientId
from tests.support.consuming import OTHER_SOURCE, chain
from tests.support.histories.log import CONSUMER, SOURCE, Noting, SourceLog, fill, patient, raw, record, texts_of
from tests.support.histories.writes import NOON, due_row, new_event, store_one, write
from tests.support.stack import PostgresDatabase

ANN, BEN, CAT = patient(1), patient(2), patient(3)
OTHER = "prescribing.other"


@pytest.fixture
async def store(postgres: PostgresDatabase) -> AsyncIterator[PostgresEventStore]:
    async with PostgresEventStore.open(postgres.dsn("prescribing"), "prescribing") as opened:
        yield opened


@pytest.fixture
def parked(store: PostgresEventStore) -> ParkedRecords:
    return ParkedRecords(store.connections)


async def run(store: PostgresEventStore, *statements: Statement) -> None:
    await store.commit(Unit(statements=statements))


def failed(*records: Record, reason: str = "ValueError") -> list[Failed]:
    return [Failed(one, reason) for one in records]


async def parked_everywhere(store: PostgresEventStore) -> None:
    """Ann for this consumer from two sources and for another, Ben for this one from one."""
    await run(store, park(CONSUMER, SOURCE, failed(record(4, 1, ANN), record(7, 4, ANN), record(9, 7, BEN))))
    await run(store, park(CONSUMER, OTHER_SOURCE, failed(record(5, 0, ANN), reason="KeyError")))
    await run(store, park(OTHER, SOURCE, failed(record(4, 1, ANN))))


async def test_who_waits_is_known_by_consumer_and_source(store: PostgresEventStore, parked: ParkedRecords) -> None:
    await run(store, park(CONSUMER, SOURCE, failed(record(4, 1, ANN), record(9, 4, BEN))))
    everyone = [ANN, BEN, CAT]
    assert await parked.among(CONSUMER, SOURCE, everyone) == {ANN, BEN}
    assert await parked.among(CONSUMER, SOURCE, [BEN]) == {BEN}
    assert await parked.among(CONSUMER, SOURCE, []) == frozenset()
    for other in ((CONSUMER, OTHER_SOURCE), (OTHER, SOURCE)):
        assert await parked.among(*other, everyone) == frozenset()
        assert [await parked.any(*other), await parked.waiting(*other, ANN)] == [False, 0]
        assert await parked.first(*other, ANN) is None
        with pytest.raises(Conflict):
            await run(store, queue(*other, [record(6, 5, ANN)]))
    assert await parked.any(CONSUMER, SOURCE)
    assert [await store.parked_streams(CONSUMER, who) for who in everyone] == [{SOURCE}, {SOURCE}, frozenset()]
    assert await store.parked_streams(OTHER, ANN) == frozenset()


async def test_what_waits_is_read_oldest_first_and_counted(store: PostgresEventStore, parked: ParkedRecords) -> None:
    await parked_everywhere(store)
    await run(store, queue(CONSUMER, SOURCE, [record(12, 9, ANN)]))
    assert await parked.first(CONSUMER, SOURCE, ANN) == record(4, 1, ANN)
    counts = [await parked.waiting(CONSUMER, SOURCE, who) for who in (ANN, BEN, CAT)]
    assert counts == [3, 1, 0]
    assert await parked.waiting(CONSUMER, OTHER_SOURCE, ANN) == 1
    assert await store.parked_streams(CONSUMER, ANN) == {SOURCE, OTHER_SOURCE}


async def test_they_are_listed_by_when_they_were_parked_in_pages(
    store: PostgresEventStore, parked: ParkedRecords
) -> None:
    await parked_everywhere(store)

    def shown(one: Parked) -> tuple[str, str, PatientId, int, int, str, int]:
        return one.consumer, one.source, one.patient_id, one.position, one.waiting, one.reason, one.attempts

    listed = [shown(one) for one in await parked.listed("", 10, 0)]
    assert listed == [
        (CONSUMER, SOURCE, ANN, 4, 2, "ValueError", 1),
        (CONSUMER, SOURCE, BEN, 9, 1, "ValueError", 1),
        (CONSUMER, OTHER_SOURCE, ANN, 5, 1, "KeyError", 1),
        (OTHER, SOURCE, ANN, 4, 1, "ValueError", 1),
    ]
    assert [shown(one) for one in await parked.listed("", 2, 1)] == listed[1:3]
    assert [shown(one) for one in await parked.listed(OTHER, 10, 0)] == listed[3:]
    assert await parked.listed("nobody", 10, 0) == []
    now = await store.connections.fetchval("select clock_timestamp()")
    assert all(now - timedelta(minutes=1) < one.parked_at <= now for one in await parked.listed("", 10, 0))


async def test_another_attempt_is_counted_where_it_was_made(store: PostgresEventStore, parked: ParkedRecords) -> None:
    await parked_everywhere(store)
    await parked.failed_again(CONSUMER, SOURCE, Failed(record(4, 1, ANN), "KeyError"))
    found = [(one.patient_id, one.reason, one.attempts) for one in await parked.listed("", 10, 0)]
    assert found == [(ANN, "KeyError", 2), (BEN, "ValueError", 1), (ANN, "KeyError", 1), (ANN, "ValueError", 1)]
    await parked.failed_again(CONSUMER, SOURCE, Failed(record(7, 4, ANN), "TypeError"))
    assert (await parked.listed(CONSUMER, 1, 0))[0].reason == "KeyError"


async def test_what_is_taken_or_dropped_is_of_one_place_only(store: PostgresEventStore, parked: ParkedRecords) -> None:
    await parked_everywhere(store)
    await run(store, take(CONSUMER, SOURCE, record(4, 1, ANN)))
    assert await parked.first(CONSUMER, SOURCE, ANN) == record(7, 4, ANN)
    with pytest.raises(GateClosed):
        await run(store, take(CONSUMER, SOURCE, record(4, 1, ANN)))
    assert await parked.drop("r1", CONSUMER, SOURCE, ANN, reason="twice", by="olive") == 1
    left = [(one.consumer, one.source, one.patient_id) for one in await parked.listed("", 10, 0)]
    assert left == [(CONSUMER, SOURCE, BEN), (CONSUMER, OTHER_SOURCE, ANN), (OTHER, SOURCE, ANN)]


async def test_who_waits_for_one_source_is_served_from_another(
    store: PostgresEventStore, parked: ParkedRecords
) -> None:
    handler = Noting(frozenset({"text 1"}))
    inbox = Inbox(store, handler, parked=parked, elsewhere=SourceLog())
    await inbox.take(SOURCE, 0, [raw(one) for one in chain(ANN)])
    await run(store, park(CONSUMER, OTHER_SOURCE, failed(record(90, 0, CAT))))
    handler.poison = frozenset()
    assert (
        await inbox.take(OTHER_SOURCE, 1, [raw(one) for one in chain(ANN, BEN, source=OTHER_SOURCE)])
        is BatchResult.DONE
    )
    assert handler.calls[-1] == [1, 2]
    assert await texts_of(store, BEN) == ["text 2"]
    assert [await parked.waiting(CONSUMER, source, ANN) for source in (SOURCE, OTHER_SOURCE)] == [1, 0]


async def test_a_claimed_row_comes_as_it_was_written(store: PostgresEventStore) -> None:
    row = due_row(detail=b'{"a": 1}')
    await store_one(store, write(ANN, 0, new_event(), due=(row,)))
    assert await store.claim_due(frozenset({"another"}), NOON, 60, 10) == []
    (claimed,) = await store.claim_due(frozenset({row.kind}), NOON, 60, 10)
    assert (claimed.row, claimed.lease_until, claimed.claims) == (row, NOON + timedelta(seconds=60), 1)
    (again,) = await store.claim_due(frozenset({row.kind}), claimed.lease_until, 60, 10)
    assert again.claims == 2


async def test_figures_are_counted_from_the_tables(store: PostgresEventStore) -> None:
    assert await store.status(NOON) == StoreFigures(
        head=(await store.head()),
        relayed_position=0,
        unrelayed_since=None,
        consumed={},
        parked={},
        due_now=0,
        due_later=0,
        overdue_since=None,
    )
    tick = timedelta(microseconds=1)
    rows = [due_row(NOON - tick), due_row(NOON), due_row(NOON + tick), due_row(NOON + tick), due_row(NOON - 2 * tick)]
    await fill(store, [(ANN, "a"), (BEN, "b"), (CAT, "c")])
    await store_one(store, write(patient(9), 0, new_event(), due=tuple(rows), done=(rows[4].due_id,)))
    await parked_everywhere(store)
    await store.commit(Unit(gate=Gate(consumer=CONSUMER, source=SOURCE, partition=2, last=0, position=7)))
    await store.connections.fetch(
        "insert into relay_checkpoint (epoch, position, partitions, last_published) values (1, 2, 1, '{2}') returning 1"
    )
    figures = await store.status(NOON)
    events = await store.after(0, 10)
    assert figures == StoreFigures(
        head=await store.head(),
        relayed_position=2,
        unrelayed_since=events[2].meta.recorded_at,
        consumed={(CONSUMER, SOURCE, 2): 7},
        parked={(CONSUMER, SOURCE): 2, (CONSUMER, OTHER_SOURCE): 1, (OTHER, SOURCE): 1},
        due_now=2,
        due_later=2,
        overdue_since=NOON - tick,
    )
