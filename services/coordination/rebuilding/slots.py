"""The SQL of the two view slots: the idle one filled, and put in the place of the active one."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from careloop.chassis.events.codec import ENCODER
from careloop.kernel.ids import PatientId
from services.coordination.domain.view.caseload import headline
from services.coordination.domain.view.section_fold import FOLD_VERSION
from services.coordination.domain.view.sections import SECTIONS, Section, Sections
from services.coordination.domain.view.urgency import LEVELS, answered, concerns, urgency
from services.coordination.reading.caseload import END_OF_TIME
from services.coordination.rebuilding.comparison import Comparison, compare_named, compare_range
from services.coordination.rebuilding.history import SectionKey, SourceHistory

_CASELOAD = ("slot", "patient_id", "rank", "due_at", "reason", "fact_id")
_SECTION = (
    "slot",
    "patient_id",
    "source",
    "state",
    "source_position",
    "journal_position",
    "journal_time",
    "fold_version",
    "concerns",
    "answered",
    "headline",
)
_PUT = """
    insert into sections (slot, patient_id, source, state, source_position, journal_position, journal_time,
        fold_version, concerns, answered, headline)
    select $1, u.patient, u.source, u.state, u.source_position, u.journal_position, u.journal_time, u.fold_version,
        u.concerns::jsonb, u.answered::uuid[], u.headline::jsonb
    from unnest($2::uuid[], $3::text[], $4::bytea[], $5::bigint[], $6::bigint[], $7::timestamptz[], $8::integer[],
        $9::text[], $10::text[], $11::text[])
        u (patient, source, state, source_position, journal_position, journal_time, fold_version, concerns, answered,
            headline)
    order by u.patient, u.source
    on conflict (slot, patient_id, source) do update
    set state = excluded.state, source_position = excluded.source_position,
        journal_position = excluded.journal_position, journal_time = excluded.journal_time,
        fold_version = excluded.fold_version, concerns = excluded.concerns, answered = excluded.answered,
        headline = excluded.headline"""
_STORED = """
    select patient_id, source, state, source_position, journal_position, fold_version from sections
    where slot = $1 and patient_id = any($2)"""

_DECODERS: Mapping[str, msgspec.json.Decoder[Any]] = {
    source: msgspec.json.Decoder(cls) for source, cls in SECTIONS.items()
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotSection:
    """A section as a slot holds it, up to the journal entry named. `source_position` is that in the source's log."""

    patient_id: PatientId
    source: str
    section: Section
    source_position: int
    journal_position: int
    journal_time: datetime

    def row(self) -> tuple[Any, ...]:
        return (
            self.patient_id,
            self.source,
            ENCODER.encode(self.section),
            self.source_position,
            self.journal_position,
            self.journal_time,
            FOLD_VERSION,
            ENCODER.encode(concerns(self.section)).decode(),
            sorted(answered(self.section)),
            ENCODER.encode(headline(self.section)).decode(),
        )


def slot_section(key: SectionKey, section: Section, history: SourceHistory) -> SlotSection:
    """The section that ends with this history."""
    patient_id, source = key
    return SlotSection(
        patient_id=patient_id,
        source=source,
        section=section,
        source_position=history.source_position,
        journal_position=history.journal_position,
        journal_time=history.journal_time,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleSection:
    """What the idle slot holds of one section; `section` is None where another fold made it."""

    section: Section | None
    source_position: int
    journal_position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleSlot:
    """The slot that nobody reads, in the hands of one rebuild; every write is refused once another has begun."""

    slot: int
    rebuild: int

    async def copy_in(self, connection: asyncpg.Connection, sections: Sequence[SlotSection]) -> None:
        """Add sections of whole patients, sorted by patient, of whom the slot holds nothing yet."""
        rows = [(self.slot, *section.row()) for section in sections]
        lines = [(self.slot, *_line(patient, of)) for patient, of in groupby(sections, key=lambda one: one.patient_id)]
        async with connection.transaction():
            await self._check(connection)
            await connection.copy_records_to_table("sections", records=rows, columns=_SECTION)
            await connection.copy_records_to_table("caseload", records=lines, columns=_CASELOAD)

    async def put(self, connection: asyncpg.Connection, sections: Sequence[SlotSection]) -> None:
        """Replace these sections, and what the caseload says of their patients; within the caller's transaction."""
        await self._check(connection)
        rows = [section.row() for section in sections]
        columns = [list(column) for column in zip(*rows, strict=True)]
        columns[8] = ["{" + ",".join(map(str, facts)) + "}" for facts in columns[8]]
        await connection.execute(_PUT, self.slot, *columns)
        patients = sorted({section.patient_id for section in sections})
        await connection.execute("select rank_caseload($1, $2, $3)", self.slot, patients, len(LEVELS) - 1)

    async def stored(
        self, connection: asyncpg.Connection, patients: Collection[PatientId]
    ) -> dict[SectionKey, IdleSection]:
        """What the slot holds of these patients."""
        rows = await connection.fetch(_STORED, self.slot, list(patients))
        return {
            (row["patient_id"], row["source"]): IdleSection(
                section=_DECODERS[row["source"]].decode(row["state"]) if row["fold_version"] == FOLD_VERSION else None,
                source_position=row["source_position"],
                journal_position=row["journal_position"],
            )
            for row in rows
        }

    async def compare_range(self, connection: asyncpg.Connection, first: UUID, last: UUID, through: int) -> Comparison:
        """With the active slot, in one snapshot, where that one has not moved on past `through` meanwhile."""
        return await compare_range(connection, self.slot, first, last, through)

    async def compare(
        self, connection: asyncpg.Connection, patients: Collection[PatientId], through: int
    ) -> Comparison:
        """The same of these patients."""
        return await compare_named(connection, self.slot, patients, through)

    async def is_whole(self, connection: asyncpg.Connection, through: int) -> None:
        """From now on it can be turned to, once it has caught up from there; within the caller's transaction."""
        await self._check(connection)
        await connection.execute("update idle_slot set through = $1", through)

    async def turn(self, connection: asyncpg.Connection, through: int) -> None:
        """Make it the one that is read and written. Raises Conflict unless it is whole up to the journal's head."""
        await connection.execute("select turn_view($1, $2)", self.rebuild, through)

    async def _check(self, connection: asyncpg.Connection) -> None:
        await connection.execute("select still_rebuilding($1)", self.rebuild)


def _line(patient_id: PatientId, sections: Iterable[SlotSection]) -> tuple[Any, ...]:
    found: dict[str, Any] = {one.source: one.section for one in sections}
    most = urgency(Sections(**found))
    return patient_id, most.rank, most.due_at or END_OF_TIME, most.reason, most.fact_id


async def begin(connection: asyncpg.Connection) -> IdleSlot:
    """The idle slot, emptied for a new rebuild."""
    row = await connection.fetchrow("select rebuild, slot from begin_rebuild()")
    return IdleSlot(slot=row["slot"], rebuild=row["rebuild"])


async def read_idle(connection: asyncpg.Connection) -> tuple[IdleSlot, int | None]:
    """The idle slot as it is, and up to which journal position it is whole; None where it is not."""
    row = await connection.fetchrow(
        "select i.rebuild, i.through, 1 - v.active as slot from idle_slot i cross join view_slots v"
    )
    return IdleSlot(slot=row["slot"], rebuild=row["rebuild"]), row["through"]
