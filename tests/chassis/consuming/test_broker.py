"""From one service's log to another's effects through a real broker, and what every subscription must keep to."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

import pytest
from faststream import AckPolicy

from careloop.chassis.consuming.handler import Effects, Handler, Received
from careloop.chassis.consuming.inbox import BatchResult, Inbox
from careloop.chassis.consuming.parked_records import ParkedRecords
from careloop.chassis.consuming.subscription import (
    FETCH_WAIT_MS,
    MAX_POLL_INTERVAL_MS,
    SPARED_TIMES,
    Identity,
    ServiceBroker,
    topic_of,
)
from careloop.chassis.events.envelope import Record
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.process.asyncapi import document
from careloop.chassis.relay import term as relay_term
from careloop.chassis.relay.broker_access import BrokerAccess
from careloop.chassis.relay.producer import Ack, Producer
from careloop.contracts import assessment, coordination, monitoring, notifications, prescribing
from careloop.kernel.errors import Unavailable
from careloop.local.local_stack import LocalStack
from tests.support.histories.log import SOURCE, Noting
from tests.support.processes.leg import PARTITIONS, Leg, OwnLog, leg_between, running
from tests.support.stack import KafkaBroker, PostgresDatabase, start_or_skip, temporary_stack
from tests.support.waiting import until
from tests.support.wires.lossy_proxy import Loss, lossy_broker
from tests.support.wires.protocols import produce_to

CONTRACTS = {
    "assessment": assessment.TYPES,
    "prescribing": prescribing.TYPES,
    "monitoring": monitoring.TYPES,
    "notifications": notifications.TYPES,
    "coordination": coordination.TYPES,
}


@pytest.fixture
async def leg(postgres: PostgresDatabase, kafka: KafkaBroker) -> AsyncIterator[Leg]:
    async with leg_between(postgres, kafka) as made:
        yield made


async def test_what_one_service_records_takes_effect_in_another_once_and_in_order(leg: Leg) -> None:
    await leg.add(0, 300)
    async with running(leg.relay(), leg.relay(), leg.consumer()):
        await until(lambda: leg.has(300))
        await leg.add(300, 400)
        await until(lambda: leg.has(400))
    await leg.check_everything_once_in_order(400)


async def test_a_consumer_stopped_at_any_moment_goes_on_where_it_was(leg: Leg) -> None:
    await leg.add(0, 500)
    async with running(leg.relay()):
        for share in (1, 100, 300):
            async with running(leg.consumer()):
                await until(lambda share=share: at_least(leg, share))  # type: ignore[misc]
        await leg.add(500, 600)
        async with running(leg.consumer()):
            await until(lambda: leg.has(600))
    await leg.check_everything_once_in_order(600)


async def test_a_subscription_whose_kafka_client_has_stalled_gets_a_new_one(
    leg: Leg, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the old client does not stop in good order."""
    consumer = leg.consumer()
    (subscriber,) = consumer.broker.subscribers
    stop = type(subscriber).stop

    async def cancelled_within(self: Any) -> None:
        await stop(self)
        raise asyncio.CancelledError

    monkeypatch.setattr(type(subscriber), "stop", cancelled_within)
    await leg.add(0, 100)
    async with running(leg.relay(), consumer):
        await until(lambda: leg.has(100))
        stall(consumer)
        await leg.add(100, 200)
        consumer.revive(leg.handler.consumer, SOURCE)
        await until(lambda: leg.has(200))
        monkeypatch.undo()
    await leg.check_everything_once_in_order(200)


