"""Every record once, in order, without a hole; who cannot be served waits, and nobody else does."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from careloop.chassis.consuming import position_gate
from careloop.chassis.consuming.handler import Effects, Received
from careloop.chassis.consuming.inbox import BatchResult, Inbox
from careloop.chassis.consuming.inbox_log import InboxLog, Place
from careloop.chassis.consuming.parked_patients import InboxParkedPatients
from careloop.chassis.consuming.parked_records import ParkedRecords
from careloop.chassis.consuming.partition import CONFLICTS_AT_ONCE
from careloop.chassis.events.envelope import Record, to_headers
from careloop.chassis.log.postgres import PostgresEventStore
from careloop.chassis.log.protocol import CommandKey, Gate, Unit, Written
from careloop.kernel.errors import Conflict, NotKnown, Unavailable
from careloop.kernel.events import CommandKind, Request
from careloop.kernel.ids import PatientId, PersonId
from tests.support.histories.log import (
    CONSUMER,
    NOON,
    SOURCE,
    Noting,
    Raw,
    SourceLog,
    patient,
    raw,
    record,
    texts_of,
)
from tests.support.stack import PostgresDatabase
from tests.support.waiting import until

ANN, BEN, CAT = patient(1), patient(2), patient(3)


class Alarms(InboxLog):
    """Keeps what was told."""

    def __init__(self) -> None:
        super().__init__()
        self.holes: list[int] = []
        self.reasons: list[str] = []
        self.headers: list[str] = []
        self.stops: list[int] = []
        self.delays: list[str] = []
        self.unheards: list[str] = []

    def hole(self, place: Place, *, position: int, waiting: int) -> None:
        self.holes.append(position)

    def parked(self, place: Place, *, position: int, reason: str) -> None:
        self.reasons.append(reason)

    def malformed(self, place: Place, *, header: str) -> None:
        self.headers.append(header)

    def stopped(self, place: Place, *, position: int) -> None:
        self.stops.append(position)

    def delayed(self, place: Place, *, error: BaseException) -> None:
        self.delays.append(type(error).__name__)

    def unheard(self, place: Place, *, error: BaseException) -> None:
        self.unheards.append(type(error).__name__)


@dataclass
class Consumer:
    """One consumer of its own inbox, with everything a test looks at."""

    store: PostgresEventStore
    handler: Noting = field(default_factory=Noting)
    source: SourceLog = field(default_factory=SourceLog)
    alarms: Alarms = field(default_factory=Alarms)
    give_up_seconds: float = 5.0

    def __post_init__(self) -> None:
        self.parked = ParkedRecords(self.store.connections)
        self.restart()

    def restart(self) -> None:
        """A new process: nothing is remembered but what is stored."""
        self.inbox = Inbox(
            self.store,
            self.handler,
            parked=self.parked,
            elsewhere=self.source,
            observer=self.alarms,
            patience_seconds=0.2,
            give_up_seconds=self.give_up_seconds,
        )
        self.patients = InboxParkedPatients(self.store, self.parked, [self.inbox])

    async def take(self, *records: Record | Raw) -> BatchResult:
        return await self.inbox.take(SOURCE, 0, [raw(one) if isinstance(one, Record) else one for one in records])

    async def position(self) -> int:
        return (await self.store.consumed(CONSUMER)).get((SOURCE, 0), 0)

    async def is_at(self, position: int) -> bool:
        return await self.position() == position

    async def texts(self, who: UUID) -> list[str]:
        return await texts_of(self.store, patient(who.int - 1))


@pytest.fixture
async def store(postgres: PostgresDatabase) -> AsyncIterator[PostgresEventStore]:
    async with PostgresEventStore.open(postgres.dsn("prescribing"), "prescribing") as opened:
        yield opened


@pytest.fixture
def consumer(store: PostgresEventStore) -> Consumer:
    return Consumer(store)


@asynccontextmanager
async def watching(inbox: Inbox) -> AsyncIterator[None]:
    task = asyncio.create_task(inbox.watch())
    try:
        yield
    finally:
        task.cancel()


def request(request_id: str = "r1") -> Request:
    return Request(
        kind=CommandKind.CALLER,
        request_id=request_id,
        actor=PersonId("operator"),
        digest=b"d",
        correlation_id=UUID(int=3),
        now=NOON,
    )


def chain(*who: UUID) -> list[Record]:
    """Records 1, 2, 3, ... about these patients; each text names its position."""
    return [record(n, n - 1, patient(one.int - 1)) for n, one in enumerate(who, start=1)]


async def test_a_batch_and_its_position_are_one_unit(consumer: Consumer) -> None:
    assert await consumer.take(*chain(ANN, BEN, ANN)) is BatchResult.DONE
    assert await consumer.texts(ANN) == ["text 1", "text 3"]
    assert await consumer.position() == 3
    assert consumer.handler.calls == [[1, 2, 3]]


async def test_the_whole_topic_again_has_no_effect(consumer: Consumer) -> None:
    records = chain(ANN, BEN, ANN)
    await consumer.take(*records)
    consumer.restart()
    assert await consumer.take(*records) is BatchResult.DONE
    assert await consumer.take(*records) is BatchResult.DONE
    assert (await consumer.store.head()).position == 3
    assert consumer.handler.calls == [[1, 2, 3]]


async def test_a_record_twice_in_one_batch_counts_once(consumer: Consumer) -> None:
    one, two = chain(ANN, ANN)
    await consumer.take(one, one, two, one, two)
    assert await consumer.texts(ANN) == ["text 1", "text 2"]


async def test_what_nobody_wants_still_moves_the_position(consumer: Consumer) -> None:
    await consumer.take(record(4, 0, ANN, wire_type="care.monitoring.Unheard.v1"))
    assert await consumer.position() == 4
    assert consumer.handler.calls == []


async def test_a_missing_record_that_comes_late_is_waited_for(consumer: Consumer) -> None:
    one, two, three = chain(ANN, ANN, ANN)
    assert await consumer.take(one, three) is BatchResult.HELD
    assert await consumer.position() == 1
    assert await consumer.take(two) is BatchResult.DONE
    assert await consumer.texts(ANN) == ["text 1", "text 2", "text 3"]
    assert consumer.source.asked == []


async def test_a_missing_record_that_never_comes_is_fetched_and_told(consumer: Consumer) -> None:
    records = chain(ANN, BEN, ANN, ANN)
    consumer.source.records = records
    async with watching(consumer.inbox):
        assert await consumer.take(records[0], records[3]) is BatchResult.HELD
        await until(lambda: consumer.is_at(4))
    assert consumer.source.asked == [(1, 3)]
    assert consumer.alarms.holes == [1]
    assert await consumer.texts(ANN) == ["text 1", "text 3", "text 4"]
    assert await consumer.take() is BatchResult.DONE


async def test_a_missing_last_record_is_fetched_and_told_when_the_topic_is_doubted(consumer: Consumer) -> None:
    records = chain(ANN, BEN, ANN)
    consumer.source.records = records
    async with watching(consumer.inbox):
        assert await consumer.take(records[0]) is BatchResult.DONE
        consumer.inbox.doubt(SOURCE, 0)
        await until(lambda: consumer.is_at(3))
    assert consumer.source.asked == [(1, 0)]
    assert consumer.alarms.holes == [1]
    assert await consumer.texts(ANN) == ["text 1", "text 3"]


async def test_a_doubt_without_reason_tells_nobody(consumer: Consumer) -> None:
    records = chain(ANN, BEN)
    consumer.source.records = records
    async with watching(consumer.inbox):
        await consumer.take(*records)
        consumer.inbox.doubt(SOURCE, 0)
        await until(lambda: consumer.source.asked == [(2, 0)])
    assert consumer.alarms.holes == []


async def test_what_comes_after_all_ends_the_doubt(consumer: Consumer) -> None:
    one, two, three = chain(ANN, BEN, ANN)
    await consumer.take(one)
    consumer.inbox.doubt(SOURCE, 0)
    await consumer.take(two)
    async with watching(consumer.inbox):
        consumer.source.records = [three]
        await consumer.take(record(4, 3, ANN))
        await until(lambda: consumer.is_at(4))
    assert consumer.source.asked == [(2, 3)]


async def test_a_source_that_does_not_answer_is_asked_again(consumer: Consumer) -> None:
    records = chain(ANN, ANN, ANN)
    consumer.source = SourceLog(records, failure=Unavailable("peer", "away"))
    consumer.restart()
    async with watching(consumer.inbox):
        await consumer.take(records[0], records[2])
        await until(lambda: len(consumer.source.asked) >= 2)
        consumer.source.failure = None
        await until(lambda: consumer.is_at(3))
    assert await consumer.texts(ANN) == ["text 1", "text 2", "text 3"]
    assert "Unavailable" in consumer.alarms.delays


async def test_a_zombie_relay_that_ran_ahead_loses_nothing(consumer: Consumer) -> None:
    records = [record(100 + n, 99 + n if n > 1 else 0, ANN) for n in range(1, 6)]
    assert await consumer.take(records[4]) is BatchResult.HELD
    assert await consumer.take(*records) is BatchResult.DONE
    assert await consumer.texts(ANN) == [f"text {n}" for n in range(101, 106)]


async def test_offsets_are_not_committed_past_a_hole(consumer: Consumer) -> None:
    """A restart with a hole open must find the held record on the topic again."""
    one, two, three = chain(ANN, ANN, ANN)
    assert await consumer.take(one, three) is BatchResult.HELD
    consumer.restart()
    assert await consumer.take(three) is BatchResult.HELD
    assert await consumer.take(two) is BatchResult.DONE
    assert await consumer.texts(ANN) == ["text 1", "text 2", "text 3"]


async def test_what_was_held_when_another_owner_moved_on_is_asked_for_again(consumer: Consumer) -> None:
    """The source answers once only, while the other owner is ahead; then the topic alone must do."""
    one, two, three, four = chain(ANN, BEN, CAT, ANN)
    other = Consumer(consumer.store)
    consumer.source.records = [one, two]
    await consumer.take(one, three)
    await other.take(one, two)
    async with watching(consumer.inbox):
        await until(lambda: bool(consumer.source.asked))
        await until(lambda: not consumer.inbox.holds_any(SOURCE))
    assert consumer.inbox.holds(SOURCE, 0)
    consumer.source.failure = Unavailable("peer-unavailable", "gone")
    assert await consumer.take(four) is BatchResult.AGAIN
    assert await consumer.take(three, four) is BatchResult.DONE
    assert await consumer.position() == 4


async def test_a_partition_that_goes_away_in_mid_batch_comes_again(consumer: Consumer) -> None:
    one, two = chain(ANN, BEN)
    handle = consumer.handler.handle

    async def revoked_meanwhile(received: Sequence[Received]) -> Effects:
        consumer.inbox.forget(SOURCE, 0)
        return await handle(received)

    consumer.handler.handle = revoked_meanwhile  # type: ignore[method-assign]
    assert await consumer.take(one, two) is BatchResult.AGAIN
    assert await consumer.position() == 2


async def test_what_there_was_no_room_to_hold_is_fetched_when_the_hole_closes(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(position_gate, "MOST_HELD", 2)
    one, *others = chain(ANN, BEN, CAT, ANN, BEN)
    consumer.source.records = [one, *others]
    assert await consumer.take(*others) is BatchResult.HELD
    assert await consumer.take(one) is BatchResult.HELD
    assert await consumer.position() == 3
    async with watching(consumer.inbox):
        await until(lambda: consumer.is_at(5))
    assert await consumer.take(one, *others) is BatchResult.DONE


async def test_what_was_fetched_and_not_stored_is_stored_with_the_next_attempt(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is missing any more after the first attempt, and no record comes that would take it along."""
    one, two = chain(ANN, BEN)
    consumer.source.records = [one, two]
    assert await consumer.take(two) is BatchResult.HELD
    commit, refusals = PostgresEventStore.commit, [Unavailable("store-unavailable", "gone")]

    async def refusing(store: PostgresEventStore, unit: Unit) -> Sequence[Written]:
        if refusals:
            raise refusals.pop()
        return await commit(store, unit)

    monkeypatch.setattr(PostgresEventStore, "commit", refusing)
    async with watching(consumer.inbox):
        await until(lambda: consumer.is_at(2))


