"""The SQL of the two view slots: the idle one filled, and put in the place of the active one."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

import asyncpg

from careloop.chassis.events.codec import ENCODER
from careloop.kernel.ids import PatientId
from services.coordination.domain.view.caseload import headline, is_listed
from services.coordination.domain.view.section_fold import FOLD_VERSION
from services.coordination.domain.view.sections import Section, Sections
from services.coordination.domain.view.urgency import LEVELS, answered, leading, urgency
from services.coordination.reading.caseload import END_OF_TIME
from services.coordination.reading.section_rows import HEADS, with_tails
from services.coordination.reading.stored_section import as_array, as_stored
from services.coordination.rebuilding.history import SectionKey, SourceHistory

_CASELOAD = ("slot", "patient_id", "rank", "due_at", "reason", "fact_id")
_HEAD = (
    "slot",
    "patient_id",
    "source",
    "source_position",
    "journal_position",
    "journal_time",
    "fold_version",
    "concerns",
    "headline",
    "state",
    "answered",
)
_STATE = (
    "slot",
    "patient_id",
    "source",
    "source_position",
    "journal_position",
    "fold_version",
    "state",
    "answered",
)
_PUT_HEADS = """
    insert into sections (slot, patient_id, source, state, source_position, journal_position, journal_time,
        fold_version, concerns, answered, headline)
    select $1, u.patient, u.source, '', u.source_position, u.journal_position, u.journal_time, u.fold_version,
        u.concerns::jsonb, '{}', u.headline::jsonb
    from unnest($2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::integer[], $8::text[],
        $9::text[])
        u (patient, source, source_position, journal_position, journal_time, fold_version, concerns, headline)
    order by u.patient, u.source
    on conflict (slot, patient_id, source) do update
    set state = excluded.state, source_position = excluded.source_position,
        journal_position = excluded.journal_position, journal_time = excluded.journal_time,
        fold_version = excluded.fold_version, concerns = excluded.concerns, answered = excluded.answered,
        headline = excluded.headline"""
_PUT_STATES = """
    insert into section_states (slot, patient_id, source, source_position, journal_position, fold_version, state,
        answered)
    select $1, u.patient, u.source, u.source_position, u.journal_position, u.fold_version, u.state, u.answered::uuid[]
    from unnest($2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::integer[], $7::bytea[], $8::text[])
        u (patient, source, source_position, journal_position, fold_version, state, answered)
    order by u.patient, u.source
    on conflict (slot, patient_id, source) do update
    set state = excluded.state, source_position = excluded.source_position,
        journal_position = excluded.journal_position, fold_version = excluded.fold_version,
        answered = excluded.answered"""
_STORED = f"""{HEADS}
    where s.slot = $1 and s.patient_id = any($2)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotSection:
    """A section as a slot gets it, its state whole, up to the journal entry named. `source_position` is that in the
    source's log."""

    patient_id: PatientId
    source: str
    section: Section
    source_position: int
    journal_position: int
    journal_time: datetime

    def head(self) -> tuple[Any, ...]:
        return (
            self.patient_id,
            self.source,
            self.source_position,
            self.journal_position,
            self.journal_time,
            FOLD_VERSION,
            as_stored(leading(self.section)),
            ENCODER.encode(headline(self.section)).decode(),
        )

    def state(self) -> tuple[Any, ...]:
        return (
            self.patient_id,
            self.source,
            self.source_position,
            self.journal_position,
            FOLD_VERSION,
            ENCODER.encode(self.section),
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
class IdleSlot:
    """The slot that nobody reads, in the hands of one rebuild; every write is refused once another has begun."""

    slot: int
    rebuild: int

    async def copy_in(self, connection: asyncpg.Connection, sections: Sequence[SlotSection]) -> None:
        """Add sections of whole patients, sorted by patient, of whom the slot holds nothing yet."""
        heads = [(self.slot, *section.head(), b"", ()) for section in sections]
        states = [(self.slot, *section.state(), sorted(answered(section.section))) for section in sections]
        lines = [
            (self.slot, *line)
            for patient, of in groupby(sections, key=lambda one: one.patient_id)
            if (line := _line(patient, of)) is not None
        ]
        async with connection.transaction():
            await self._check(connection)
            await connection.copy_records_to_table("sections", records=heads, columns=_HEAD)
            await connection.copy_records_to_table("section_states", records=states, columns=_STATE)
            await connection.copy_records_to_table("caseload", records=lines, columns=_CASELOAD)

    async def put(self, connection: asyncpg.Connection, sections: Sequence[SlotSection]) -> None:
        """Replace these sections, and what the caseload says of their patients; within the caller's transaction."""
        await self._check(connection)
        heads = zip(*[section.head() for section in sections], strict=True)
        states = zip(*[(*one.state(), as_array(answered(one.section))) for one in sections], strict=True)
        await connection.execute(_PUT_HEADS, self.slot, *map(list, heads))
        await connection.execute(_PUT_STATES, self.slot, *map(list, states))
        patients = sorted({section.patient_id for section in sections})
        await connection.execute("select rank_caseload($1, $2, $3)", self.slot, patients, len(LEVELS) - 1)

    async def stored(
        self, connection: asyncpg.Connection, patients: Collection[PatientId]
    ) -> dict[SectionKey, Section]:
        """What the slot holds of these patients; what another fold made is folded again."""
        rows = await with_tails(connection, await connection.fetch(_STORED, self.slot, list(patients)))
        return {(row.patient_id, row.source): await row.whole() for row in rows}

    async def is_whole(self, connection: asyncpg.Connection, through: int) -> None:
        """From now on it can be turned to, once it has caught up from there; within the caller's transaction."""
        await self._check(connection)
        await connection.execute("update idle_slot set through = $1", through)

    async def turn(self, connection: asyncpg.Connection, through: int) -> None:
        """Make it the one that is read and written. Raises Conflict unless it is whole up to the journal's head."""
        await connection.execute("select turn_view($1, $2)", self.rebuild, through)

    async def _check(self, connection: asyncpg.Connection) -> None:
        await connection.execute("select still_rebuilding($1)", self.rebuild)


def _line(patient_id: PatientId, sections: Iterable[SlotSection]) -> tuple[Any, ...] | None:
    """The patient's line of the caseload; None where there is none."""
    found: dict[str, Any] = {one.source: one.section for one in sections}
    most = urgency(Sections(**found))
    if not is_listed(Sections(**found)):
        return None
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
