"""What the verdict rests on, read with plain asyncpg and aiokafka: raw tables, raw topics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from careloop.contracts import assessment, coordination, monitoring, notifications, prescribing
from careloop.demo.verdict import Journaled, Sent, Stored
from careloop.local.settings import SERVICES

READ_SECONDS = 20.0
CONTRACTS: Mapping[str, Mapping[str, type]] = {
    "assessment": assessment.TYPES,
    "prescribing": prescribing.TYPES,
    "monitoring": monitoring.TYPES,
    "notifications": notifications.TYPES,
    "coordination": coordination.TYPES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalValue:
    """A row of the journal with what the fold needs of it."""

    row: Journaled
    occurred_at: Any
    recorded_at: Any
    actor: str
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSection:
    """A section as coordination stores it: up to which entry of the journal it is shown, and its last stored state, as
    of an entry before that (b"" and 0 where none is stored)."""

    through: int
    state: bytes
    state_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """All schemas in one snapshot. `decided_on` are the causes that a notice was decided for, once per decision."""

    stored: Mapping[str, Sequence[Stored]]
    commands: Mapping[str, frozenset[str]]
    journal: Sequence[JournalValue]
    sections: Mapping[tuple[UUID, str], StoredSection]
    decided_on: Sequence[UUID]

    def published(self, service: str) -> list[Stored]:
        """The events whose type is in the service's contract."""
        wanted = CONTRACTS[service]
        return [row for row in self.stored[service] if f"care.{row.topic}" in wanted]


async def read_database(dsn: str) -> Database:
    """Everything in one snapshot, so that the tables of the five services can be compared with each other."""
    connection = await asyncpg.connect(dsn, timeout=10, command_timeout=READ_SECONDS)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return Database(
                stored={service: await _stored(connection, service) for service in SERVICES},
                commands={service: await _commands(connection, service) for service in SERVICES},
                journal=await _journal(connection),
                sections=await _sections(connection),
                decided_on=await _decided_on(connection),
            )
    finally:
        await connection.close()


async def _stored(connection: asyncpg.Connection, schema: str) -> list[Stored]:
    rows = await connection.fetch(
        f"""select notification_id as position, originator_id as stream, originator_version as version, event_id, topic,
        command_id from {schema}.events order by notification_id"""  # noqa: S608 - one of five names
    )
    return [Stored(**row) for row in rows]


async def _commands(connection: asyncpg.Connection, schema: str) -> frozenset[str]:
    rows = await connection.fetch(
        f"""select request_id from {schema}.decided_commands
            union all select command_id from {schema}.commands"""  # noqa: S608 - one of five names
    )
    return frozenset(row["request_id"] for row in rows)


async def _journal(connection: asyncpg.Connection) -> list[JournalValue]:
    rows = await connection.fetch("select * from coordination.journal order by position")
    return [
        JournalValue(
            row=Journaled(
                position=row["position"],
                source=row["source"],
                source_position=row["source_position"],
                event_id=row["event_id"],
                type=row["type"],
                patient=row["patient_id"],
            ),
            occurred_at=row["occurred_at"],
            recorded_at=row["recorded_at"],
            actor=row["actor"],
            value=row["value"],
        )
        for row in rows
    ]


async def _sections(connection: asyncpg.Connection) -> dict[tuple[UUID, str], StoredSection]:
    rows = await connection.fetch(
        """select s.patient_id, s.source, s.journal_position as through, coalesce(t.state, '') as state,
            coalesce(t.journal_position, 0) as state_at
        from coordination.sections s
        join coordination.view_slots v on v.active = s.slot
        left join coordination.section_states t on t.slot = s.slot and t.patient_id = s.patient_id
            and t.source = s.source and t.fold_version = s.fold_version"""
    )
    return {
        (row["patient_id"], row["source"]): StoredSection(
            through=row["through"], state=row["state"], state_at=row["state_at"]
        )
        for row in rows
    }


async def _decided_on(connection: asyncpg.Connection) -> list[UUID]:
    rows = await connection.fetch(
        "select state from notifications.events where topic = 'notifications.NoticeDecided.v1' order by notification_id"
    )
    return [UUID(msgspec.json.decode(row["state"])["cause"]) for row in rows]


async def read_topic(bootstrap: str, service: str) -> tuple[list[Sent], int]:
    """Every record of a service's topic from its first offset to its present end, and how many partitions it has."""
    consumer = AIOKafkaConsumer(
        f"care.{service}.v1", bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        partitions = sorted(consumer.assignment())
        ends = await consumer.end_offsets(partitions)
        return [record async for record in _until(consumer, ends)], len(partitions)
    finally:
        await consumer.stop()


async def _until(consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> Any:
    while [one for one in ends if await consumer.position(one) < ends[one]]:
        for batch in (await consumer.getmany(timeout_ms=500)).values():
            for record in batch:
                yield _sent(record)


def _sent(record: Any) -> Sent:
    headers = {name: value.decode() for name, value in record.headers}
    return Sent(
        partition=record.partition,
        offset=record.offset,
        event_id=UUID(headers["ce_id"]),
        type=headers["ce_type"],
        patient=UUID(headers["ce_subject"]),
        position=int(headers["ce_position"]),
        previous=int(headers["ce_previous"]),
    )