async def test_malformed_headers_are_told_and_fetched_from_the_source(consumer: Consumer) -> None:
    one, two = chain(ANN, ANN)
    consumer.source.records = [one, two]
    broken = Raw(headers=[h for h in to_headers(two.envelope) if h[0] != "ce_id"], value=two.value)
    async with watching(consumer.inbox):
        assert await consumer.take(one, broken) is BatchResult.HELD
        await until(lambda: consumer.is_at(2))
    assert consumer.alarms.headers == ["ce_id"]
    assert await consumer.texts(ANN) == ["text 1", "text 2"]


async def test_a_contradiction_stops_the_partition_and_is_told_once(consumer: Consumer) -> None:
    await consumer.take(*chain(ANN, ANN, ANN))
    assert await consumer.take(record(9, 2, ANN)) is BatchResult.HELD
    assert await consumer.take(record(4, 3, ANN)) is BatchResult.HELD
    assert consumer.alarms.stops == [9]
    assert await consumer.position() == 3


async def test_one_poisoned_record_in_many_parks_one_patient(consumer: Consumer) -> None:
    everyone = [patient(n) for n in range(200)]
    records = [record(n + 1, n, everyone[n % 200]) for n in range(1000)]
    consumer.handler.poison = frozenset({"text 437"})
    assert await consumer.take(*records) is BatchResult.DONE
    assert await consumer.position() == 1000
    (parked,) = await consumer.patients.list_parked("", 10, 0)
    assert (parked.patient_id, parked.position, parked.waiting, parked.reason, parked.attempts) == (
        everyone[36],
        437,
        3,
        "ValueError",
        1,
    )
    assert len(consumer.handler.calls) < 40
    assert await consumer.texts(everyone[36]) == ["text 37", "text 237"]
    assert (await consumer.store.head()).position == 997
    assert consumer.alarms.reasons == ["ValueError"]


