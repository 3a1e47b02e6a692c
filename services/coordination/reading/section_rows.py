"""Sections as a slot holds them: a head and a state of each, and the facts since the state as the journal has them."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import asyncpg

from careloop.chassis.events.stored_form import StoredForm
from careloop.contracts.terms import EnteredInError
from careloop.kernel.ids import PatientId
from services.coordination.domain.view.bulk_fold import add_all
from services.coordination.domain.view.dated_fact import DatedFact
from services.coordination.domain.view.section_fold import FOLD_VERSION
from services.coordination.domain.view.sections import SECTIONS, Section
from services.coordination.reading.journal import decoded

AT_ONCE = 1_000
"""Facts that are folded before others get their turn."""

# A state counts with a head of the same fold that left it apart. With a plain join the planner walks whole tables.
HEADS = """select s.patient_id, s.source, s.source_position, s.journal_position, s.journal_time, s.fold_version,
        t.state, t.journal_position as state_position
    from sections s
    left join lateral (
        select t.state, t.journal_position from section_states t
        where t.slot = s.slot and t.patient_id = s.patient_id and t.source = s.source
            and t.fold_version = s.fold_version and s.state = '' offset 0) t on true"""
# The last entry of each source up to $3, and its state where that is not younger.
_AS_OF = """
    select $1::uuid as patient_id, o.source, l.source_position, l.position as journal_position, l.journal_time,
        $4::integer as fold_version, t.state, t.journal_position as state_position
    from unnest($2::text[]) o (source)
    cross join lateral (
        select j.position, j.source_position, j.journal_time from journal j
        where j.patient_id = $1 and j.source = o.source and j.position <= $3
        order by j.position desc limit 1) l
    left join lateral (
        select t.state, t.journal_position from section_states t
        where t.slot = (select active from view_slots) and t.patient_id = $1 and t.source = o.source
            and t.fold_version = $4 and t.journal_position <= $3 offset 0) t on true"""
_TAILS = """
    select w.n, j.position, j.type, j.event_id, j.occurred_at, j.recorded_at, j.actor, j.value
    from unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[]) with ordinality
        w (patient_id, source, after, through, n)
    cross join lateral (
        select * from journal k
        where k.patient_id = w.patient_id and k.source = w.source and k.position > w.after and k.position <= w.through
        order by k.position offset 0) j
    order by w.n, j.position"""

_FORMS: Mapping[str, StoredForm[Any]] = {source: StoredForm(source, cls) for source, cls in SECTIONS.items()}


class Session(Protocol):
    """A connection, or several."""

    async def fetch(self, query: str, *args: Any) -> Sequence[asyncpg.Record]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionRow:
    """One section as it is stored. `state` is None where none of this fold is: then the `tail` is all that its source
    said."""

    patient_id: PatientId
    source: str
    source_position: int
    journal_position: int
    journal_time: datetime
    fold_version: int
    state: bytes | None
    tail: list[asyncpg.Record] = field(default_factory=list)

    @property
    def is_of_this_fold(self) -> bool:
        return self.fold_version == FOLD_VERSION

    def stored_state(self) -> Section:
        """Raises StoredByNewer for a code of a newer build."""
        if self.state is None:
            return SECTIONS[self.source]()
        section: Section = _FORMS[self.source].decode(self.state)
        return section

    async def facts(self, valid_at: datetime | None = None) -> list[DatedFact[Any]]:
        """Those of the tail that this build knows, of what had happened by `valid_at`, and all strikes: what is wrong
        was never true. Raises as `stored_state` does."""
        found: list[DatedFact[Any]] = []
        for rows in _runs(self.tail):
            for row in rows:
                event = decoded(row["type"], row["value"])
                if event is not None and (
                    valid_at is None or row["occurred_at"] <= valid_at or isinstance(event, EnteredInError)
                ):
                    found.append(_dated(row, event))
            await asyncio.sleep(0)
        return found

    async def whole(self, valid_at: datetime | None = None) -> Section:
        """State and tail as one; with a `valid_at` of the tail what `facts` says, where there is no state."""
        section = self.stored_state()
        for facts in _runs(await self.facts(valid_at)):
            section = add_all(section, facts)
            await asyncio.sleep(0)
        return section


async def as_of(session: Session, patient_id: PatientId, through: int, *, from_states: bool) -> list[SectionRow]:
    """The patient's sections as they stood at a position of the journal; without states, each tail is all that its
    source had said."""
    fold = FOLD_VERSION if from_states else 0
    heads = await session.fetch(_AS_OF, patient_id, list(SECTIONS), through, fold)
    return await with_tails(session, heads)


async def with_tails(session: Session, heads: Sequence[asyncpg.Record]) -> list[SectionRow]:
    """The sections of rows that HEADS selected, as of one moment if the rows are: what the journal has of them never
    changes."""
    found: list[SectionRow] = []
    wanted: list[tuple[SectionRow, int]] = []
    for head in heads:
        state = head["state"] if head["fold_version"] == FOLD_VERSION else None
        row = SectionRow(
            patient_id=head["patient_id"],
            source=head["source"],
            source_position=head["source_position"],
            journal_position=head["journal_position"],
            journal_time=head["journal_time"],
            fold_version=head["fold_version"],
            state=state,
        )
        found.append(row)
        after = 0 if state is None else head["state_position"]
        if after < row.journal_position:
            wanted.append((row, after))
    if wanted:
        for entry in await session.fetch(
            _TAILS,
            [row.patient_id for row, _after in wanted],
            [row.source for row, _after in wanted],
            [after for _row, after in wanted],
            [row.journal_position for row, _after in wanted],
        ):
            wanted[entry["n"] - 1][0].tail.append(entry)
    return found


def _runs(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (items[at : at + AT_ONCE] for at in range(0, len(items), AT_ONCE))


def _dated(row: asyncpg.Record, event: Any) -> DatedFact[Any]:
    return DatedFact(fact=event, event_id=row["event_id"], recorded_at=row["recorded_at"], actor=row["actor"])
