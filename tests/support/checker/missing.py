"""What is missing where, and how far each part says that it has come: what a failed form tells of itself."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from careloop.chassis.events.partitioner import partition_of
from careloop.chassis.relay.heads import HEADS_TOPIC
from careloop.kernel.ids import PatientId
from tests.support.checker.ledger import (
    PUBLISHED,
    by_service,
    journal,
    overtaking,
    published_in_stores,
    records,
    tables,
    times_stored,
)
from tests.support.processes.running import System

RUNS_SHOWN = 12
_CONSUMED = "select consumer, source, partition, position from {schema}.consumed_positions order by 1, 2, 3"
_PARKED = """
    select consumer, source, patient_id, min(position) as first, count(*) as waiting,
        (array_agg(reason order by position))[1] as reason
    from {schema}.parked group by consumer, source, patient_id order by 1, 2, 3"""


async def explained(system: System, acknowledged: Iterable[str]) -> str:
    """Every place where an event is missing, and every position, offset and head that may say why."""
    lines = [
        f"not stored: {command}" for command, times in (await times_stored(system, acknowledged)).items() if not times
    ]
    seen = await records(system)
    lines += [f"overtaken: {one.place.topic} {one.place.partition} {one.position}" for one in overtaking(seen)]
    stores, journaled, topics = await published_in_stores(system), await journal(system), by_service(seen)
    async with tables(system) as connection:
        for service, stored in stores.items():
            on_topic = {(one.position, one.event_id) for one in topics[service]}
            for where, there in (("topic", on_topic), ("journal", set(journaled[service]))):
                gone = sorted(position for position, _event in set(stored) - there)
                lines += await _by_partition(system, connection, service, where, gone)
            lines += [await _checkpoint(connection, service), *await _consumers(connection, service)]
    return "\n".join([*lines, *await _offsets(system), *await _heads(system)])


async def _by_partition(
    system: System, connection: asyncpg.Connection, service: str, where: str, positions: list[int]
) -> list[str]:
    rows = await connection.fetch(
        f"select notification_id, originator_id from {service}.events where notification_id = any($1) order by 1",
        positions,
    )
    found: dict[int, list[int]] = defaultdict(list)
    patients: dict[int, set[PatientId]] = defaultdict(set)
    for row in rows:
        partition = partition_of(PatientId(row["originator_id"]), system.stack.settings.partitions)
        found[partition].append(row["notification_id"])
        patients[partition].add(row["originator_id"])
    return [
        f"missing: {service} {where} partition {partition}: "
        f"{len(missing)} events of {len(patients[partition])} patients, {', '.join(list(_runs(missing))[:RUNS_SHOWN])}"
        for partition, missing in sorted(found.items())
    ]


def _runs(positions: Iterable[int]) -> Iterator[str]:
    """Positions that follow each other at most 100 apart, as `first..last`."""
    first = last = 0
    for position in positions:
        if first and position - last > 100:
            yield f"{first}..{last}"
            first = 0
        first, last = first or position, position
    if first:
        yield f"{first}..{last}"


async def _checkpoint(connection: asyncpg.Connection, service: str) -> str:
    row = await connection.fetchrow(
        f"""select epoch, position, last_published, updated_at,
            (select max(notification_id) from {service}.events) as head from {service}.relay_checkpoint"""
    )
    return f"relay: {service} {dict(row) if row else 'never ran'}"


async def _consumers(connection: asyncpg.Connection, service: str) -> list[str]:
    """How far this service's consumers are, and whom they have parked."""
    consumed = await connection.fetch(_CONSUMED.format(schema=service))
    parked = await connection.fetch(_PARKED.format(schema=service))
    places: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in consumed:
        places[row["consumer"], row["source"]].append(f"{row['partition']}:{row['position']}")
    return [
        *(f"consumed: {consumer} of {source} {' '.join(found)}" for (consumer, source), found in places.items()),
        *(f"parked: {dict(row)}" for row in parked),
    ]


async def _offsets(system: System) -> list[str]:
    """Of each consumer group the committed offsets beside the ends of its topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=system.stack.kafka_address)
    await admin.start()
    try:
        groups = sorted(name for name, _protocol in await admin.list_consumer_groups())
        committed = {group: await admin.list_consumer_group_offsets(group) for group in groups}
    finally:
        await admin.close()
    ends = await _ends(system)
    return [
        f"offsets: {group} "
        + " ".join(f"{place.partition}:{at.offset}/{ends.get(place)}" for place, at in sorted(of.items()))
        for group, of in committed.items()
    ]


async def _ends(system: System) -> dict[TopicPartition, int]:
    places = [
        TopicPartition(f"care.{service}.v1", partition)
        for service in PUBLISHED
        for partition in range(system.stack.settings.partitions)
    ]
    consumer = AIOKafkaConsumer(bootstrap_servers=system.stack.kafka_address)
    await consumer.start()
    try:
        found: dict[TopicPartition, int] = await consumer.end_offsets(places)
        return found
    finally:
        await consumer.stop()


async def _heads(system: System) -> list[str]:
    """The newest head of each partition, as it was told."""
    place = TopicPartition(HEADS_TOPIC, 0)
    consumer = AIOKafkaConsumer(bootstrap_servers=system.stack.kafka_address, auto_offset_reset="earliest")
    await consumer.start()
    newest: dict[str, str] = {}
    try:
        consumer.assign([place])
        end = (await consumer.end_offsets([place]))[place]
        while await consumer.position(place) < end:
            for record in (await consumer.getmany(place, timeout_ms=500)).get(place, ()):
                newest[(record.key or b"").decode()] = (record.value or b"").decode()
    finally:
        await consumer.stop()
    return [f"head: {newest[key]}" for key in sorted(newest)]