async def test_later_records_of_a_parked_patient_queue_and_a_retry_drains_them_in_order(consumer: Consumer) -> None:
    consumer.handler.poison = frozenset({"text 2"})
    records = chain(ANN, BEN, ANN, BEN, BEN, ANN)
    for one in records[:4]:
        assert await consumer.take(one) is BatchResult.DONE
    consumer.restart()
    assert await consumer.take(*records[4:]) is BatchResult.DONE
    assert await consumer.texts(BEN) == []
    assert await consumer.texts(ANN) == ["text 1", "text 3", "text 6"]

    stuck = await consumer.patients.retry(CONSUMER, SOURCE, BEN, request("r1"))
    assert (stuck.applied, stuck.waiting) == (0, 3)
    (listed,) = await consumer.patients.list_parked(CONSUMER, 10, 0)
    assert listed.attempts == 2

    consumer.handler.poison = frozenset()
    done = await consumer.patients.retry(CONSUMER, SOURCE, BEN, request("r2"))
    assert (done.applied, done.waiting) == (3, 0)
    assert await consumer.texts(BEN) == ["text 2", "text 4", "text 5"]
    asked = CommandKey("retry:r2", BEN, request().actor, CommandKind.OPERATOR)
    assert await consumer.store.command(asked) is not None
    assert await consumer.take(record(7, 6, BEN)) is BatchResult.DONE
    assert (await consumer.texts(BEN))[-1] == "text 7"


