"""How fresh a consumer is, from what sources told of themselves."""

import asyncio
from datetime import datetime, timedelta

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from structlog.testing import capture_logs

from careloop.chassis.relay import heads
from careloop.chassis.relay.broker_access import BrokerAccess
from careloop.chassis.relay.heads import HISTORY, HeadsReader, HeadsView, PublishedHead
from tests.support.histories.log import NOON
from tests.support.stack import KafkaBroker
from tests.support.waiting import until


def at(seconds: int) -> datetime:
    return NOON + timedelta(seconds=seconds)


def head(position: int, seconds: int, partition: int = 0) -> PublishedHead:
    return PublishedHead(service="monitoring", partition=partition, position=position, complete_through=at(seconds))


def view(*heads: PublishedHead) -> HeadsView:
    result = HeadsView()
    for one in heads:
        result.note(one)
    return result


def test_nothing_is_fresh_before_a_head_came() -> None:
    assert HeadsView().fresh_as_of("monitoring", 0, 10) is None
    assert HeadsView().head("monitoring", 0) == 0


def test_who_consumed_the_head_is_fresh_as_of_it() -> None:
    assert view(head(5, 1)).fresh_as_of("monitoring", 0, 5) == at(1)
    assert view(head(5, 1)).fresh_as_of("monitoring", 0, 9) == at(1)


def test_an_idle_source_is_fresh_at_position_0() -> None:
    assert view(head(0, 7)).fresh_as_of("monitoring", 0, 0) == at(7)


def test_a_newer_head_not_yet_consumed_leaves_the_older_one_true() -> None:
    known = view(head(5, 1), head(8, 2), head(9, 3))
    assert known.fresh_as_of("monitoring", 0, 8) == at(2)
    assert known.fresh_as_of("monitoring", 0, 4) is None
    assert known.head("monitoring", 0) == 9


def test_order_of_arrival_does_not_matter() -> None:
    known = view(head(9, 3), head(5, 1), head(5, 2), head(5, 0))
    assert known.fresh_as_of("monitoring", 0, 6) == at(2)
    assert known.head("monitoring", 0) == 9


def test_partitions_are_apart() -> None:
    assert view(head(5, 1)).fresh_as_of("monitoring", 1, 5) is None


def test_what_is_kept_is_bounded_and_the_newest_stays() -> None:
    known = view(*(head(n, n) for n in range(1, HISTORY + 11)))
    assert known.fresh_as_of("monitoring", 0, 10) is None
    assert known.fresh_as_of("monitoring", 0, HISTORY + 10) == at(HISTORY + 10)


def test_what_is_not_a_head_is_passed_over() -> None:
    known = HeadsView()
    with capture_logs() as logged:
        known.note_all([b"{", None, head(5, 1).encode()])
    assert known.head("monitoring", 0) == 5
    assert logged == [{"event": "malformed head", "log_level": "error"}] * 2


async def test_the_reader_reads_every_partition_from_the_beginning(kafka: KafkaBroker) -> None:
    topic = await kafka.topic("heads", partitions=2, cleanup_policy="compact")
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)
    await producer.start()
    try:
        for partition in (0, 1):
            told = head(5, 1, partition)
            await producer.send_and_wait(topic, told.encode(), key=told.key, partition=partition)
        reader = HeadsReader(BrokerAccess(kafka.bootstrap), HeadsView(), topic)
        reading = asyncio.create_task(reader.run())
        await until(lambda: reader.view.head("monitoring", 0) == reader.view.head("monitoring", 1) == 5)
        later = head(6, 2)
        await producer.send_and_wait(topic, later.encode(), key=later.key, partition=0)
        await until(lambda: reader.view.head("monitoring", 0) == 6)
        assert reader.connected
        reading.cancel()
    finally:
        await producer.stop()


async def test_a_reader_that_hears_nothing_takes_a_new_client(
    kafka: KafkaBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the old one ends: the client lets its own cancellations out."""
    topic = await kafka.topic("heads", cleanup_policy="compact")
    stop, ended = AIOKafkaConsumer.stop, []

    async def cancelled_within(self: AIOKafkaConsumer) -> None:
        await stop(self)
        ended.append(self)
        raise asyncio.CancelledError

    monkeypatch.setattr(AIOKafkaConsumer, "stop", cancelled_within)
    monkeypatch.setattr(heads, "SILENCE_SECONDS", 0.2)
    reader = HeadsReader(BrokerAccess(kafka.bootstrap), HeadsView(), topic)
    reading = asyncio.create_task(reader.run())
    await until(lambda: len(ended) >= 2)
    monkeypatch.setattr(heads, "SILENCE_SECONDS", 10.0)
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        await producer.send_and_wait(topic, head(5, 1).encode(), key=head(5, 1).key)
    await until(lambda: reader.view.head("monitoring", 0) == 5)
    reading.cancel()
    await asyncio.wait([reading])
    assert reading.cancelled()
