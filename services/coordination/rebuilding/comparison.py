"""The two view slots side by side."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from careloop.kernel.ids import PatientId

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`rows` stood at the same journal positions; `different` of them were not equal.

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


async def compare_range(connection: asyncpg.Connection, slot: int, first: UUID, last: UUID, through: int) -> Comparison:
    """Of the patients from `first` to `last`, in one snapshot; rows that moved on past `through` are left out."""
    return Comparison(**await connection.fetchrow(_COMPARE_RANGE, slot, through, first, last))


async def compare_named(
    connection: asyncpg.Connection, slot: int, patients: Collection[PatientId], through: int
) -> Comparison:
    """The same of these patients."""
    return Comparison(**await connection.fetchrow(_COMPARE_NAMED, slot, through, list(patients)))
