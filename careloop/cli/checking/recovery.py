"""Do the topics and the logs tell one story: after a restore, a topic may hold what its log has lost.

A log that was restored gives out again the positions that its topic already has. Consumers would take the new facts for
repeats of the old ones, so services must not start before the topics are made again.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import asyncpg
from aiokafka.errors import KafkaError

from careloop.chassis.events.envelope import MalformedEnvelope, from_headers
from careloop.chassis.relay.broker_access import BrokerAccess
from careloop.cli.checking.findings import Finding, Topic
from careloop.cli.checking.postgres import opened
from careloop.cli.checking.topic_records import places, reading, records
from careloop.local.settings import SERVICES

GROUP = "recovery"
SECONDS = 20.0
LAST_RECORDS = 1_000
READ = "docs/operate/recover.md says how to go on; do not start the services before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Newest positions: of each log, and of what its relay noted as sent; of each topic's partition; of consumers."""

    heads: Mapping[str, int]
    relayed: Mapping[str, int]
    topics: Mapping[tuple[str, int], int]
    consumed: Mapping[tuple[str, str, int], int]


async def look(url: str, access: BrokerAccess) -> list[Finding]:
    """Never raises for what a server does or does not answer."""
    try:
        async with asyncio.timeout(SECONDS):
            return list(judge(await _read(url, access)))
    except (KafkaError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as away:
        sentence = f"topics and logs cannot be compared: {type(away).__name__}"
        return [Topic(GROUP, "all").unknown("known", sentence, "see the checks of kafka and postgres")]


def judge(places: Places) -> Iterator[Finding]:
    """What the positions come to, per service."""
    for service in SERVICES:
        about = Topic(GROUP, service)
        head = places.heads.get(service, 0)
        lost = {partition: at for (of, partition), at in places.topics.items() if of == service and at > head}
        if lost:
            sentence = f"its topic holds facts up to position {max(lost.values())}, and its log ends at {head}"
            yield about.failure("topic-beyond-log", sentence, READ)
        else:
            yield about.ok("topic-beyond-log", "its topic holds nothing that its log does not have")
        if places.relayed.get(service, 0) > head:
            sentence = f"its relay has sent up to {places.relayed[service]}, and its log ends at {head}"
            yield about.failure("relay-beyond-log", sentence, READ)
        ahead = sorted({one for (one, source, _), at in places.consumed.items() if source == service and at > head})
        if ahead:
            sentence = f"{', '.join(ahead)} consumed more of it than its log has: it was restored alone"
            yield about.failure("consumer-beyond-log", sentence, READ)


async def _read(url: str, access: BrokerAccess) -> Places:
    topics = await newest_on_topics(access)
    connection = await opened(url)
    try:
        heads: dict[str, int] = {}
        relayed: dict[str, int] = {}
        consumed: dict[tuple[str, str, int], int] = {}
        for service in SERVICES:
            await connection.execute(f"set search_path = {service}")
            heads[service] = await connection.fetchval("select coalesce(max(notification_id), 0) from events")
            relayed[service] = await connection.fetchval("select position from relay_checkpoint") or 0
            for row in await connection.fetch("select consumer, source, partition, position from consumed_positions"):
                consumed[row["consumer"], row["source"], row["partition"]] = row["position"]
    finally:
        await connection.close()
    # Read before the logs, so that what is recorded meanwhile is no difference.
    return Places(heads=heads, relayed=relayed, topics=topics, consumed=consumed)


async def newest_on_topics(access: BrokerAccess) -> dict[tuple[str, int], int]:
    """The highest position among the last records of each service's partitions.

    Where a log is sent again, the very last record is not the highest.
    """
    found: dict[tuple[str, int], int] = {}
    async with reading(access) as consumer:
        for service, of in (await places(access)).items():
            async for record in records(consumer, of, last=LAST_RECORDS):
                key = (service, record.partition)
                found[key] = max(_position(record.headers), found.get(key, 0))
    return found


def _position(headers: Sequence[tuple[str, bytes]]) -> int:
    try:
        return from_headers(headers).position
    except MalformedEnvelope:
        return 0
