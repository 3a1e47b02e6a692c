"""The log on the topic: all of it, in order, once in position, whatever is lost on the way."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

import msgspec
import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaConnectionError, OutOfOrderSequenceNumber
from msgspec.structs import replace

from careloop.chassis.consuming.position_gate import PositionGate
from careloop.chassis.events.codec import Codec
from careloop.chassis.events.envelope import Record, from_headers
from careloop.chassis.events.partitioner import partition_of
from careloop.chassis.events.publishing import LogAhead, PublishedReader, Publishing
from careloop.chassis.log.listener import LogListener
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.postgres import PostgresEventStore
from careloop.chassis.log.protocol import Unit
from careloop.chassis.relay import term as relay_term
from careloop.chassis.relay.broker_access import BrokerAccess
from careloop.chassis.relay.checkpoint import Leadership, PartitionsChanged, RelayCheckpoints
from careloop.chassis.relay.heads import HeadsReader, HeadsView
from careloop.chassis.relay.producer import Ack, Producer
from careloop.chassis.relay.relay import Relay
from careloop.chassis.relay.term import LogBroken, require_contiguous
from careloop.kernel.errors import Unavailable
from tests.support.histories.log import (
    NOON,
    SOURCE,
    TYPES,
    Kept,
    Noted,
    NotedContract,
    fill,
    noted,
    patient,
    publishing,
    write,
)
from tests.support.stack import KafkaBroker, PostgresDatabase
from tests.support.waiting import until

PARTITIONS = 3


@pytest.fixture
async def store(postgres: PostgresDatabase) -> AsyncIterator[PostgresEventStore]:
    async with PostgresEventStore.open(postgres.dsn(SOURCE), SOURCE) as opened:
        yield opened


class Killed(BaseException):
    """Nothing that runs afterwards may depend on it."""


class Topics:
    """The topics of one test, and what is on them."""

    def __init__(self, kafka: KafkaBroker, events: str, heads: str) -> None:
        self.bootstrap = kafka.bootstrap
        self.events = events
        self.heads = heads

    async def read(self) -> dict[int, list[Record]]:
        """All that is on the topic of events, per partition."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        try:
            places = [TopicPartition(self.events, n) for n in range(PARTITIONS)]
            consumer.assign(places)
            ends = await consumer.end_offsets(places)
            found: dict[int, list[Record]] = {n: [] for n in range(PARTITIONS)}
            while any(len(found[place.partition]) < ends[place] for place in places):
                for place, records in (await consumer.getmany(timeout_ms=200)).items():
                    found[place.partition] += [
                        Record(envelope=from_headers(one.headers), value=one.value) for one in records
                    ]
            return found
        finally:
            await consumer.stop()

    def relay(self, store: PostgresEventStore, **others: object) -> Relay:
        options = {"send_deadline_seconds": 3.0, "heads_interval_seconds": 0.2, "page": 50, **others}
        return Relay(
            store,
            store.connections,
            publishing(),
            broker=BrokerAccess(self.bootstrap),
            partitions=PARTITIONS,
            topic=self.events,
            heads_topic=self.heads,
            **options,  # type: ignore[arg-type]
        )


@pytest.fixture
async def topics(kafka: KafkaBroker) -> Topics:
    events = await kafka.topic("events", partitions=PARTITIONS)
    return Topics(kafka, events, await kafka.topic("heads", cleanup_policy="compact"))


@asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(relay.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def fill_log(store: PostgresEventStore, count: int, *, first: int = 0) -> None:
    """Published events of ten patients, and one that is not published after each tenth."""
    writes = [write(f"c{n}", patient(n % 10), *_events(n)) for n in range(first, first + count)]
    await store.commit(Unit(writes=tuple(writes)))


def _events(n: int) -> Iterable[object]:
    yield noted(f"text {n}")
    if n % 10 == 9:
        yield Kept(text="kept", occurred_at=NOON)


async def relayed_to_head(store: PostgresEventStore, relay: Relay) -> bool:
    return relay.status().position == (await store.head()).position


async def as_in_the_log(store: PostgresEventStore) -> dict[int, list[Record]]:
    reader = PublishedReader(store, publishing(), PARTITIONS)
    return {n: [one async for run in reader.read_published(n, 0, 0) for one in run] for n in range(PARTITIONS)}


def once(records: Sequence[Record]) -> list[Record]:
    """As a consumer's position gate lets them pass."""
    gate = PositionGate(0)
    passed = gate.admit(records)
    assert (gate.holding, gate.contradiction) == (0, None)
    return passed


async def test_the_topic_holds_what_the_log_publishes(store: PostgresEventStore, topics: Topics) -> None:
    await fill_log(store, 500)
    relay = topics.relay(store)
    async with running(relay):
        await until(lambda: relayed_to_head(store, relay))
        await fill_log(store, 20, first=500)
        await until(lambda: relayed_to_head(store, relay))
        assert relay.status().leading
        assert relay.status().broker_connected
    on_topic = await topics.read()
    assert on_topic == await as_in_the_log(store)
    for partition, records in on_topic.items():
        assert {partition_of(one.envelope.patient_id, PARTITIONS) for one in records} <= {partition}


async def test_a_successor_goes_on_where_the_checkpoint_stands(store: PostgresEventStore, topics: Topics) -> None:
    for first in (0, 100, 200):
        await fill_log(store, 100, first=first)
        relay = topics.relay(store)
        async with running(relay):
            await until(lambda relay=relay: relayed_to_head(store, relay))  # type: ignore[misc]
    assert await topics.read() == await as_in_the_log(store)


async def test_killed_after_the_send_and_before_the_checkpoint_only_the_topic_has_duplicates(
    store: PostgresEventStore, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill_log(store, 120)

    async def dies(*_args: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Leadership, "save", dies)
        task = asyncio.create_task(topics.relay(store).run())
        await asyncio.wait([task], timeout=20)
        assert isinstance(task.exception(), Killed)
    relay = topics.relay(store)
    async with running(relay):
        await until(lambda: relayed_to_head(store, relay))
    on_topic = await topics.read()
    # Whole pages beyond the checkpoint, of which four may have been under way, are there twice.
    assert sum(map(len, on_topic.values())) in {120 + 46, 120 + 91, 120 + 120}
    expected = await as_in_the_log(store)
    for partition, records in on_topic.items():
        assert once(records) == expected[partition]
        by_position = {one.envelope.position: one for one in records}
        assert all(by_position[one.envelope.position] == one for one in records)


async def test_of_two_relays_one_sends_and_the_other_takes_over(store: PostgresEventStore, topics: Topics) -> None:
    await fill_log(store, 200)
    first, second = topics.relay(store), topics.relay(store)
    async with running(second):
        async with running(first):
            await until(lambda: relayed_to_head(store, first))
            await until(lambda: relayed_to_head(store, second))
            assert first.status().leading != second.status().leading
        await until(lambda: second.status().leading)
        await fill_log(store, 50, first=200)
        await until(lambda: relayed_to_head(store, second))
    assert await topics.read() == await as_in_the_log(store)


async def test_two_relays_alive_at_all_times_and_the_leader_dies_again_and_again(
    store: PostgresEventStore, topics: Topics
) -> None:
    relays = [topics.relay(store), topics.relay(store)]
    tasks = [asyncio.create_task(relay.run()) for relay in relays]
    try:
        for number in range(6):
            await fill_log(store, 150, first=150 * number)
            await until(lambda: any(relay.status().leading for relay in relays))
            leader = next(n for n, relay in enumerate(relays) if relay.status().leading)
            tasks[leader].cancel()
            await asyncio.wait([tasks[leader]])
            relays[leader] = topics.relay(store)
            tasks[leader] = asyncio.create_task(relays[leader].run())
        await until(lambda: relayed_to_head(store, relays[0]))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    expected = await as_in_the_log(store)
    assert {n: once(records) for n, records in (await topics.read()).items()} == expected


async def test_an_append_wakes_the_relay_of_its_process_without_a_notification(
    store: PostgresEventStore, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is heard from the server, and the relay would look by itself only after a minute."""
    monkeypatch.setattr(LogListener, "_heard", lambda *_notification: None)
    monkeypatch.setattr(relay_term, "WAIT_SECONDS", 60.0)
    relay = topics.relay(store)
    async with running(relay):
        await until(lambda: relay.status().broker_connected)
        for number in range(5):
            await fill_log(store, 1, first=number)
            await until(lambda: relayed_to_head(store, relay), seconds=10)


async def test_a_paused_holder_is_fenced_by_the_epoch(
    store: PostgresEventStore, topics: Topics, postgres: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lost its lock while paused, then sends its page once more, and may not move the checkpoint back."""
    await fill_log(store, 60)
    paused, go_on = asyncio.Event(), asyncio.Event()
    save = Leadership.save
    refusals: list[type[BaseException]] = []

    async def slow_save(self: Leadership, position: int, last_published: list[int]) -> None:
        if self.checkpoint.epoch == 1:
            paused.set()
            await go_on.wait()
        try:
            await save(self, position, last_published)
        except Exception as refusal:
            refusals.append(type(refusal))
            raise

    monkeypatch.setattr(Leadership, "save", slow_save)
    zombie, successor = topics.relay(store), topics.relay(store)
    async with running(zombie):
        await asyncio.wait_for(paused.wait(), 20)
        _take_the_lock_away(postgres)
        async with running(successor):
            await until(lambda: relayed_to_head(store, successor))
            go_on.set()
            await until(lambda: bool(refusals))
            await fill_log(store, 60, first=60)
            await until(lambda: relayed_to_head(store, successor))
    checkpoint = await store.connections.fetchrow("select position, epoch from relay_checkpoint")
    assert checkpoint is not None
    assert checkpoint["position"] == (await store.head()).position
    expected = await as_in_the_log(store)
    assert {n: once(records) for n, records in (await topics.read()).items()} == expected


def _take_the_lock_away(postgres: PostgresDatabase) -> None:
    with psycopg.connect(postgres.admin_dsn, autocommit=True) as server:
        server.execute(
            """select pg_terminate_backend(l.pid) from pg_locks l join pg_stat_activity a using (pid)
               where l.locktype = 'advisory' and a.datname = current_database() and a.pid <> pg_backend_pid()"""
        )


async def test_a_holder_that_says_nothing_for_too_long_loses_its_lock(store: PostgresEventStore) -> None:
    checkpoints = RelayCheckpoints(store.connections, PARTITIONS, silent_after_seconds=2)
    async with checkpoints.lead() as silent:
        assert silent is not None
        assert not await leads(checkpoints)
        await until(lambda: leads(checkpoints))
        with pytest.raises(Unavailable):
            await silent.save(5, [0] * PARTITIONS)


async def leads(checkpoints: RelayCheckpoints) -> bool:
    """Whether another one that asks now gets the lock."""
    async with checkpoints.lead() as leadership:
        return leadership is not None


async def test_a_producer_out_of_sequence_is_thrown_away_and_the_page_sent_again(
    store: PostgresEventStore, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivered = Producer.delivered
    failures = [OutOfOrderSequenceNumber(), TimeoutError()]
    producers: list[Producer] = []

    async def failing(self: Producer, acks: Sequence[Ack]) -> None:
        await delivered(self, acks)
        producers.append(self)
        if failures:
            raise failures.pop()

    monkeypatch.setattr(Producer, "delivered", failing)
    await fill_log(store, 100)
    relay = topics.relay(store)
    async with running(relay):
        await until(lambda: relayed_to_head(store, relay))
    assert len(set(producers)) == 3
    expected = await as_in_the_log(store)
    assert {n: once(records) for n, records in (await topics.read()).items()} == expected


async def test_heads_follow_and_an_idle_source_stays_fresh(store: PostgresEventStore, topics: Topics) -> None:
    await fill_log(store, 100)
    heads = HeadsReader(BrokerAccess(topics.bootstrap), HeadsView(), topics.heads)
    relay = topics.relay(store)
    reading = asyncio.create_task(heads.run())
    async with running(relay):
        await until(lambda: relayed_to_head(store, relay))
        last = {n: records[-1].envelope.position for n, records in (await as_in_the_log(store)).items()}
        await until(lambda: {n: heads.view.head(SOURCE, n) for n in last} == last)
        recorded = (await store.head()).recorded_at
        await until(lambda: _fresh(heads, last) > recorded)
        before = _fresh(heads, last)
        await until(lambda: _fresh(heads, last) > before)
        assert heads.view.fresh_as_of(SOURCE, 0, last[0] - 1) is None or (
            heads.view.fresh_as_of(SOURCE, 0, last[0] - 1) < before
        )
    reading.cancel()


def _fresh(heads: HeadsReader, consumed: dict[int, int]):  # type: ignore[no-untyped-def]
    return min(heads.view.fresh_as_of(SOURCE, n, position) or NOON for n, position in consumed.items())


def older() -> Publishing:
    """What a build publishes that does not know one of the stored events yet."""
    return Publishing(SOURCE, Codec({"monitoring.Noted.v1": Noted}), {Noted: NotedContract}, TYPES)


async def test_a_build_that_does_not_know_an_event_lets_a_newer_one_publish(
    store: PostgresEventStore, topics: Topics
) -> None:
    await fill_log(store, 100)
    old = topics.relay(store)
    old._publishing = older()
    async with running(old) as task:
        await until(lambda: checkpoint_is(store, 10))
        await until(lambda: not old.status().leading)
        assert sum(map(len, (await topics.read()).values())) == 10
        new = topics.relay(store)
        async with running(new):
            await until(lambda: relayed_to_head(store, new))
        assert not task.done()
    expected = await as_in_the_log(store)
    assert {n: once(records) for n, records in (await topics.read()).items()} == expected


async def test_a_build_that_does_not_know_an_event_gives_no_records_beyond_it(store: PostgresEventStore) -> None:
    await fill_log(store, 30)
    reader = PublishedReader(store, older(), 1)
    runs = reader.read_published(0, 0, 0)
    assert [one.envelope.position for one in await anext(runs)] == list(range(1, 11))
    with pytest.raises(LogAhead):
        await anext(runs)


async def test_the_relay_stops_before_an_event_that_nobody_can_read_and_the_process_goes_on(
    store: PostgresEventStore, topics: Topics
) -> None:
    whole = [write(f"w{n}", patient(n), noted(f"text {n}")) for n in range(20)]
    broken = replace(whole[7], events=(replace(whole[7].events[0], state=b"half an ev"),))
    await store.commit(Unit(writes=(*whole[:7], broken, *whole[8:])))
    relay = topics.relay(store)
    relay._publishing = restating()
    async with running(relay) as task:
        await until(lambda: checkpoint_is(store, 7))
        await until(lambda: not relay.status().leading)
        assert sum(map(len, (await topics.read()).values())) == 7
        assert not task.done()
    with pytest.raises(msgspec.DecodeError):
        [run async for run in PublishedReader(store, restating(), 1).read_published(0, 7, 0)]


def restating() -> Publishing:
    """What is published is made anew of what is stored."""

    def restated(event: Noted) -> NotedContract:
        return NotedContract(text=event.text, occurred_at=event.occurred_at)

    return Publishing(SOURCE, Codec({"monitoring.Noted.v1": Noted}), {Noted: restated}, TYPES)


async def checkpoint_is(store: PostgresEventStore, position: int) -> bool:
    return bool(await store.connections.fetchval("select position from relay_checkpoint") == position)


async def test_another_number_of_partitions_refuses_to_start(store: PostgresEventStore, topics: Topics) -> None:
    relay = topics.relay(store)
    async with running(relay):
        await until(lambda: relay.status().broker_connected)
    other = Relay(
        store,
        store.connections,
        publishing(),
        broker=BrokerAccess(topics.bootstrap),
        partitions=PARTITIONS + 1,
        topic=topics.events,
    )
    with pytest.raises(PartitionsChanged):
        await asyncio.wait_for(other.run(), 20)


async def test_a_topic_of_another_number_of_partitions_refuses_to_start(
    store: PostgresEventStore, topics: Topics, kafka: KafkaBroker
) -> None:
    topics.events = await kafka.topic("other", partitions=PARTITIONS + 1)
    with pytest.raises(PartitionsChanged):
        await asyncio.wait_for(topics.relay(store).run(), 20)


async def test_without_a_broker_commands_are_stored_and_sent_when_it_is_back(
    store: PostgresEventStore, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = Producer.start
    attempts: list[str] = []

    async def counted(self: Producer) -> int:
        attempts.append("start")
        return await start(self)

    monkeypatch.setattr(Producer, "start", counted)
    there = topics.bootstrap
    topics.bootstrap = "127.0.0.1:1"
    relay = topics.relay(store)
    async with running(relay):
        await fill_log(store, 10)
        await until(lambda: len(attempts) > 2)
        assert not relay.status().broker_connected
        topics.bootstrap = there
        relay._broker = BrokerAccess(there)
        await until(lambda: relayed_to_head(store, relay))
    assert await topics.read() == await as_in_the_log(store)


async def test_a_producer_that_ends_as_cancelled_ends_no_relay(
    store: PostgresEventStore, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The term fails, and its producer lets its own cancellation out when it is thrown away."""
    accept, stop, failures = Producer.accept, AIOKafkaProducer.stop, [KafkaConnectionError("gone")]

    async def fails_once(self: Producer, runs: Mapping[int, Sequence[Record]]) -> list[Ack]:
        if failures:
            raise failures.pop()
        return await accept(self, runs)

    async def cancelled_within(self: AIOKafkaProducer) -> None:
        await stop(self)
        raise asyncio.CancelledError

    monkeypatch.setattr(Producer, "accept", fails_once)
    monkeypatch.setattr(AIOKafkaProducer, "stop", cancelled_within)
    await fill_log(store, 20)
    relay = topics.relay(store)
    async with running(relay):
        await until(lambda: relayed_to_head(store, relay))
    assert await topics.read() == await as_in_the_log(store)


async def test_a_gap_in_the_log_is_never_published() -> None:
    store = MemoryEventStore()
    await fill(store, [(patient(1), "a"), (patient(1), "b"), (patient(1), "c")])
    first, _second, third = await store.after(0, 10)
    require_contiguous([first], 0)
    with pytest.raises(LogBroken):
        require_contiguous([first, third], 0)
    with pytest.raises(LogBroken):
        require_contiguous([third], 1)
