"""kill -9 of each service in turn, while commands flow: nothing acknowledged is lost, nothing is done twice."""

import asyncio
from collections import Counter
from functools import partial
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from careloop.contracts import assessment as assessment_contract
from careloop.contracts import coordination as coordination_contract
from careloop.contracts import monitoring as monitoring_contract
from careloop.contracts import notifications as notifications_contract
from careloop.contracts import prescribing as prescribing_contract
from tests.support.care import SERTRALINE, Care
from tests.support.running import System, assessment, monitoring, new_id
from tests.support.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

PUBLISHED = {
    "assessment": assessment_contract.TYPES,
    "prescribing": prescribing_contract.TYPES,
    "monitoring": monitoring_contract.TYPES,
    "notifications": notifications_contract.TYPES,
    "coordination": coordination_contract.TYPES,
}


async def published_in_stores(system: System) -> dict[str, list[tuple[int, str]]]:
    """Position and event id of every stored event that is to be published, per service, straight from the tables."""
    connection = await asyncpg.connect(system.stack.admin_url.rsplit("/", 1)[0] + "/careloop")
    try:
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
    finally:
        await connection.close()


async def on_topics(system: System) -> dict[str, list[tuple[int, str]]]:
    """Position and event id of every record, per service, each event once, in the order of positions."""
    found: dict[str, set[tuple[int, str]]] = {service: set() for service in PUBLISHED}
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
        for place in (place for place in places if ends[place]):
            await read_through(consumer, place, ends[place], found)
    finally:
        await consumer.stop()
    return {service: sorted(records) for service, records in found.items()}


async def read_through(
    consumer: AIOKafkaConsumer, place: TopicPartition, end: int, found: dict[str, set[tuple[int, str]]]
) -> None:
    """Every record of the partition; a position never comes before an earlier one that was not seen yet."""
    consumer.seek(place, 0)
    seen: set[int] = set()
    while await consumer.position(place) < end:
        for record in (await consumer.getmany(place, timeout_ms=500)).get(place, ()):
            headers = {name: value.decode() for name, value in record.headers}
            position, previous = int(headers["ce_position"]), int(headers["ce_previous"])
            assert previous == 0 or previous in seen, "a record overtook the one before it"
            seen.add(position)
            found[place.topic.split(".")[1]].add((position, headers["ce_id"]))


async def journal(system: System) -> dict[str, list[tuple[int, str]]]:
    connection = await asyncpg.connect(system.stack.admin_url.rsplit("/", 1)[0] + "/careloop")
    try:
        rows = await connection.fetch("select source, source_position, event_id from coordination.journal")
    finally:
        await connection.close()
    found: dict[str, list[tuple[int, str]]] = {service: [] for service in PUBLISHED}
    for row in rows:
        found[row["source"]].append((row["source_position"], str(row["event_id"])))
    return {service: sorted(entries) for service, entries in found.items()}


async def work(care: Care, acknowledged: list[str], stopping: asyncio.Event) -> None:
    """One client's stream of doses and scales, each repeated with the same id until it is answered."""
    while not stopping.is_set():
        requests: list[tuple[str, Any]] = [
            ("monitoring", monitoring.RecordDoseRequest(medicine=SERTRALINE, status=monitoring.DOSE_STATUS_TAKEN)),
            ("monitoring", monitoring.AnswerScaleRequest(instrument="phq-9", items=[1] * 8 + [0])),
            ("assessment", assessment.AnswerScaleRequest(instrument="gad-7", items=[1] * 7, source="clinician")),
        ]
        for service, request in requests:
            request.request_id = new_id()
            await care.tell(care.prescriber, service, request)
            acknowledged.append(request.request_id)


def more_than(acknowledged: list[str], count: int) -> bool:
    return len(acknowledged) > count


async def test_nothing_is_lost_or_doubled_when_every_service_is_killed_in_turn(system: System) -> None:
    cares = [Care(system) for _ in range(4)]
    for care in cares:
        await care.enrol()
        await care.form_team()
    acknowledged: list[str] = []
    stopping = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for care in cares:
            group.create_task(work(care, acknowledged, stopping))
        for service in PUBLISHED:
            await until(partial(more_than, acknowledged, len(acknowledged) + 20), seconds=60)
            await system.restart(service)
        stopping.set()

    connection = await asyncpg.connect(system.stack.admin_url.rsplit("/", 1)[0] + "/careloop")
    stored: Counter[str] = Counter()
    for service in ("assessment", "monitoring"):
        rows = await connection.fetch(f"select command_id, topic from {service}.events")
        stored.update(row["command_id"] for row in rows if row["topic"].endswith(("ScaleScored.v1", "DoseRecorded.v1")))
    causes = await connection.fetch(
        "select command_id, count(*) from notifications.events where topic = 'notifications.NoticeDecided.v1' "
        "group by 1 having count(*) > 1"
    )
    await connection.close()
    assert {command: stored[command] for command in acknowledged} == dict.fromkeys(acknowledged, 1)
    assert not causes, "a cause has two notice decisions"

    async def everything_arrived() -> bool:
        stores = await published_in_stores(system)
        return stores == await journal(system) and stores == await on_topics(system)

    await until(everything_arrived, seconds=60)