async def test_a_retry_repeated_is_harmless_and_one_of_nothing_is_refused(consumer: Consumer) -> None:
    consumer.handler.poison = frozenset({"text 1"})
    await consumer.take(*chain(ANN))
    consumer.handler.poison = frozenset()
    assert (await consumer.patients.retry(CONSUMER, SOURCE, ANN, request("r1"))).applied == 1
    again = await consumer.patients.retry(CONSUMER, SOURCE, ANN, request("r1"))
    assert (again.applied, again.waiting) == (0, 0)
    with pytest.raises(NotKnown) as refused:
        await consumer.patients.retry(CONSUMER, SOURCE, ANN, request("r2"))
    assert refused.value.slug == "not-parked"


async def test_a_retry_that_others_are_faster_than_tries_as_often_as_a_batch_does(consumer: Consumer) -> None:
    consumer.handler.poison = frozenset({"text 1"})
    await consumer.take(*chain(ANN))
    faster = Conflict("stream", "changed")
    consumer.handler = Flaky(*[faster] * CONFLICTS_AT_ONCE)
    consumer.restart()
    with pytest.raises(Conflict):
        await consumer.patients.retry(CONSUMER, SOURCE, ANN, request("r1"))
    assert await consumer.parked.waiting(CONSUMER, SOURCE, ANN) == 1
    consumer.handler = Flaky(*[faster] * (CONFLICTS_AT_ONCE - 1))
    consumer.restart()
    done = await consumer.patients.retry(CONSUMER, SOURCE, ANN, request("r2"))
    assert (done.applied, done.waiting) == (1, 0)


async def test_two_retries_at_once_apply_each_record_once(consumer: Consumer) -> None:
    other = Consumer(consumer.store)
    consumer.handler.poison = frozenset({"text 1"})
    await consumer.take(*chain(*[ANN] * 20))
    consumer.handler.poison = frozenset()
    first, second = await asyncio.gather(
        consumer.patients.retry(CONSUMER, SOURCE, ANN, request("r1")),
        other.patients.retry(CONSUMER, SOURCE, ANN, request("r2")),
    )
    assert first.applied + second.applied == 20
    assert await consumer.texts(ANN) == [f"text {n}" for n in range(1, 21)]


