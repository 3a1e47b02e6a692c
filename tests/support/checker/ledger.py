"""What a running system stored, published and journaled, read straight from its tables and topics."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from careloop.contracts import assessment, coordination, monitoring, notifications, prescribing
from tests.support.processes.running import System

PUBLISHED = {
    "assessment": assessment.TYPES,
    "prescribing": prescribing.TYPES,
    "monitoring": monitoring.TYPES,
    "notifications": notifications.TYPES,
    "coordination": coordination.TYPES,
}
Places = dict[str, list[tuple[int, str]]]
"""Position and event id of each event, in the order of positions, per service."""
Lost = Callable[[str, int], bool]
"""Whether the topic of this service lost what is at this position, because a test made it."""


def nothing(_service: str, _position: int) -> bool:
    """What is lost where no test sees to it."""
    return False


@asynccontextmanager
async def tables(system: System, schema: str = "public") -> AsyncIterator[asyncpg.Connection]:
    """The administrator's connection to the system's database."""
    address = system.stack.admin_url.rsplit("/", 1)[0] + "/careloop"
    connection = await asyncpg.connect(address, server_settings={"search_path": schema})
    try:
        yield connection
    finally:
        await connection.close()


async def published_in_stores(system: System) -> Places:
    """Every stored event that is to be published."""
    async with tables(system) as connection:
        return {
            service: [
                (row["notification_id"], str(row["event_id"]))
                for row in await connection.fetch(
                    f"select notification_id, event_id from {service}.events where topic = any($1) order by 1",
                    [name.removeprefix("care.") for name in types],
                )
            ]
            for service, types in PUBLISHED.items()
        }


async def journal(system: System) -> Places:
    """Every entry of the journal."""
    async with tables(system) as connection:
        rows = await connection.fetch("select source, source_position, event_id from coordination.journal")
    found: Places = {service: [] for service in PUBLISHED}
    for row in rows:
        found[row["source"]].append((row["source_position"], str(row["event_id"])))
    return {service: sorted(entries) for service, entries in found.items()}


@dataclass(frozen=True, slots=True)
class Seen:
    """One record of a topic."""

    place: TopicPartition
    position: int
    previous: int
    event_id: str


async def on_topics(system: System, lost: Lost = nothing) -> Places:
    """Every record of the topics; one that was sent twice counts once. No record overtook the one before it."""
    found = await records(system)
    assert not overtaking(found, lost), "a record overtook the one before it"
    return {
        service: sorted({(one.position, one.event_id) for one in seen}) for service, seen in by_service(found).items()
    }


def by_service(records: Iterable[Seen]) -> dict[str, list[Seen]]:
    """The records of each service."""
    found: dict[str, list[Seen]] = {service: [] for service in PUBLISHED}
    for one in records:
        found[_service(one)].append(one)
    return found


def _service(record: Seen) -> str:
    return str(record.place.topic).split(".")[1]


async def records(system: System) -> list[Seen]:
    """Every record of the topics of events, in each partition's order."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=system.stack.kafka_address, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        places = [
            TopicPartition(f"care.{service}.v1", partition)
            for service in PUBLISHED
            for partition in range(system.stack.settings.partitions)
        ]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        return [one for place in places if ends[place] for one in await _read_through(consumer, place, ends[place])]
    finally:
        await consumer.stop()


async def _read_through(consumer: AIOKafkaConsumer, place: TopicPartition, end: int) -> list[Seen]:
    consumer.seek(place, 0)
    found = []
    while await consumer.position(place) < end:
        for record in (await consumer.getmany(place, timeout_ms=500)).get(place, ()):
            headers = {name: value.decode() for name, value in record.headers}
            found.append(Seen(place, int(headers["ce_position"]), int(headers["ce_previous"]), headers["ce_id"]))
    return found


def overtaking(records: Iterable[Seen], lost: Lost = nothing) -> list[Seen]:
    """The records that came before the one that they follow."""
    seen: set[tuple[TopicPartition, int]] = set()
    found = []
    for one in records:
        if one.previous and (one.place, one.previous) not in seen and not lost(_service(one), one.previous):
            found.append(one)
        seen.add((one.place, one.position))
    return found


async def everything_arrived(system: System, lost: Lost = nothing) -> bool:
    """Whether stores and the journal hold the same events, and the topics all of them that were not lost."""
    stores = await published_in_stores(system)
    sent = {service: [one for one in found if not lost(service, one[0])] for service, found in stores.items()}
    return stores == await journal(system) and sent == await on_topics(system, lost)


async def times_stored(system: System, commands: Iterable[str]) -> dict[str, int]:
    """How often each command has its event (a scored scale or a dose) in a store."""
    wanted = list(commands)
    counted: Counter[str] = Counter()
    async with tables(system) as connection:
        for service in ("assessment", "monitoring"):
            rows = await connection.fetch(
                f"select command_id from {service}.events where command_id = any($1) and topic = any($2)",
                wanted,
                [f"{service}.ScaleScored.v1", f"{service}.DoseRecorded.v1"],
            )
            counted.update(row["command_id"] for row in rows)
    return {command: counted[command] for command in wanted}


async def callers(system: System, commands: Iterable[str]) -> dict[str, str]:
    """Who made each of these commands that is on record."""
    async with tables(system) as connection:
        rows = await connection.fetch(
            """select request_id, caller from assessment.decided_commands where request_id = any($1)
               union all select request_id, caller from monitoring.decided_commands where request_id = any($1)""",
            list(commands),
        )
    return {row["request_id"]: row["caller"] for row in rows}


async def causes_with_two_notices(system: System) -> list[str]:
    """Commands by which notifications decided more than one notice of one cause."""
    async with tables(system) as connection:
        rows = await connection.fetch(
            "select command_id from notifications.events where topic = 'notifications.NoticeDecided.v1' "
            "group by 1 having count(*) > 1"
        )
    return [row["command_id"] for row in rows]
