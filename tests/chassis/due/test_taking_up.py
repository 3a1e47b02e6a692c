"""What is due is taken up once, in order, by whoever claims it; what was done long ago is taken away."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs

from careloop.chassis.commands.streams import Streams
from careloop.chassis.due.deciding import DueDecisions
from careloop.chassis.due.rows import due_row, read_detail
from careloop.chassis.due.worker import DueWorker, Pace
from careloop.chassis.events.codec import Codec
from careloop.chassis.log.memory import DONE_FOR, MemoryEventStore
from careloop.chassis.log.postgres import PostgresEventStore
from careloop.chassis.log.protocol import ClaimedDue, DueRow
from careloop.kernel.decisions import Decisions, guarded
from careloop.kernel.errors import Conflict, Unavailable
from tests.support.histories.writes import (
    COUNTER,
    NOON,
    TOPICS,
    Counted,
    Happening,
    new_event,
    request,
    store_one,
    write,
)
from tests.support.stack import PostgresDatabase
from tests.support.waiting import until

KIND = "count-on"
TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class CountOn:
    """Asked of who has counted `after`: the next number, at the moment when it was due."""

    after: int
    at: datetime


def row_after(total: int, stream: UUID, at: datetime) -> DueRow:
    return due_row(stream, KIND, subject=total, at=at, detail=CountOn(total, at))


def due_after(event: Happening, stream: UUID) -> Iterable[DueRow]:
    """Of the series only the next row: an hour after each number up to three."""
    if isinstance(event, Counted) and event.total < 3:
        yield row_after(event.total, stream, event.occurred_at + timedelta(hours=1))


@guarded()
def count_on(command: CountOn, total: int) -> list[Happening]:
    return [Counted(occurred_at=command.at, total=total + 1)] if total == command.after else []


class Office:
    """One service that counts, and the hour."""

    def __init__(self) -> None:
        self.now = NOON
        self.store = MemoryEventStore(lambda: self.now)
        self.streams: Streams[int, Happening] = Streams(
            "counter", self.store, Codec(TOPICS), COUNTER, published=frozenset(), due=due_after
        )
        self.midnight: datetime | None = None
        self.decisions = DueDecisions(
            self.streams,
            Decisions(count_on),
            lambda: self.now,
            {KIND: lambda row, _now: read_detail(row, CountOn)},
            {KIND: lambda row, _total: self.midnight or row.due_at},
        )
        self.worker = DueWorker(self.store, self.decisions.handlers, lambda: self.now)

    async def begin(self) -> UUID:
        stream = uuid4()
        await self.streams.transact(stream, request(), lambda _total: [Counted(occurred_at=NOON, total=1)])
        return stream

    async def work(self) -> int:
        done = 0
        while worked := await self.worker.work():
            done += worked
        return done

    async def counted(self, stream: UUID) -> list[tuple[int, datetime]]:
        rows = await self.store.load(stream)
        events = [self.streams.codec.decode(row.meta.topic, row.state) for row in rows]
        return [(event.total, event.occurred_at) for event in events if isinstance(event, Counted)]


def at(hours: int) -> datetime:
    return NOON + timedelta(hours=hours)


async def test_a_row_is_taken_up_when_it_is_due_and_not_before() -> None:
    office = Office()
    stream = await office.begin()
    office.now = at(1) - TICK
    assert await office.work() == 0
    office.now = at(1)
    assert await office.work() == 1
    assert await office.counted(stream) == [(1, NOON), (2, at(1))]


async def test_a_worker_that_was_away_stores_every_fact_in_order_with_its_own_moment() -> None:
    office = Office()
    stream = await office.begin()
    office.now = at(30)
    assert await office.work() == 2
    assert await office.counted(stream) == [(1, NOON), (2, at(1)), (3, at(2))]
    assert await office.work() == 0


async def test_a_matter_that_was_settled_meanwhile_stores_nothing_and_the_row_is_done() -> None:
    office = Office()
    stream = await office.begin()
    await office.streams.transact(stream, request(), lambda _total: [Counted(occurred_at=NOON, total=9)])
    office.now = at(1)
    assert await office.work() == 1
    office.now = at(9)
    assert (await office.work(), len(await office.counted(stream))) == (0, 2)


async def test_a_row_that_is_claimed_twice_stores_one_fact() -> None:
    office = Office()
    stream = await office.begin()
    office.now = at(1)
    (claim,) = await office.store.claim_due(frozenset({KIND}), office.now, 60, 10)
    office.now += timedelta(seconds=61)
    assert await office.work() == 1
    await office.decisions.handlers[KIND](claim)
    assert await office.counted(stream) == [(1, NOON), (2, at(1))]


async def test_a_row_whose_moment_has_moved_is_put_off_until_then() -> None:
    office = Office()
    stream = await office.begin()
    office.midnight, office.now = at(5), at(1)
    assert (await office.work(), await office.work()) == (1, 0)
    office.now = at(5) - TICK
    assert await office.work() == 0
    office.now = at(5)
    assert await office.work() == 2
    assert [total for total, _at in await office.counted(stream)] == [1, 2, 3]


async def test_the_same_is_due_once_however_often_it_is_written() -> None:
    stream = uuid4()
    assert row_after(1, stream, NOON) == row_after(1, stream, NOON)
    others = (row_after(2, stream, NOON), row_after(1, stream, at(1)))
    assert row_after(1, stream, NOON).due_id not in {row.due_id for row in others}


async def failing(office: Office, *failures: Exception | None) -> tuple[DueWorker, list[UUID]]:
    """A worker whose handler fails so, row after row; and the rows that were done."""
    done: list[UUID] = []
    coming = list(failures)

    async def handle(claim: ClaimedDue) -> None:
        failure = coming.pop(0) if coming else None
        if failure is not None:
            raise failure
        done.append(claim.row.due_id)

    return DueWorker(office.store, {KIND: handle}, lambda: office.now, Pace(poll=0.01)), done


async def two_due(office: Office) -> None:
    stream = uuid4()
    rows = (row_after(1, stream, NOON), row_after(2, stream, NOON))
    await store_one(office.store, write(stream, 0, new_event(), due=rows))


async def test_one_row_that_fails_stops_no_other_and_is_logged_without_what_it_says() -> None:
    office = Office()
    await two_due(office)
    worker, done = await failing(office, ValueError("Alma Reyes"), None)
    with capture_logs() as logs:
        assert await worker.work() == 2
    assert len(done) == 1
    assert [(line["event"], line["log_level"], line["kind"], line["error_type"]) for line in logs] == [
        ("due row failed", "error", KIND, "ValueError")
    ]
    assert "Alma" not in str(logs)


async def test_who_was_slower_than_others_tries_again_and_that_is_no_error() -> None:
    office = Office()
    await two_due(office)
    worker, done = await failing(office, Conflict("stream-changed", ""), None)
    with capture_logs() as logs:
        await worker.work()
    assert ([line["log_level"] for line in logs], len(done)) == (["info"], 1)


async def test_a_store_that_is_away_is_said_once_and_its_rows_wait_in_order() -> None:
    office = Office()
    await two_due(office)
    worker, done = await failing(office, *[Unavailable("store-away", "")] * 3)
    stopping = asyncio.Event()
    with capture_logs() as logs:
        running = asyncio.create_task(worker.run(stopping))
        for lease in range(1, 5):
            office.now = NOON + timedelta(seconds=61 * lease)
            await asyncio.sleep(0.05)
        await until(lambda: len(done) == 2)
        stopping.set()
        await running
    assert [line["event"] for line in logs if line["log_level"] != "info"][:1] == ["due rows wait for the store"]
    assert all(line["log_level"] == "warning" for line in logs)


async def test_rows_done_for_more_than_30_days_are_taken_away_and_open_ones_never() -> None:
    office = Office()
    await office.begin()
    office.now = at(1)
    assert await office.work() == 1
    stored: Mapping[UUID, Any] = office.store._tables.due
    office.now = at(1) + DONE_FOR
    assert (await office.store.prune_due(10), len(stored)) == (0, 2)
    office.now += TICK
    assert (await office.store.prune_due(10), len(stored)) == (1, 1)
    office.now += timedelta(days=400)
    assert await office.store.prune_due(10) == 0


@pytest.mark.postgres
async def test_postgres_takes_away_what_the_service_itself_may_not(postgres: PostgresDatabase) -> None:
    async with PostgresEventStore.open(postgres.dsn("monitoring"), "monitoring") as store:
        stream = uuid4()
        rows = tuple(row_after(total, stream, NOON) for total in range(4))
        await store_one(store, write(stream, 0, new_event(), due=rows))
        await store_one(store, write(uuid4(), 0, new_event(), done=tuple(row.due_id for row in rows[:3])))
        old = "update due set done_at = clock_timestamp() - $2::interval where due_id = any($1)"
        await store.connections.fetch(old, [rows[0].due_id, rows[1].due_id], timedelta(days=31))
        await store.connections.fetch(old, [rows[2].due_id], timedelta(days=29))
        assert [await store.prune_due(1), await store.prune_due(5), await store.prune_due(5)] == [1, 1, 0]
        left = await store.connections.fetch("select due_id from due")
        assert {row["due_id"] for row in left} == {rows[2].due_id, rows[3].due_id}
        with pytest.raises(Exception, match="permission denied"):
            await store.connections.fetch("delete from due")