async def test_a_retry_elsewhere_while_records_arrive_keeps_the_order(consumer: Consumer) -> None:
    """Another replica drains the queue while this one still believes the patient to be parked."""
    elsewhere = Consumer(consumer.store)
    consumer.handler.poison = frozenset({"text 1"})
    records = chain(*[ANN] * 60)
    await consumer.take(*records[:20])
    consumer.handler.poison = frozenset()

    async def arrive() -> None:
        for one in records[20:]:
            await consumer.take(one)

    await asyncio.gather(arrive(), elsewhere.patients.retry(CONSUMER, SOURCE, ANN, request("r1")))
    if await consumer.parked.any(CONSUMER, SOURCE):
        await elsewhere.patients.retry(CONSUMER, SOURCE, ANN, request("r2"))
    assert await consumer.texts(ANN) == [f"text {n}" for n in range(1, 61)]


async def test_who_was_drained_while_a_record_was_about_to_queue_gets_it_at_once(consumer: Consumer) -> None:
    class DrainedMeanwhile(ParkedRecords):
        async def among(self, name: str, source: str, patients: Collection[UUID]) -> frozenset[PatientId]:
            found = await super().among(name, source, patients)
            if found:
                await elsewhere.patients.retry(CONSUMER, SOURCE, ANN, request("r1"))
            return found

    elsewhere = Consumer(consumer.store)
    consumer.handler.poison = frozenset({"text 1"})
    one, two = chain(ANN, ANN)
    await consumer.take(one)
    consumer.parked = DrainedMeanwhile(consumer.store.connections)
    consumer.restart()
    assert await consumer.take(two) is BatchResult.DONE
    assert await consumer.texts(ANN) == ["text 1", "text 2"]
    assert not await consumer.parked.any(CONSUMER, SOURCE)


async def test_a_drop_is_recorded_with_who_and_why(consumer: Consumer) -> None:
    consumer.handler.poison = frozenset({"text 1"})
    await consumer.take(*chain(ANN, ANN, BEN))
    assert await consumer.patients.drop(CONSUMER, SOURCE, ANN, "test data", request("r1")) == 2
    assert await consumer.patients.drop(CONSUMER, SOURCE, ANN, "test data", request("r1")) == 2
    with pytest.raises(NotKnown):
        await consumer.patients.drop(CONSUMER, SOURCE, ANN, "test data", request("r2"))
    (row,) = await consumer.store.connections.fetch("select * from parked_drops")
    assert (row["dropped_by"], row["reason"], row["positions"]) == ("operator", "test data", [1, 2])
    assert await consumer.take(record(4, 3, ANN)) is BatchResult.DONE
    assert await consumer.texts(ANN) == ["text 4"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (record(1, 0, ANN, wire_type="care.monitoring.Noted.v2"), "UnknownVersion"),
        (record(1, 0, ANN, value=b'{"text": 5}'), "UndecodableValue"),
        (record(1, 0, ANN, value=b"\xff\x00"), "UndecodableValue"),
        (record(1, 0, ANN, value=b""), "UndecodableValue"),
    ],
)
async def test_what_this_build_cannot_read_parks_the_patient(consumer: Consumer, bad: Record, reason: str) -> None:
    assert await consumer.take(bad, record(2, 1, BEN), record(3, 2, ANN)) is BatchResult.DONE
    (parked,) = await consumer.patients.list_parked("", 10, 0)
    assert (parked.patient_id, parked.reason, parked.waiting) == (ANN, reason, 2)
    assert await consumer.texts(BEN) == ["text 2"]
    assert await consumer.store.parked_streams(CONSUMER, ANN) == {SOURCE}


async def test_a_parked_record_keeps_its_headers_and_value(consumer: Consumer) -> None:
    bad = record(1, 0, ANN, value=b"\xff\x00")
    await consumer.take(bad)
    assert await consumer.parked.first(CONSUMER, SOURCE, ANN) == bad


async def test_a_handler_that_wants_unknown_types_gets_them(store: PostgresEventStore) -> None:
    class Journaling(Noting):
        wants_unknown = True

        async def handle(self, received):  # type: ignore[no-untyped-def]
            self.calls.append([one.envelope.position for one in received])
            return Effects()

    consumer = Consumer(store, handler=Journaling())
    await consumer.take(record(1, 0, ANN, wire_type="care.monitoring.Unheard.v1"), record(2, 1, ANN))
    assert consumer.handler.calls == [[1, 2]]


