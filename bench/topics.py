"""Topics of a run: made anew, and read back whole to see what is really on them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from bench.servers import Servers
from careloop.chassis.relay.broker_access import BrokerAccess
from careloop.local.topics import create_topics, read_list

PATIENCE_SECONDS = 30.0


async def fresh_topics(servers: Servers) -> None:
    """All topics of careloop/local/topics.yaml, empty."""
    await servers.start_kafka()
    names = [topic.name for topic in read_list()]
    async with _admin(servers.kafka) as admin:
        there = set(await admin.list_topics()) & set(names)
        if there:
            await admin.delete_topics(sorted(there))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while set(await admin.list_topics()) & set(names):
                await asyncio.sleep(0.05)
            while not await _made(servers):
                await asyncio.sleep(0.1)


async def _made(servers: Servers) -> bool:
    """False while the broker is still taking the old ones away."""
    try:
        await create_topics(
            BrokerAccess(servers.kafka), read_list(), partitions=servers.stack.settings.partitions, replicas=1
        )
    except KafkaError:
        return False
    return True


async def read_topic(servers: Servers, topic: str) -> AsyncIterator[Sequence[ConsumerRecord]]:
    """Runs of a topic's records from its beginning to its present end, each of one partition."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=servers.kafka, auto_offset_reset="earliest", max_partition_fetch_bytes=8 * 1024 * 1024
    )
    await consumer.start()
    try:
        places = [TopicPartition(topic, each) for each in range(servers.stack.settings.partitions)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        left = {place for place in places if ends[place] > 0}
        while left:
            for place, records in (await consumer.getmany(*left, timeout_ms=1000)).items():
                yield records
                if records[-1].offset + 1 >= ends[place]:
                    left.discard(place)
    finally:
        await consumer.stop()


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()
