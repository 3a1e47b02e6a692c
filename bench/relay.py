"""Draining a full log to Kafka, beside Debezium's embedded engine over the same table."""

import sys
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import msgspec

from bench import peering
from bench.filling import fill_assessment
from bench.harness import Bench, Sample, main
from bench.results import OURS, Row, require
from bench.servers import Database, connected
from bench.topics import fresh_topics, read_topic
from bench.wiring import service_spec
from bench.workers import measured_together, ours
from careloop.chassis.events.envelope import from_headers

TITLE = "Relay: a full log drained"
UNIT = "events/s"
SLOT = "bench_debezium"
PATIENTS = 5_000
WITHIN = 180.0


async def measure(bench: Bench) -> None:
    events = 30_000 if bench.quick else 200_000
    await bench.servers.start_kafka()
    name = f"drain of {events:,} events"
    uniform = await bench.repeated(name, OURS, UNIT, partial(drain_ours, bench, events))
    debezium = await bench.peer(
        "debezium", lambda: bench.repeated(name, "debezium", UNIT, partial(drain_debezium, bench, min(events, 60_000)))
    )
    goal = ">= 5x Debezium embedded (stretch 8x)"
    bench.report.rows.append(
        Row(figure="relay drain", ours=uniform, peer=debezium, target=5.0, stretch=8.0, goal=goal)
        if debezium is not None
        else Row(figure="relay drain", ours=uniform)
    )
    if not bench.quick:
        skewed = partial(drain_ours, bench, events, skew="zipf")
        await bench.repeated(f"{name}, Zipf patients", OURS, UNIT, skewed)
    bench.report.remarks.append(
        "Debezium hands its changes to a function in the same process; ours are on Kafka, acknowledged by all replicas."
    )


async def drain_ours(bench: Bench, events: int, skew: str = "uniform") -> Sample:
    await fresh_topics(bench.servers)
    async with bench.servers.database() as database:
        await fill_assessment(database, events, PATIENTS, skew=skew)
        spec = {"service": service_spec(bench.servers, database, "assessment"), "events": events}
        (answer,) = await measured_together([(ours("bench.loads.relay"), spec)], within=WITHIN)
        await check_topic(bench, database, events)
    bench.report.memory_mb["careloop (relaying process)"] = answer["memory_mb"]
    return {"value": answer["per_second"]}


async def check_topic(bench: Bench, database: Database, events: int) -> None:
    """Every event of the log is on the topic once, in order, chained to the one before it, with its content."""
    async with connected(database.dsn) as server:
        rows = await server.fetch("select notification_id, originator_id, state from assessment.events")
    log = {row["notification_id"]: row for row in rows}
    seen = 0
    last: dict[int, int] = {}
    async for records in read_topic(bench.servers, "care.assessment.v1"):
        for record in records:
            envelope = from_headers(record.headers)
            require(envelope.previous == last.get(record.partition, 0), "relay: a record does not follow the last one")
            last[record.partition] = envelope.position
            _check_content(log[envelope.position], envelope.patient_id, record.value)
            seen += 1
    require(seen == len(log) == events, f"relay: {events} events in the log, {seen} on the topic")
    bench.report.checked("each event of the log on the topic once, in order, chained, unchanged")


def _check_content(row: Any, patient_id: object, value: bytes) -> None:
    same = msgspec.json.decode(row["state"]) == msgspec.json.decode(value) and row["originator_id"] == patient_id
    require(same, "relay: a record says something else than the log")


async def drain_debezium(bench: Bench, events: int) -> Sample:
    """Its slot exists before the log is filled, so it streams what is drained."""
    command = peering.python("debezium_relay", debezium=True)
    async with bench.servers.database() as database:
        async with connected(database.dsn) as server:
            await server.execute(f"create publication {SLOT} for table assessment.events")
            await server.fetch("select pg_create_logical_replication_slot($1, 'pgoutput')", SLOT)
        try:
            await fill_assessment(database, events, PATIENTS)
            (answer,) = await measured_together([(command, _debezium_spec(bench, database, events))], within=WITHIN)
        finally:
            await _drop_slot(database)
    require(answer["positions_follow"], "debezium: changes are missing, doubled or out of order")
    bench.report.checked("debezium: each change once and in order")
    bench.report.memory_mb["debezium"] = answer["memory_mb"]
    return {"value": answer["per_second"]}


def _debezium_spec(bench: Bench, database: Database, events: int) -> dict[str, Any]:
    return {
        "port": urlsplit(bench.servers.stack.admin_url).port,
        "database": database.name,
        "table": "assessment.events",
        "slot": SLOT,
        "events": events,
        "within": WITHIN - 30,
        "folder": str(bench.servers.stack.home),
    }


async def _drop_slot(database: Database) -> None:
    """A slot that stays would keep all of the log's WAL."""
    async with connected(database.dsn) as server:
        await server.execute(
            "select pg_terminate_backend(active_pid) from pg_replication_slots where active_pid is not null"
        )
        await server.execute(
            f"select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = '{SLOT}'"
        )


if __name__ == "__main__":
    sys.exit(main("relay", TITLE, measure))
