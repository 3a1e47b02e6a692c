"""The two view slots side by side."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from uuid import UUID

import asyncpg

from careloop.chassis.events.codec import ENCODER
from careloop.kernel.ids import PatientId
from services.coordination.reading.section_rows import HEADS, SectionRow, with_tails

# Head by head, the live one beside the idle one. A state that stands where its head does is compared as it is stored.
_PAIRS = """
    select patient_id, source, coalesce(l.journal_position > $2, false) as moved,
        l.fold_version <> i.fold_version and (l.source_position, l.journal_position, l.journal_time)
            = (i.source_position, i.journal_position, i.journal_time) as refolded,
        l.state_position = l.source_position and l.folded = i.folded as same,
        case when l.slot is not null then hash_record_extended(row(patient_id, source, l.source_position,
            l.journal_position, l.journal_time, l.concerns, l.taken, l.headline), 0) end as live,
        case when i.slot is not null then hash_record_extended(row(patient_id, source, i.source_position,
            i.journal_position, i.journal_time, i.concerns, i.taken, i.headline), 0) end as idle
    from ({live}) l full join ({idle}) i using (patient_id, source)"""
_WITH_STATES = """
    select s.*, t.state as folded, t.source_position as state_position,
        array(select distinct u from unnest(s.answered || t.answered) u order by u) as taken
    from sections s
    left join section_states t on t.slot = s.slot and t.patient_id = s.patient_id and t.source = s.source
        and t.fold_version = s.fold_version and s.state = ''
    where s.slot = {slot} and {whom}"""
_LINES = """
    select
        case when l.slot is not null then hash_record_extended(
            row(patient_id, l.rank, l.due_at, l.reason, l.fact_id), 0) end as live,
        case when i.slot is not null then hash_record_extended(
            row(patient_id, i.rank, i.due_at, i.reason, i.fact_id), 0) end as idle
    from (select * from caseload s where slot = 1 - $1::smallint and {whom}) l
    full join (select * from caseload s where slot = $1 and {whom}) i using (patient_id)
    where patient_id <> all($2::uuid[])"""
_FOLDED = f"""{HEADS}
    where s.slot = $1 and (s.patient_id, s.source) in (select * from unnest($2::uuid[], $3::text[]))"""  # noqa: S608 - constants


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


@dataclass(frozen=True, slots=True)
class Whom:
    """Which patients: a condition on `s.patient_id`, and its arguments after the first two."""

    condition: str
    arguments: tuple[Any, ...]


def between(first: UUID, last: UUID) -> Whom:
    return Whom("s.patient_id between $3 and $4", (first, last))


def named(patients: Collection[PatientId]) -> Whom:
    return Whom("s.patient_id = any($3)", (list(patients),))


async def compare(connection: asyncpg.Connection, slot: int, whom: Whom, through: int) -> Comparison:
    """The slot with the active one, in the caller's snapshot. A section that moved on past `through` is left out, and
    with it its patient's line of the caseload."""
    live = _WITH_STATES.format(slot="1 - $1::smallint", whom=whom.condition)
    idle = _WITH_STATES.format(slot="$1", whom=whom.condition)
    pairs = await connection.fetch(_PAIRS.format(live=live, idle=idle), slot, through, *whom.arguments)
    settled = [pair for pair in pairs if not pair["moved"] and not pair["refolded"]]
    both = [pair for pair in settled if pair["live"] is not None and pair["idle"] is not None and not pair["same"]]
    ours, others = await _folded(connection, 1 - slot, both), await _folded(connection, slot, both)
    found = Comparison(refolded=sum(1 for pair in pairs if pair["refolded"] and not pair["moved"]))
    for pair in settled:
        key = pair["patient_id"], pair["source"]
        found += _row(pair["live"], pair["idle"], ours.get(key, b""), others.get(key, b""))
    unsettled = list({pair["patient_id"] for pair in pairs if pair["moved"] or pair["refolded"]})
    for line in await connection.fetch(_LINES.format(whom=whom.condition), slot, unsettled, *whom.arguments):
        found += _row(line["live"], line["idle"])
    return found


def _row(live: int | None, idle: int | None, ours: bytes = b"", others: bytes = b"") -> Comparison:
    """One row of both slots, by the hashes of what the server compares, and what was folded to be compared."""
    live = None if live is None else live ^ _hash(ours)
    idle = None if idle is None else idle ^ _hash(others)
    return Comparison(rows=1, different=int(live != idle), live=live or 0, idle=idle or 0)


def _hash(content: bytes) -> int:
    return int.from_bytes(blake2b(content, digest_size=8).digest(), signed=True) if content else 0


async def _folded(
    connection: asyncpg.Connection, slot: int, pairs: Sequence[asyncpg.Record]
) -> dict[tuple[PatientId, str], bytes]:
    """State and tail of each section as one, as they would be stored."""
    if not pairs:
        return {}
    patients, sources = [pair["patient_id"] for pair in pairs], [pair["source"] for pair in pairs]
    rows = await with_tails(connection, await connection.fetch(_FOLDED, slot, patients, sources))
    return {(row.patient_id, row.source): await _as_stored(row) for row in rows}


async def _as_stored(row: SectionRow) -> bytes:
    """A state that is not what its build stores differs from every one that is, also where it reads the same."""
    section = row.stored_state()
    if row.state is not None and ENCODER.encode(section) != row.state:
        return row.state
    return ENCODER.encode(await row.whole())
