"""Answers of the broker are lost under load, and the whole topic is read again.

`CARELOOP_FAULT_KILLS` sets how many answers (200); a twentieth as many are held back, and so often is it read.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from careloop.local.settings import SERVICES
from tests.support.checker.ledger import by_service, everything_arrived, records
from tests.support.checker.long_forms import TIMES
from tests.support.processes.flow import enrolled, flowing
from tests.support.processes.instances import in_place_of
from tests.support.processes.running import System
from tests.support.waiting import until
from tests.support.wires.lossy_proxy import Loss, lossy_broker
from tests.support.wires.protocols import produce_to

pytestmark = [pytest.mark.faults, pytest.mark.timeout(TIMES * 10 + 600)]

TOPIC = "care.monitoring.v1"
CONSUMER = "coordination.care-view"
SILENCES = READINGS = TIMES // 20


async def test_lost_answers_of_the_broker_have_no_second_effect(
    system: System, capsys: pytest.CaptureFixture[str]
) -> None:
    """The broker took the page; then the connection is cut, or stays open without a word until the relay gives up. The
    Kafka client sends it again under its number, which the broker knows; the relay sends it as a new one."""
    cares = await enrolled(system)
    async with (
        lossy_broker(system.stack.kafka_address) as (proxy, address),
        in_place_of(system, "monitoring", environment={"CARELOOP_KAFKA_BOOTSTRAP": address}),
    ):
        async with flowing(system, cares, pause=0.05) as flow:
            for strike in [proxy.lose] * TIMES + [proxy.hold] * SILENCES:
                await asyncio.wait_for(strike(produce_to(TOPIC), Loss.AFTER).wait(), 30)
                await flow.go_on(8)
        await until(lambda: everything_arrived(system), seconds=60)
    assert proxy.losses == TIMES + SILENCES
    await flow.check()
    with capsys.disabled():
        sys.stdout.write(f"\n{len(flow.acknowledged)} commands, {await repeats(system)} records sent again\n")


async def repeats(system: System) -> int:
    """How many records of monitoring are on the topic once more."""
    seen = by_service(await records(system))["monitoring"]
    return len(seen) - len({(one.place, one.position) for one in seen})


async def test_the_whole_topic_is_read_again_under_load(system: System) -> None:
    """The offsets of all consumer groups of the care view go back to the first; commands flow all the while."""
    async with flowing(system, await enrolled(system), pause=0.1) as flow:
        for _ in range(READINGS):
            await flow.go_on(50)
            await system.supervisor.kill_service("coordination", signal.SIGTERM)
            await asyncio.gather(*(set_back(system, source) for source in SERVICES))
            system.supervisor.start_service("coordination")
            await asyncio.gather(*(read_again(system, source) for source in SERVICES))
    await flow.check()


@asynccontextmanager
async def group_of(system: System, source: str) -> AsyncIterator[tuple[AIOKafkaConsumer, dict[TopicPartition, int]]]:
    """The care view's consumer group of this source, to look at and to set; and where the topic ends now."""
    places = [TopicPartition(f"care.{source}.v1", n) for n in range(system.stack.settings.partitions)]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=system.stack.kafka_address, group_id=f"{CONSUMER}.{source}", enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign(places)
        yield consumer, await consumer.end_offsets(places)
    finally:
        await consumer.stop()


async def set_back(system: System, source: str) -> None:
    """To the first offset, as soon as the broker has given the group's last member up."""
    async with group_of(system, source) as (consumer, ends):
        await until(lambda: is_committed(consumer, dict.fromkeys(ends, 0)), seconds=60)


async def is_committed(consumer: AIOKafkaConsumer, offsets: Mapping[TopicPartition, int]) -> bool:
    with suppress(KafkaError):
        await consumer.commit(offsets)
        return True
    return False


async def read_again(system: System, source: str) -> None:
    """Return when the group has read from where it was set back to what is the end now."""
    async with group_of(system, source) as (consumer, ends):
        await until(lambda: are_read(consumer, ends), seconds=120)


async def are_read(consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> bool:
    return all([(await consumer.committed(place) or 0) >= end for place, end in ends.items()])
