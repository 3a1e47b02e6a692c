"""What is handed to the producer: batches in order, each record whole, and every wait with a deadline."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from msgspec import structs

from careloop.chassis.events.envelope import Record, to_headers
from careloop.chassis.relay.broker_access import BrokerAccess
from careloop.chassis.relay.heads import PublishedHead
from careloop.chassis.relay.producer import Producer
from tests.support.histories.log import NOON, patient, record

ANN, BEN = patient(1), patient(2)


class Batch:
    """Room for two records."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []

    def append(self, **told: Any) -> object | None:
        if len(self.records) == 2:
            return None
        self.records.append(told)
        return object()


class KafkaProducer:
    """What a sender asks of its producer. `slow` names the calls that never end."""

    def __init__(self, *slow: str) -> None:
        self.slow = set(slow)
        self.batches: list[tuple[str, int, list[dict[str, Any]]]] = []
        self.values: list[tuple[str, bytes, bytes]] = []
        self.acks: list[asyncio.Future[None]] = []
        self.client = self._sender = self
        self.closed: list[str] = []
        self.failure: BaseException | None = None

    async def _maybe(self, name: str) -> None:
        if name in self.slow:
            await asyncio.Event().wait()

    async def start(self) -> None:
        await self._maybe("start")

    async def partitions_for(self, topic: str) -> set[int]:
        await self._maybe("partitions")
        return set(range(len(topic)))

    async def stop(self) -> None:
        await self._maybe("stop")
        self.closed.append("stop")
        if self.failure is not None:
            raise self.failure

    async def close(self) -> None:
        self.closed.append("close")

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> Any:
        await self._maybe("send")
        self.batches.append((topic, partition, batch.records))
        return self._ack()

    async def send(self, topic: str, value: bytes, *, key: bytes) -> Any:
        await self._maybe("send")
        self.values.append((topic, value, key))
        return self._ack()

    def _ack(self) -> "asyncio.Future[None]":
        self.acks.append(asyncio.get_running_loop().create_future())
        if "acknowledge" not in self.slow:
            self.acks[-1].set_result(None)
        return self.acks[-1]


@asynccontextmanager
async def sending(producer: KafkaProducer, deadline: float = 5) -> AsyncIterator[Producer]:
    sender = Producer(BrokerAccess("127.0.0.1:1"), "events", "heads", deadline_seconds=deadline)
    await sender._client.client.close()
    sender._client = producer
    yield sender


def head(partition: int) -> PublishedHead:
    return PublishedHead(service="monitoring", partition=partition, position=7, complete_through=NOON)


def positions(records: Sequence[dict[str, Any]]) -> list[bytes]:
    return [dict(one["headers"])["ce_position"] for one in records]


async def test_a_record_goes_out_keyed_by_its_patient_with_its_moment_headers_and_value() -> None:
    producer, plain = KafkaProducer(), record(3, 0, ANN)
    recorded_at = NOON + timedelta(milliseconds=5)
    one = structs.replace(plain, envelope=structs.replace(plain.envelope, recorded_at=recorded_at))
    async with sending(producer) as sender:
        await sender.accept({2: [one]})
    assert producer.batches == [
        (
            "events",
            2,
            [
                {
                    "key": str(ANN).encode(),
                    "value": one.value,
                    "timestamp": int(NOON.timestamp()) * 1000 + 5,
                    "headers": to_headers(one.envelope),
                }
            ],
        )
    ]


async def test_what_does_not_fit_into_a_batch_is_in_the_next_and_nothing_is_left_out() -> None:
    producer = KafkaProducer()
    run: list[Record] = [record(n, n - 1, ANN) for n in range(1, 6)]
    async with sending(producer) as sender:
        acks = await sender.accept({0: run, 1: [record(9, 0, BEN)]})
    of_first = [positions(records) for _topic, partition, records in producer.batches if partition == 0]
    assert of_first == [[b"1", b"2"], [b"3", b"4"], [b"5"]]
    assert [positions(records) for _topic, partition, records in producer.batches if partition == 1] == [[b"9"]]
    assert len(acks) == 4
    assert set(acks) == set(producer.acks)


async def test_nothing_is_sent_of_nothing() -> None:
    producer = KafkaProducer()
    async with sending(producer) as sender:
        assert await sender.accept({}) == []
        assert await sender.accept({0: []}) == []
        await sender.delivered([])
    assert producer.batches == []


async def test_a_start_answers_how_many_partitions_the_topic_has() -> None:
    async with sending(KafkaProducer()) as sender:
        assert await sender.start() == len("events")


async def test_heads_go_to_their_topic_by_their_keys_and_are_waited_for() -> None:
    producer = KafkaProducer("acknowledge")
    async with sending(producer) as sender:
        telling = asyncio.create_task(sender.send_heads(head(n) for n in range(2)))
        for _ in range(10):
            await asyncio.sleep(0)
        assert producer.values == [("heads", head(n).encode(), head(n).key) for n in range(2)]
        assert not telling.done()
        for ack in producer.acks:
            ack.set_result(None)
        await asyncio.wait_for(telling, 5)


async def test_what_is_delivered_was_acknowledged_every_one() -> None:
    producer = KafkaProducer("acknowledge")
    async with sending(producer) as sender:
        acks = await sender.accept({0: [record(1, 0, ANN)], 1: [record(2, 0, BEN)]})
        delivering = asyncio.create_task(sender.delivered(acks))
        producer.acks[0].set_result(None)
        for _ in range(10):
            await asyncio.sleep(0)
        assert not delivering.done()
        producer.acks[1].set_exception(KafkaConnectionError("gone"))
        with pytest.raises(KafkaConnectionError):
            await delivering


@pytest.mark.parametrize("slow", ["start", "partitions", "send", "acknowledge"])
async def test_every_wait_for_the_broker_has_a_deadline(slow: str) -> None:
    async with sending(KafkaProducer(slow), deadline=0.01) as sender, asyncio.timeout(5):
        every: dict[str, list[Any]] = {
            "start": [sender.start],
            "partitions": [sender.start],
            "send": [lambda: sender.accept({0: [record(1, 0, ANN)]}), lambda: sender.send_heads([head(0)])],
            "acknowledge": [
                lambda: sender.delivered([asyncio.get_running_loop().create_future()]),
                lambda: sender.send_heads([head(0)]),
            ],
        }
        for step in every[slow]:
            with pytest.raises(TimeoutError):
                await step()


async def test_a_producer_that_stops_is_closed_once() -> None:
    producer = KafkaProducer()
    async with sending(producer) as sender:
        await sender.close()
    assert producer.closed == ["stop"]


@pytest.mark.parametrize("failure", [KafkaConnectionError("gone"), OSError("gone"), asyncio.CancelledError()])
async def test_one_that_fails_to_stop_is_closed_in_its_parts(failure: BaseException) -> None:
    producer = KafkaProducer()
    producer.failure = failure
    async with sending(producer) as sender:
        await sender.close()
    assert producer.closed == ["stop", "close", "close"]
