"""The SQL of the two view slots: the idle one filled, compared with the active one, and put in its place."""

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
from services.coordination.rebuilding.history import SectionKey

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

# A section that moved on after $3 is left out, and with it its patient's line of the caseload.
_COMPARE = """
    with live as (select * from sections where slot = 1 - $1::smallint and {whom}),
    idle as (select * from sections where slot = $1 and {whom}),
    pairs as (
        select patient_id, coalesce(l.journal_position > $2, false) as moved,
            l.fold_version <> i.fold_version and (l.source_position, l.journal_position, l.journal_time)
                = (i.source_position, i.journal_position, i.journal_time) as refolded,
            case when l.slot is not null then hash_record_extended(row(patient_id, source, l.state, l.source_position,
                l.journal_position, l.journal_time, l.concerns, l.answered, l.headline), 0) end as live,
            case when i.slot is not null then hash_record_extended(row(patient_id, source, i.state, i.source_position,
                i.journal_position, i.journal_time, i.concerns, i.answered, i.headline), 0) end as idle
        from live l full join idle i using (patient_id, source)),
    unsettled as (select distinct patient_id from pairs where moved or refolded),
    lines as (
        select
            case when l.slot is not null then hash_record_extended(
                row(patient_id, l.rank, l.due_at, l.reason, l.fact_id), 0) end as live,
            case when i.slot is not null then hash_record_extended(
                row(patient_id, i.rank, i.due_at, i.reason, i.fact_id), 0) end as idle
        from (select * from caseload where slot = 1 - $1::smallint and {whom}) l
        full join (select * from caseload where slot = $1 and {whom}) i using (patient_id)
        where patient_id not in (select u.patient_id from unsettled u)),
    compared as (
        select live, idle from pairs where not moved and refolded is not true
        union all select live, idle from lines)
    select count(*) as rows, count(*) filter (where live is distinct from idle) as different,
        coalesce(bit_xor(live), 0) as live, coalesce(bit_xor(idle), 0) as idle,
        (select count(*) from pairs where refolded and not moved) as refolded
    from compared"""
_COMPARE_RANGE = _COMPARE.format(whom="patient_id between $3 and $4")
_COMPARE_NAMED = _COMPARE.format(whom="patient_id = any($3)")

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


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleSection:
    """What the idle slot holds of one section; `section` is None where another fold made it."""

    section: Section | None
    source_position: int
    journal_position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Both slots side by side. `rows` stood at the same journal positions; `different` of them were not equal.

    The checksums are over all of `rows`, in no order: equal if all rows are. `refolded` sections, made by another
    version of the fold, stood at the same positions, and their content was not compared.
    """

    rows: int = 0
    different: int = 0
    live: int = 0
    idle: int = 0
    refolded: int = 0

    def __add__(self, other: "Comparison") -> "Comparison":
        return Comparison(
            rows=self.rows + other.rows,
            different=self.different + other.different,
            live=self.live ^ other.live,
            idle=self.idle ^ other.idle,
            refolded=self.refolded + other.refolded,
        )


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
        return Comparison(**await connection.fetchrow(_COMPARE_RANGE, self.slot, through, first, last))

    async def compare(
        self, connection: asyncpg.Connection, patients: Collection[PatientId], through: int
    ) -> Comparison:
        """The same of these patients."""
        return Comparison(**await connection.fetchrow(_COMPARE_NAMED, self.slot, through, list(patients)))

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


async def standing(connection: asyncpg.Connection) -> tuple[IdleSlot, int | None]:
    """The idle slot as it is, and up to which journal position it is whole; None where it is not."""
    row = await connection.fetchrow(
        "select i.rebuild, i.through, 1 - v.active as slot from idle_slot i cross join view_slots v"
    )
    return IdleSlot(slot=row["slot"], rebuild=row["rebuild"]), row["through"]
