"""What lies on the topics of the five services: their partitions, and their records."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from careloop.chassis.relay.broker_access import BrokerAccess
from careloop.local.settings import SERVICES

Places = Mapping[str, Sequence[TopicPartition]]
"""The partitions of each service's topic; a topic that is missing has none."""


async def places(access: BrokerAccess) -> Places:
    admin = AIOKafkaAdminClient(**access.arguments())
    await admin.start()
    try:
        wanted = {f"care.{service}.v1": service for service in SERVICES}
        known = sorted(wanted.keys() & set(await admin.list_topics()))
        described = await admin.describe_topics(known) if known else []
        return {
            wanted[one["topic"]]: [TopicPartition(one["topic"], part["partition"]) for part in one["partitions"]]
            for one in described
        }
    finally:
        await admin.close()


@asynccontextmanager
async def reading(access: BrokerAccess) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of no group, so that it changes nothing."""
    consumer = AIOKafkaConsumer(**access.arguments(), enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def records(
    consumer: AIOKafkaConsumer, of: Sequence[TopicPartition], last: int | None = None
) -> AsyncIterator[Any]:
    """All records that these partitions have now, or the `last` of each."""
    consumer.assign(of)
    ends = await consumer.end_offsets(of)
    begins = await consumer.beginning_offsets(of)
    left = {place for place in of if ends[place] > begins[place]}
    for place in left:
        consumer.seek(place, begins[place] if last is None else max(begins[place], ends[place] - last))
    while left:
        for found in (await consumer.getmany(*left, timeout_ms=500)).values():
            for record in found:
                yield record
        left = {place for place in left if await consumer.position(place) < ends[place]}
