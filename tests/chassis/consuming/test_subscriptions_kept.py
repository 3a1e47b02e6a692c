"""A subscription at both sides of its limits: when it gets a new client, what it reads on, what it commits."""

import asyncio
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog
from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from careloop.chassis.consuming.inbox import BatchResult
from careloop.chassis.consuming.subscription import Subscription, topic_of, undecoded, whole_batch
from careloop.chassis.logs import set_up_logs
from tests.support.waiting import until

SOURCE = "assessment"
TOPIC = topic_of(SOURCE)


@dataclass(frozen=True)
class Delivered:
    partition: int
    offset: int
    topic: str = TOPIC


def batch(partition: int, first: int, count: int = 1) -> list[Delivered]:
    return [Delivered(partition, first + n) for n in range(count)]


class Inbox:
    """Answers every batch as it was told to, or when `may_answer` is set; keeps what it was told."""

    consumer = "coordination.view"

    def __init__(self, most_records: int = 100) -> None:
        self.most_records = most_records
        self.holding = False
        self.told: list[tuple[Any, ...]] = []
        self.taken: list[tuple[int, int, int]] = []
        self.answers: list[BatchResult] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    def holds_any(self, source: str) -> bool:
        assert source == SOURCE
        return self.holding

    def forget(self, source: str, partition: int) -> None:
        self.told.append(("forget", source, partition))

    def forget_all(self, source: str) -> None:
        self.told.append(("forget all", source))

    def doubt(self, source: str, partition: int) -> None:
        self.told.append(("doubt", source, partition))

    async def take(self, source: str, partition: int, records: list[Delivered]) -> BatchResult:
        assert source == SOURCE
        self.taken.append((partition, records[0].offset, len(records)))
        await self.may_answer.wait()
        return self.answers.pop(0) if self.answers else BatchResult.DONE


@dataclass
class Client:
    """A Kafka client that owns some partitions."""

    owned: Iterable[int] = ()
    sought: list[tuple[int, int]] = field(default_factory=list)
    committed: list[dict[int, int]] = field(default_factory=list)
    failure: Exception | None = None

    def assignment(self) -> set[TopicPartition]:
        return {TopicPartition(TOPIC, n) for n in self.owned}

    def seek(self, place: TopicPartition, offset: int) -> None:
        if self.failure is not None:
            raise self.failure
        self.sought.append((place.partition, offset))

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        if self.failure is not None:
            raise self.failure
        self.committed.append({place.partition: offset for place, offset in offsets.items()})


class Subscriber:
    """Has a client; every start takes a new one. Fails to start so often, then starts."""

    def __init__(self, client: Client | None = None) -> None:
        self.consumer = client
        self.told: list[str] = []
        self.failures: list[Exception] = []

    async def start(self) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.told.append("start")
        self.consumer = Client()

    async def stop(self) -> None:
        self.told.append("stop")


def subscribed(inbox: Inbox, client: Client | None = None) -> tuple[Any, Subscriber]:
    made: Any = Subscription(inbox, SOURCE)  # type: ignore[arg-type]
    made.subscriber = Subscriber(client or Client())
    return made, made.subscriber


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    set_up_logs("coordination", stream)
    yield stream
    structlog.reset_defaults()


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_one_that_stands_still_gets_a_new_client_and_begins_anew() -> None:
    inbox = Inbox()
    subscription, subscriber = subscribed(inbox, Client(owned=(1,)))
    keeping = asyncio.create_task(subscription.keep())
    await settled()
    assert subscriber.told == []
    subscription.revive()
    await until(lambda: subscriber.told == ["stop", "start"])
    await settled()
    assert inbox.told == [("forget all", SOURCE), ("doubt", SOURCE, 1)]
    subscription.revive()
    await until(lambda: subscriber.told == ["stop", "start"] * 2)
    keeping.cancel()


async def test_one_whose_client_never_started_gets_another() -> None:
    inbox = Inbox()
    subscription, subscriber = subscribed(inbox)
    subscriber.consumer = None
    keeping = asyncio.create_task(subscription.keep())
    subscription.revive()
    await until(lambda: subscriber.told == ["stop", "start"])
    await settled()
    assert inbox.told == [("forget all", SOURCE)]
    keeping.cancel()


async def test_a_broker_that_is_away_is_asked_again_for_the_new_client() -> None:
    subscription, subscriber = subscribed(Inbox())
    subscriber.failures = [KafkaError(), OSError()]
    keeping = asyncio.create_task(subscription.keep())
    subscription.revive()
    await until(lambda: subscriber.told == ["stop", "stop", "stop", "start"])
    keeping.cancel()


async def test_one_that_waits_for_a_missing_record_keeps_its_client_five_times() -> None:
    inbox = Inbox()
    inbox.holding = True
    subscription, subscriber = subscribed(inbox)
    keeping = asyncio.create_task(subscription.keep())
    for _ in range(5):
        subscription.revive()
        await settled()
    assert subscriber.told == []
    subscription.revive()
    await until(lambda: subscriber.told == ["stop", "start"])
    for _ in range(5):
        subscription.revive()
        await settled()
    assert subscriber.told == ["stop", "start"]
    keeping.cancel()


async def test_one_that_holds_nothing_any_more_is_spared_afresh_later() -> None:
    inbox = Inbox()
    subscription, subscriber = subscribed(inbox)
    keeping = asyncio.create_task(subscription.keep())
    inbox.holding = True
    for _ in range(4):
        subscription.revive()
    inbox.holding = False
    subscription.revive()
    await until(lambda: subscriber.told == ["stop", "start"])
    inbox.holding = True
    for _ in range(5):
        subscription.revive()
        await settled()
    assert subscriber.told == ["stop", "start"]
    keeping.cancel()