async def test_a_new_kafka_client_goes_on_where_another_owner_left_off(
    leg: Leg, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the old client and the new one another process had the partitions; nothing then hangs on the source."""
    consumer, other = leg.consumer(), leg.consumer()
    (stopped,), (moved_on,) = consumer.broker.subscribers, other.broker.subscribers
    await leg.add(0, 100)
    async with running(leg.relay(), consumer):
        await until(lambda: leg.has(100))
        await stopped.consumer.stop()  # type: ignore[attr-defined]
        async with running(other):
            await leg.add(100, 200)
            await until(lambda: leg.has(200))
            await until(lambda: committed_everything(moved_on))
        monkeypatch.setattr(OwnLog, "read", silent)
        consumer.revive(leg.handler.consumer, SOURCE)
        await leg.add(200, 300)
        await until(lambda: leg.has(300))
    await leg.check_everything_once_in_order(300)


async def test_a_record_that_was_missed_is_read_again_when_nobody_else_has_it(
    leg: Leg, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that passed over a record shows a hole. The source does not answer, but the record is on the topic."""
    consumer = leg.consumer()
    take = Inbox.take
    monkeypatch.setattr(OwnLog, "read", silent)
    monkeypatch.setattr(Inbox, "take", deaf_to_the_first_batch(take))
    async with running(leg.relay(), consumer):
        await leg.add(0, 50)
        await until(lambda: any(inbox.holds_any(SOURCE) for inbox in consumer.inboxes))
        for _ in range(SPARED_TIMES + 1):
            consumer.revive(leg.handler.consumer, SOURCE)
        await until(lambda: leg.has(50))
    await leg.check_everything_once_in_order(50)


async def silent(*_asked: object) -> AsyncIterator[Sequence[Record]]:
    """A source that does not answer."""
    raise Unavailable("peer-unavailable", "gone")
    yield ()


def deaf_to_the_first_batch(take: Any) -> Any:
    """The first record of each partition is lost between the client and the inbox."""
    lost: set[int] = set()

    async def deaf(inbox: Inbox, source: str, partition: int, records: Sequence[Any]) -> BatchResult:
        kept = records if partition in lost else records[1:]
        lost.add(partition)
        taken: BatchResult = await take(inbox, source, partition, kept)
        return BatchResult.HELD if not kept else taken

    return deaf


def stall(consumer: ServiceBroker) -> None:
    """What a cancellation within the client leaves behind: nobody reads any more, and nothing says so."""
    (subscriber,) = consumer.broker.subscribers
    for task in subscriber.tasks:  # type: ignore[attr-defined]
        task.cancel()


async def at_least(leg: Leg, count: int) -> bool:
    return await leg.applied() >= count


async def test_two_instances_share_the_partitions_and_a_lost_one_is_replaced(leg: Leg) -> None:
    await leg.add(0, 200)
    async with running(leg.relay(), leg.consumer("a")):
        async with running(leg.consumer("b")):
            await until(lambda: leg.has(200))
            await leg.add(200, 300)
            await until(lambda: leg.has(300))
        await leg.add(300, 400)
        await until(lambda: leg.has(400), seconds=60)
    await leg.check_everything_once_in_order(400)


async def test_what_comes_while_the_broker_holds_an_empty_fetch_is_read_at_once(
    leg: Leg, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it would hold it, and however seldom anyone looks."""
    consumer = leg.consumer()
    (subscriber,) = consumer.broker.subscribers
    subscriber._connection_args["fetch_max_wait_ms"] = 600_000  # type: ignore[attr-defined]
    subscriber._connection_args["request_timeout_ms"] = 700_000  # type: ignore[attr-defined]
    monkeypatch.setattr(relay_term, "WAIT_SECONDS", 600.0)
    async with running(leg.relay(), consumer):
        for count in range(1, 6):
            await leg.add(count - 1, count)
            await until(lambda count=count: leg.has(count))  # type: ignore[misc]
    await leg.check_everything_once_in_order(5)


async def test_a_handler_that_stands_still_delays_no_other_of_its_process(leg: Leg) -> None:
    may_go_on, begun = asyncio.Event(), asyncio.Event()
    consumer = leg.consumer()
    slow = Slow(f"{leg.handler.consumer}.slow", may_go_on, begun)
    inbox = Inbox(
        leg.target,
        slow,
        parked=ParkedRecords(leg.target.connections),
        elsewhere=OwnLog(leg.source),
    )
    consumer.consume(inbox, [SOURCE], topics={SOURCE: leg.names.topic})
    async with running(leg.relay(), consumer):
        await leg.add(0, 10)
        await begun.wait()
        await leg.add(10, 100)
        await until(lambda: leg.has(100))
        assert not slow.handled
        may_go_on.set()
        await until(lambda: len(slow.handled) == 100)
    await leg.check_everything_once_in_order(100)


class Slow(Handler):
    """Handles nothing until it may, and then without effect."""

    contracts: Mapping[str, type] = Noting.contracts

    def __init__(self, consumer: str, may_go_on: asyncio.Event, begun: asyncio.Event) -> None:
        self.consumer = consumer
        self._may_go_on = may_go_on
        self._begun = begun
        self.handled: list[int] = []

    async def handle(self, received: Sequence[Received]) -> Effects:
        self._begun.set()
        await self._may_go_on.wait()
        self.handled += [one.envelope.position for one in received]
        return Effects()


async def test_a_lost_group_reads_the_whole_topic_again_without_effect(leg: Leg) -> None:
    """Another group name begins at the first offset; the stored positions still are the consumer's."""
    await leg.add(0, 100)
    async with running(leg.relay(), leg.relay(), leg.consumer()):
        await until(lambda: leg.has(100))
        again = leg.consumer("again")
        (subscriber,) = again.broker.subscribers
        subscriber.group_id = f"{leg.handler.consumer}.again"  # type: ignore[attr-defined]
        async with running(again):
            await until(lambda: committed_everything(subscriber))
    assert await leg.applied() == 100


async def committed_everything(subscriber: Any) -> bool:
    consumer = subscriber.consumer
    if consumer is None or len(consumer.assignment()) < PARTITIONS:
        return False
    ends = await consumer.end_offsets(list(consumer.assignment()))
    return all([await consumer.committed(place) == end or end == 0 for place, end in ends.items()])


@pytest.fixture
def losing(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Positions that never come to the topic."""
    accept, lost = Producer.accept, set[int]()

    async def accept_others(self: Producer, runs: Mapping[int, Sequence[Record]]) -> list[Ack]:
        kept = {n: [one for one in run if one.envelope.position not in lost] for n, run in runs.items()}
        return await accept(self, kept)

    monkeypatch.setattr(Producer, "accept", accept_others)
    return lost


async def test_an_event_missing_on_the_topic_is_fetched_from_its_source(leg: Leg, losing: set[int]) -> None:
    losing.add(42)
    await leg.add(0, 100)
    async with running(leg.relay(), leg.relay(), leg.consumer()):
        await until(lambda: leg.has(100))
    await leg.check_everything_once_in_order(100)


async def test_a_last_event_missing_on_the_topic_is_fetched_when_the_subscription_stands_still(
    leg: Leg, losing: set[int]
) -> None:
    losing.add(100)
    consumer = leg.consumer()
    await leg.add(0, 100)
    async with running(leg.relay(), consumer):
        await until(lambda: leg.has(99))
        consumer.revive(leg.handler.consumer, SOURCE)
        await until(lambda: leg.has(100))
    await leg.check_everything_once_in_order(100)


async def test_a_lost_answer_of_the_broker_has_no_second_effect(leg: Leg) -> None:
    """The broker took the page; the connection is then cut, or stays open and says nothing until the deadline."""
    async with lossy_broker(leg.names.bootstrap) as (proxy, through):
        async with running(leg.by_way_of(through).relay(), leg.consumer()):
            for number, strike in enumerate([proxy.lose, proxy.hold, proxy.lose, proxy.lose]):
                lost = strike(produce_to(leg.names.topic), Loss.AFTER)
                await leg.add(50 * number, 50 * (number + 1))
                await asyncio.wait_for(lost.wait(), 20)
                await until(lambda count=50 * (number + 1): leg.has(count))  # type: ignore[misc]
        assert proxy.losses == 4
    assert await leg.on_topic() >= 200
    await leg.check_everything_once_in_order(200)


@pytest.fixture
def own_broker() -> Iterator[LocalStack]:
    """A broker that nobody else uses, so that it may be killed."""
    with temporary_stack() as stack:
        start_or_skip(stack.start_kafka())
        yield stack


@pytest.mark.kafka
async def test_a_broker_restart_loses_and_repeats_nothing_and_stops_no_command(
    postgres: PostgresDatabase, own_broker: LocalStack
) -> None:
    async with leg_between(postgres, KafkaBroker(own_broker.kafka_address)) as leg:
        await leg.add(0, 100)
        relay = leg.relay()
        async with running(relay, leg.consumer()) as tasks:
            await until(lambda: leg.has(100))
            await _kill_kafka(own_broker)
            await leg.add(100, 200)
            await until(lambda: not relay.status().broker_connected, seconds=30)
            await own_broker.start_kafka()
            await leg.add(200, 300)
            await until(lambda: leg.has(300), seconds=60)
            assert not any(task.done() for task in tasks)
        await leg.check_everything_once_in_order(300)


async def _kill_kafka(stack: LocalStack) -> None:
    stack.kill()
    await until(lambda: all(child.exit_code is not None for child in stack.children))


def declared(service: str) -> ServiceBroker:
    """The broker of one service with a subscription to each of the others."""
    handler = Noting()
    store: Any = MemoryEventStore()
    inbox = Inbox(store, handler, parked=store, elsewhere=store)
    broker = ServiceBroker(Identity(service=service), BrokerAccess("127.0.0.1:9092"), CONTRACTS[service])
    broker.consume(inbox, [other for other in CONTRACTS if other != service])
    return broker


@pytest.mark.parametrize("service", CONTRACTS)
def test_every_subscription_commits_by_hand_and_has_a_static_member(service: str) -> None:
    subscribers: list[Any] = list(declared(service).broker.subscribers)
    assert len(subscribers) == 4
    for subscriber in subscribers:
        settings = subscriber._connection_args
        assert subscriber.ack_policy is AckPolicy.MANUAL
        assert settings["enable_auto_commit"] is False
        assert settings["auto_offset_reset"] == "earliest"
        assert settings["max_poll_interval_ms"] == MAX_POLL_INTERVAL_MS
        assert settings["fetch_max_wait_ms"] == FETCH_WAIT_MS
        assert subscriber.batch_timeout_ms <= 10
        assert settings["group_instance_id"] == f"{subscriber.group_id}.0"
    assert len({subscriber.group_id for subscriber in subscribers}) == 4


@pytest.mark.parametrize("service", CONTRACTS)
def test_every_published_event_has_a_message_with_a_payload_of_its_own(service: str) -> None:
    types = CONTRACTS[service]
    page = document(declared(service), types, version="1")
    channels = [channel for channel in page["channels"].values() if channel["address"] == topic_of(service)]
    assert [set(channel["messages"]) for channel in channels] == [set(types)]
    for wire_type, cls in types.items():
        message = resolve(page, channels[0]["messages"][wire_type])
        schema = resolve(page, message["payload"])
        assert message["name"] == wire_type
        assert schema["title"] == cls.__name__
        assert set(schema["properties"]) == {field.name for field in fields(cls)}


def resolve(page: Mapping[str, Any], reference: Mapping[str, Any]) -> Any:
    found: Any = page
    for part in reference["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return found


@pytest.mark.parametrize("service", CONTRACTS)
def test_no_reference_of_the_document_leads_nowhere(service: str) -> None:
    page = document(declared(service), CONTRACTS[service], version="1")
    references = list(_references(page))
    assert references
    for reference in references:
        resolve(page, {"$ref": reference})


def _references(part: Any) -> Any:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)