class Flaky(Noting):
    """Fails for these reasons, one a call, then works."""

    def __init__(self, *failures: Exception) -> None:
        super().__init__()
        self.failures = list(failures)

    async def handle(self, received):  # type: ignore[no-untyped-def]
        if self.failures:
            raise self.failures.pop(0)
        return await super().handle(received)


async def test_a_store_that_does_not_answer_in_time_is_asked_for_less(store: PostgresEventStore) -> None:
    class Busy(Noting):
        async def handle(self, received: Sequence[Received]) -> Effects:
            if len(received) > 2:
                raise Unavailable("store", "it took too long")
            return await super().handle(received)

    consumer = Consumer(store, handler=Busy())
    assert await consumer.take(*chain(*[ANN] * 9)) is BatchResult.DONE
    assert await consumer.texts(ANN) == [f"text {n}" for n in range(1, 10)]
    assert consumer.alarms.reasons == []


async def test_what_passes_by_itself_parks_nobody(store: PostgresEventStore) -> None:
    away, faster = Unavailable("store", "away"), Conflict("stream", "changed")
    consumer = Consumer(store, handler=Flaky(away, faster, away, TimeoutError(), ConnectionError()))
    assert await consumer.take(*chain(ANN, BEN)) is BatchResult.DONE
    assert await consumer.texts(ANN) == ["text 1"]
    assert not await consumer.parked.any(CONSUMER, SOURCE)


async def test_a_batch_is_let_go_before_the_poll_interval_ends(store: PostgresEventStore) -> None:
    consumer = Consumer(store, handler=Flaky(*[Unavailable("store", "away")] * 1000), give_up_seconds=0.2)
    assert await consumer.take(*chain(ANN, BEN)) is BatchResult.AGAIN
    assert await consumer.position() == 0
    consumer.handler = Noting()
    consumer.restart()
    assert await consumer.take(*chain(ANN, BEN)) is BatchResult.DONE
    assert await consumer.texts(BEN) == ["text 2"]


async def test_who_lost_the_partition_lets_its_batch_go(consumer: Consumer) -> None:
    """A paused consumer whose partition went to another: its write is refused by position."""
    zombie = Consumer(consumer.store)
    records = chain(ANN, ANN, ANN)
    await zombie.take(records[0])
    await consumer.take(*records[:2])
    assert await zombie.take(records[1]) is BatchResult.AGAIN
    assert await zombie.take(records[1], records[2]) is BatchResult.DONE
    assert await consumer.texts(ANN) == ["text 1", "text 2", "text 3"]


async def test_two_owners_at_once_apply_each_record_once(consumer: Consumer) -> None:
    other = Consumer(consumer.store)
    records = chain(*[ANN, BEN] * 50)

    async def all_of_it(one: Consumer) -> None:
        for start in range(0, 100, 7):
            while await one.take(*records[: start + 7]) is BatchResult.AGAIN:
                continue

    await asyncio.gather(all_of_it(consumer), all_of_it(other))
    assert (await consumer.store.head()).position == 100
    assert await consumer.texts(ANN) == [f"text {n}" for n in range(1, 101, 2)]


async def test_a_lost_answer_to_a_stored_unit_has_no_second_effect(consumer: Consumer) -> None:
    class LosingStore(PostgresEventStore):
        lose = True

        async def commit(self, unit: Unit) -> "list[Written]":
            stored = list(await super().commit(unit))
            if isinstance(unit.gate, Gate) and self.lose:
                self.lose = False
                raise Unavailable("store", "the answer was lost")
            return stored

    whole = consumer.store
    losing = LosingStore(whole.connections, whole._listener, whole._appender, whole._loader)
    unlucky = Consumer(losing)
    records = chain(ANN, ANN)
    while await unlucky.take(*records) is BatchResult.AGAIN:
        continue
    assert await consumer.texts(ANN) == ["text 1", "text 2"]
    assert await consumer.position() == 2


async def test_nothing_but_cancellation_comes_out(store: PostgresEventStore) -> None:
    consumer = Consumer(store, handler=Flaky(*[RuntimeError("bug")] * 3))
    assert await consumer.take(*chain(ANN)) is BatchResult.DONE
    (parked,) = await consumer.patients.list_parked("", 10, 0)
    assert parked.reason == "RuntimeError"
