"""What a subscription has under way at the same time, and what it does when a batch is let go."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import TopicPartition

from careloop.chassis.consuming.inbox import BatchResult
from careloop.chassis.consuming.subscription import Subscription
from tests.support.waiting import until

TOPIC = "care.assessment.v1"


@dataclass(frozen=True)
class Delivered:
    topic: str
    partition: int
    offset: int


def batch(partition: int, first: int, count: int = 1) -> list[Delivered]:
    return [Delivered(TOPIC, partition, first + n) for n in range(count)]


class Answering:
    """An inbox that is told of each batch, by its partition and first offset, when it ends and what becomes of it."""

    consumer = "coordination.view"
    most_records = 4

    def __init__(self) -> None:
        self.begun: list[tuple[int, int]] = []
        self._answers: dict[tuple[int, int], asyncio.Future[BatchResult]] = defaultdict(asyncio.Future)

    def answer(self, partition: int, offset: int, taken: BatchResult) -> None:
        self._answers[partition, offset].set_result(taken)

    async def take(self, source: str, partition: int, records: list[Delivered]) -> BatchResult:
        assert source == "assessment"
        key = (partition, records[0].offset)
        self.begun.append(key)
        return await self._answers[key]


@dataclass
class Client:
    """What the subscription asks of the Kafka client."""

    sought: list[tuple[int, int]] = field(default_factory=list)
    committed: dict[int, int] = field(default_factory=dict)

    def seek(self, place: TopicPartition, offset: int) -> None:
        self.sought.append((place.partition, offset))

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        self.committed |= {place.partition: offset for place, offset in offsets.items()}


@dataclass
class Subscriber:
    consumer: Client


@pytest.fixture
async def inbox() -> Answering:
    return Answering()


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def subscription(inbox: Answering, client: Client) -> Subscription:
    made: Any = Subscription(inbox, "assessment")  # type: ignore[arg-type]
    made.subscriber = Subscriber(client)
    return made  # type: ignore[no-any-return]


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_next_is_begun_while_the_store_commits_and_a_partition_keeps_its_order(
    inbox: Answering, client: Client, subscription: Subscription
) -> None:
    await subscription.take(batch(0, 10))
    await settled()
    await subscription.take([*batch(0, 11), *batch(1, 20)])
    await settled()
    assert inbox.begun == [(0, 10), (1, 20)]
    inbox.answer(0, 10, BatchResult.DONE)
    await settled()
    assert inbox.begun == [(0, 10), (1, 20), (0, 11)]
    inbox.answer(1, 20, BatchResult.HELD)
    inbox.answer(0, 11, BatchResult.DONE)
    await settled()
    await until(lambda: client.committed == {0: 12})


async def test_no_more_is_read_while_as_much_is_in_hand_as_the_inbox_is_glad_of(
    inbox: Answering, subscription: Subscription
) -> None:
    reading = asyncio.create_task(subscription.take([*batch(0, 0, 3), *batch(1, 0, 2)]))
    await settled()
    assert not reading.done()
    inbox.answer(1, 0, BatchResult.DONE)
    await asyncio.wait_for(reading, 5)


async def test_what_came_behind_a_batch_that_was_let_go_is_left_to_come_again(
    inbox: Answering, client: Client, subscription: Subscription
) -> None:
    for first in (10, 11, 12):
        await subscription.take(batch(0, first))
    await settled()
    inbox.answer(0, 10, BatchResult.AGAIN)
    await settled()
    assert (inbox.begun, client.sought, client.committed) == ([(0, 10)], [(0, 10)], {})
    await subscription.take(batch(0, 10, 3))
    await settled()
    assert inbox.begun == [(0, 10), (0, 10)]


async def test_a_bug_ends_with_the_one_who_reads(inbox: Answering, subscription: Subscription) -> None:
    await subscription.take(batch(0, 10))
    await settled()
    inbox._answers[0, 10].set_exception(ZeroDivisionError())
    await settled()
    with pytest.raises(ZeroDivisionError):
        await subscription.take(batch(1, 20))
    await subscription.finish()


async def test_the_end_waits_for_what_is_under_way(inbox: Answering, subscription: Subscription) -> None:
    await subscription.take(batch(0, 10))
    ending = asyncio.create_task(subscription.finish())
    await settled()
    assert not ending.done()
    inbox.answer(0, 10, BatchResult.DONE)
    await asyncio.wait_for(ending, 5)
