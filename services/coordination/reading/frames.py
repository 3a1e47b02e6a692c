"""The journal as the store holds it, in frames of many entries that nobody decodes on the way."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from careloop.chassis.log.connections import Connections
from careloop.kernel.ids import PatientId
from services.coordination.reading.journal import BEFORE, Journal

FRAME = 10_000
"""Positions in a frame; of one patient, entries."""
HEADER_BYTES, TRAILER_BYTES = 19, 2
"""Around the tuples of a binary COPY: signature, flags and the extension's length; the end mark."""

# The second column says how much follows it, for readers who only count: 140 bytes of lengths and fixed columns, and
# the contents of the others.
_COLUMNS = """position, 140 + octet_length(source) + octet_length(type) + octet_length(actor) + octet_length(value)
        + coalesce(octet_length(key_id), 0) + case when causation_id is null then 0 else 16 end,
    journal_time, patient_id, source_position, partition, event_id, occurred_at, recorded_at, correlation_id,
    causation_id, source, type, actor, key_id, value"""
_LAST_OF_FRAME = """select position from journal where patient_id = $1 and position > $2 and position <= $3
    order by position offset $4 limit 1"""
_COUNT = "select count(*) from journal where position > $1 and position <= $2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """Which entries: of positions (after, through], `through` 0 for all; of journal times [since, until)."""

    after: int = 0
    through: int = 0
    since: datetime | None = None
    until: datetime | None = None
    patient_id: PatientId | None = None
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The wanted entries of positions (after, through] as tuples of a binary COPY, `entries` of them.

    `journaled` counts all entries there are at these positions; 0 where they were not counted.
    """

    after: int
    through: int
    entries: int
    journaled: int
    rows: bytes


class JournalFrames:
    """Reads ahead by one frame. Each is a short transaction, so a long replay holds nobody up."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._journal = Journal(connections)

    async def read(self, wanted: Extent) -> AsyncGenerator[Frame, None]:
        """Frames that adjoin each other, from the extent's beginning to its end or the journal's as it is now."""
        head = await self._journal.head()
        after, end = await self._range(wanted, head.position if head else 0)
        clause = await self._clause(wanted)
        coming = self._begin(wanted, clause, after, end)
        try:
            while coming is not None:
                frame = await coming
                coming = self._begin(wanted, clause, frame.through, end)
                yield frame
        finally:
            if coming is not None:
                coming.cancel()
                with suppress(asyncio.CancelledError):
                    await coming

    def _begin(self, wanted: Extent, clause: str, after: int, end: int) -> asyncio.Task[Frame] | None:
        return asyncio.create_task(self._frame(wanted, clause, after, end)) if after < end else None

    async def _range(self, wanted: Extent, head: int) -> tuple[int, int]:
        after, end = wanted.after, min(wanted.through or head, head)
        if wanted.since is not None:
            after = max(after, await self._connections.fetchval(BEFORE, wanted.since))
        if wanted.until is not None:
            end = min(end, await self._connections.fetchval(BEFORE, wanted.until))
        return after, end

    async def _clause(self, wanted: Extent) -> str:
        """COPY takes no parameters, so what came from outside is quoted by the server, once."""
        clause = f" and patient_id = '{wanted.patient_id}'" if wanted.patient_id else ""
        if wanted.types:
            quoted = await self._connections.fetchval("select quote_literal($1::text[]::text)", list(wanted.types))
            clause += f" and type = any({quoted}::text[])"
        return clause

    async def _frame(self, wanted: Extent, clause: str, after: int, end: int) -> Frame:
        async with self._connections.borrow() as connection:
            through = await _frame_end(connection, wanted, after, end)
            rows = bytearray()
            status: str = await connection.copy_from_query(
                _copy(after, through, clause), output=_into(rows), format="binary"
            )
            entries = int(status.removeprefix("COPY "))
            journaled = await _journaled(connection, wanted, after, through, entries)
        content = bytes(memoryview(rows)[HEADER_BYTES:-TRAILER_BYTES])
        return Frame(after=after, through=through, entries=entries, journaled=journaled, rows=content)


def _copy(after: int, through: int, clause: str) -> str:
    return (
        f"select {_COLUMNS} from journal where position > {after} and position <= {through}{clause} order by position"  # noqa: S608 - numbers, and what the server quoted
    )


def _into(rows: bytearray) -> Callable[[bytes], Awaitable[None]]:
    async def extend(content: bytes) -> None:
        rows.extend(content)

    return extend


async def _frame_end(connection: asyncpg.Connection, wanted: Extent, after: int, end: int) -> int:
    if wanted.patient_id is None:
        return min(after + FRAME, end)
    last: int | None = await connection.fetchval(_LAST_OF_FRAME, wanted.patient_id, after, end, FRAME - 1)
    return last or end


async def _journaled(connection: asyncpg.Connection, wanted: Extent, after: int, through: int, entries: int) -> int:
    if wanted.patient_id is not None:
        return 0
    return int(await connection.fetchval(_COUNT, after, through)) if wanted.types else entries