async def test_partitions_that_are_revoked_are_forgotten_each() -> None:
    inbox = Inbox()
    subscription, _subscriber = subscribed(inbox)
    subscription.revoked([2, 0])
    assert inbox.told == [("forget", SOURCE, 2), ("forget", SOURCE, 0)]


async def test_what_a_revoked_partition_had_under_way_moves_no_offset() -> None:
    inbox, client = Inbox(most_records=4), Client()
    inbox.may_answer.clear()
    subscription, _subscriber = subscribed(inbox, client)
    await subscription.take(batch(0, 10))
    await settled()
    subscription.revoked([0])
    inbox.may_answer.set()
    await settled()
    assert (client.committed, client.sought) == ([], [])


async def test_what_gathered_for_a_revoked_partition_is_not_begun() -> None:
    inbox = Inbox(most_records=4)
    inbox.may_answer.clear()
    subscription, _subscriber = subscribed(inbox)
    for first in (10, 11):
        await subscription.take(batch(0, first))
        await settled()
    subscription.revoked([0])
    inbox.may_answer.set()
    await settled()
    assert inbox.taken == [(0, 10, 1)]


async def test_what_is_done_is_committed_as_the_next_offset_of_its_partition() -> None:
    client = Client()
    subscription, _subscriber = subscribed(Inbox(), client)
    await subscription.take([*batch(0, 10, 3), *batch(1, 20, 2)])
    await until(lambda: bool(client.committed))
    assert client.committed == [{0: 13, 1: 22}]


async def test_a_client_that_has_ended_has_nothing_to_commit_with(lines: io.StringIO) -> None:
    subscription, subscriber = subscribed(Inbox())
    subscriber.consumer = None
    await subscription._commit({TopicPartition(TOPIC, 0): 11})
    assert not lines.getvalue(), "it comes again, as after any end"


async def test_a_commit_that_is_lost_ends_nothing_and_is_told(lines: io.StringIO) -> None:
    clients = [Client(failure=failure) for failure in (KafkaError(), IllegalStateError(), OSError())]
    subscriptions = [subscribed(Inbox(), client)[0] for client in clients]
    for subscription, client in zip(subscriptions, clients, strict=True):
        await subscription.take(batch(0, 10))
        await settled()
        client.failure = None
        await subscription.take(batch(0, 11))
    await until(lambda: [client.committed for client in clients] == [[{0: 12}]] * 3)
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert {(one["event"], one["consumer"], one["source"]) for one in told} == {
        ("offsets not committed", "coordination.view", SOURCE)
    }
    assert [one["error_type"] for one in told] == ["KafkaError", "IllegalStateError", "OSError"]


@pytest.mark.parametrize(
    ("outcomes", "committed"), [([BatchResult.HELD, BatchResult.DONE], [{0: 12}]), ([BatchResult.HELD], [])]
)
async def test_what_is_held_is_committed_with_what_follows_it_and_not_before(
    outcomes: list[BatchResult], committed: list[dict[int, int]]
) -> None:
    inbox, client = Inbox(), Client()
    inbox.answers = list(outcomes)
    subscription, _subscriber = subscribed(inbox, client)
    for first in (10, 11)[: len(outcomes)]:
        await subscription.take(batch(0, first))
        await settled()
    await settled()
    assert (client.committed, client.sought) == (committed, [])


async def test_what_must_come_again_is_read_from_the_first_that_is_not_done() -> None:
    inbox, client = Inbox(), Client()
    inbox.answers = [BatchResult.HELD, BatchResult.AGAIN, BatchResult.AGAIN]
    subscription, _subscriber = subscribed(inbox, client)
    for first in (10, 11, 20):
        await subscription.take(batch(0, first))
        await settled()
    assert client.sought == [(0, 10), (0, 20)]


async def test_a_partition_that_is_not_ours_any_more_is_not_sought() -> None:
    inbox, client = Inbox(), Client(failure=IllegalStateError())
    inbox.answers = [BatchResult.AGAIN]
    subscription, _subscriber = subscribed(inbox, client)
    await subscription.take(batch(0, 10))
    await settled()
    client.failure = None
    await subscription.take(batch(0, 10))
    await until(lambda: client.committed == [{0: 11}])


@pytest.mark.parametrize(("count", "waits"), [(4, True), (5, False), (99, False), (100, True), (101, True)])
async def test_who_catches_up_reads_on_until_so_much_is_in_hand(count: int, waits: bool) -> None:
    """A twentieth of what the inbox is glad of shows that there is more."""
    inbox = Inbox(most_records=100)
    inbox.answers = [BatchResult.HELD]
    inbox.may_answer.clear()
    subscription, _subscriber = subscribed(inbox)
    reading = asyncio.create_task(subscription.take(batch(0, 0, count)))
    await settled()
    assert reading.done() is not waits
    inbox.may_answer.set()
    await asyncio.wait_for(reading, 5)


async def test_an_end_leaves_nothing_to_wait_for() -> None:
    subscription, _subscriber = subscribed(Inbox())
    await asyncio.wait_for(subscription.finish(), 5)
    await subscription.take(batch(0, 0))
    await asyncio.wait_for(subscription.finish(), 5)


async def test_a_batch_is_handed_over_as_it_came() -> None:
    records: Any = tuple(batch(0, 0, 2))
    message = await whole_batch(records)
    assert await undecoded(message) is records


def test_a_topic_and_a_group_are_named_by_service_and_consumer() -> None:
    subscription, _subscriber = subscribed(Inbox())
    assert (TOPIC, subscription.group) == ("care.assessment.v1", "coordination.view.assessment")
