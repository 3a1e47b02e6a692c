"""Records that wait because one of their patient's could not be applied, per (consumer, source, patient)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from careloop.chassis.events.envelope import Record, from_headers, to_headers
from careloop.chassis.log.connections import Connections
from careloop.chassis.log.protocol import Statement, calling
from careloop.kernel.ids import PatientId

_PARK = """insert into parked (consumer, source, patient_id, position, event_id, type, headers, value, reason, attempts)
    select $1, $2, u.*, 1 from unnest($3::uuid[], $4::bigint[], $5::uuid[], $6::text[], $7::jsonb[], $8::bytea[],
    $9::text[]) u"""
_LIST = """select consumer, source, patient_id, min(position) as position, count(*) as waiting,
        (array_agg(reason order by position))[1] as reason, min(parked_at) as parked_at,
        (array_agg(attempts order by position))[1] as attempts
    from parked where $1 = '' or consumer = $1
    group by consumer, source, patient_id order by min(parked_at), consumer, source, patient_id limit $2 offset $3"""

_RECORDS = """select source, patient_id, position, headers, value from parked
    where consumer = $1 and (source, patient_id, position) > ($2, $3, $4)
    order by source, patient_id, position limit $5"""

ParkedPlace = tuple[str, UUID, int]
"""Where a record waits: its source, its patient, and its position in the source's log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """Records of one patient from one source that wait behind one that could not be applied.

    `position` is that of the first; `reason` names its failure without its text; `waiting` counts all of them.
    """

    consumer: str
    source: str
    patient_id: PatientId
    position: int
    waiting: int
    reason: str
    parked_at: datetime
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """What a retry came to: `waiting` is 0 when the patient is no longer parked."""

    applied: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Failed:
    """A record that could not be applied, or waits behind one; `reason` is a failure's type and no patient data."""

    record: Record
    reason: str


def park(consumer: str, source: str, failed: Sequence[Failed]) -> Statement:
    """Parks records of patients who were not parked before."""
    columns = _columns([one.record for one in failed])
    return Statement(sql=_PARK, args=(consumer, source, *columns, [one.reason for one in failed]))


def queue(consumer: str, source: str, records: Sequence[Record]) -> Statement:
    """Queues records behind those parked before. The unit meets Conflict when nothing is parked there any more."""
    return calling("queue_parked", consumer, source, *_columns(records))


def take(consumer: str, source: str, record: Record) -> Statement:
    """Removes a record that this unit applies. The unit meets GateClosed when it is no longer there."""
    envelope = record.envelope
    return calling("take_parked", consumer, source, envelope.patient_id, [envelope.position])


def _columns(records: Sequence[Record]) -> tuple[list[object], ...]:
    envelopes = [record.envelope for record in records]
    return (
        [envelope.patient_id for envelope in envelopes],
        [envelope.position for envelope in envelopes],
        [envelope.event_id for envelope in envelopes],
        [envelope.type for envelope in envelopes],
        [_json(record) for record in records],
        [record.value for record in records],
    )


def _json(record: Record) -> str:
    texts = {name: value.decode() for name, value in to_headers(record.envelope)}
    return msgspec.json.encode(texts).decode()


class ParkedRecords:
    """Reads one service's parked records, and gives them up."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def any(self, consumer: str, source: str) -> bool:
        """Whether any patient is parked there."""
        found: bool = await self._connections.fetchval(
            "select exists (select from parked where consumer = $1 and source = $2)", consumer, source
        )
        return found

    async def among(self, consumer: str, source: str, patients: Collection[UUID]) -> frozenset[PatientId]:
        """Those of the patients who are parked there."""
        rows = await self._connections.fetch(
            "select distinct patient_id from parked where consumer = $1 and source = $2 and patient_id = any($3)",
            consumer,
            source,
            list(patients),
        )
        return frozenset(PatientId(row["patient_id"]) for row in rows)

    async def first(self, consumer: str, source: str, patient_id: PatientId) -> Record | None:
        """The first record that waits for this patient."""
        row = await self._connections.fetchrow(
            """select headers, value from parked where consumer = $1 and source = $2 and patient_id = $3
               order by position limit 1""",
            consumer,
            source,
            patient_id,
        )
        return None if row is None else _record(row)

    async def records(
        self, consumer: str, after: ParkedPlace | None, limit: int
    ) -> Sequence[tuple[ParkedPlace, Record]]:
        """Up to `limit` of all records that wait, behind `after`, with their places."""
        rows = await self._connections.fetch(_RECORDS, consumer, *(after or ("", UUID(int=0), 0)), limit)
        return [((row["source"], row["patient_id"], row["position"]), _record(row)) for row in rows]

    async def waiting(self, consumer: str, source: str, patient_id: PatientId) -> int:
        """How many records wait for this patient."""
        found: int = await self._connections.fetchval(
            "select count(*) from parked where consumer = $1 and source = $2 and patient_id = $3",
            consumer,
            source,
            patient_id,
        )
        return found

    async def listed(self, consumer: str, limit: int, offset: int) -> Sequence[Parked]:
        """Oldest first; `consumer` "" means all."""
        rows = await self._connections.fetch(_LIST, consumer, limit, offset)
        return [Parked(**{**row, "patient_id": PatientId(row["patient_id"])}) for row in rows]

    async def failed_again(self, consumer: str, source: str, failed: Failed) -> None:
        """Count another attempt, with what it failed of."""
        envelope = failed.record.envelope
        async with self._connections.borrow() as connection:
            await connection.execute(
                """update parked set attempts = attempts + 1, reason = $5
                   where consumer = $1 and source = $2 and patient_id = $3 and position = $4""",
                consumer,
                source,
                envelope.patient_id,
                envelope.position,
                failed.reason,
            )

    async def drop(
        self, request_id: str, consumer: str, source: str, patient_id: PatientId, *, reason: str, by: str
    ) -> int:
        """Give up what waits and record it; answers how many records, for a repeat those of the first time."""
        dropped: int = await self._connections.fetchval(
            "select drop_parked($1, $2, $3, $4, $5, $6)", request_id, consumer, source, patient_id, reason, by
        )
        return dropped


def _record(row: asyncpg.Record) -> Record:
    texts: dict[str, str] = msgspec.json.decode(row["headers"], type=dict[str, str])
    headers = [(name, text.encode()) for name, text in texts.items()]
    return Record(envelope=from_headers(headers), value=row["value"])
