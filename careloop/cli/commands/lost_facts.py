"""`careloop lost-facts`: after a restore, what the topics hold that the logs no longer do, for people to look at."""

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from careloop.chassis.events.envelope import MalformedEnvelope, from_headers
from careloop.chassis.relay.broker_access import BrokerAccess
from careloop.cli.calling.client import Home
from careloop.cli.checking.postgres import opened
from careloop.cli.checking.topic_records import places, reading, records
from careloop.cli.commands.check import broker_of, url_of
from careloop.local.backups import positions
from careloop.local.settings import SERVICES, BadSetting, stack_settings


def lost_facts(file: Path, home: Home = None) -> None:
    """Write every fact that a topic holds beyond the end of its service's log into FILE, one a line, as JSON.

    Each was acknowledged to somebody and is known to no service any more. CARELOOP_POSTGRES_URL says where the database
    is, and the settings of the services where Kafka is, or the state folder knows both. Run it before the topics are
    deleted. Nobody but you may read the file: it holds patients' data. Exits 0 when all topics were read.
    """
    settings = stack_settings(home=home)
    url, access = url_of(settings), broker_of(settings)
    if url is None or access is None:
        raise BadSetting("CARELOOP_POSTGRES_URL and CARELOOP_KAFKA_BOOTSTRAP: set both")
    if file.exists():
        raise typer.BadParameter(f"{file} exists and is not written over", param_hint="FILE")
    found = asyncio.run(_write(file, url, access))
    for service in SERVICES:
        typer.echo(f"{service}: {found[service]} lost")


async def _write(file: Path, url: str, access: BrokerAccess) -> Counter[str]:
    connection = await opened(url)
    try:
        heads = await positions(connection)
    finally:
        await connection.close()
    found: Counter[str] = Counter()
    with open(file, "x", opener=lambda path, flags: os.open(path, flags, 0o600)) as target:  # noqa: ASYNC230 - nothing else runs
        async for line in _beyond(access, heads):
            target.write(json.dumps(line) + "\n")
            found[line["service"]] += 1
    return found


async def _beyond(access: BrokerAccess, heads: Mapping[str, int]) -> AsyncIterator[Mapping[str, Any]]:
    """Each lost fact once, in the order of its topic's partition."""
    async with reading(access) as consumer:
        for service, of in (await places(access)).items():
            seen: set[int] = set()
            async for record in records(consumer, of):
                for line in _lost(service, record, heads[service]):
                    if line["position"] not in seen:
                        seen.add(line["position"])
                        yield line


def _lost(service: str, record: Any, head: int) -> Iterator[Mapping[str, Any]]:
    try:
        envelope = from_headers(record.headers)
    except MalformedEnvelope:
        return
    if envelope.position > head:
        yield {
            "service": service,
            "position": envelope.position,
            "patient_id": str(envelope.patient_id),
            "type": envelope.type,
            "occurred_at": envelope.occurred_at.isoformat(),
            "recorded_at": envelope.recorded_at.isoformat(),
            "actor": envelope.actor,
            "fact": json.loads(record.value),
        }
