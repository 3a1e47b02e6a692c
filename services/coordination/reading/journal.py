"""Reading the journal: every consumed event, in the order in which the care team could see it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from careloop.chassis.events.stored_form import StoredForm
from careloop.chassis.log.connections import Connections
from careloop.kernel.ids import EventId, PatientId
from services.coordination.domain.view.dated_fact import EventContext
from services.coordination.domain.view.section_fold import KNOWN_TYPES
from services.coordination.domain.view.sections import SECTIONS

PAGE = 500

_COLUMNS = """position, journal_time, patient_id, source, source_position, partition, type, event_id, occurred_at,
        recorded_at, actor, correlation_id, causation_id, value"""
_ENTRIES = f"""
    select {_COLUMNS} from journal
    where position > $1 and position <= $2 and ($3::text[] is null or type = any($3))
    order by position limit $4"""  # noqa: S608 - constants
# The index has each patient's entries by source.
_OF_PATIENT = f"""
    select {_COLUMNS} from unnest($5::text[]) s (of)
    cross join lateral (
        select * from journal k
        where k.patient_id = $6 and k.source = s.of and k.position > $1 and k.position <= $2
            and ($3::text[] is null or k.type = any($3))
        order by k.position limit $4) j
    order by position limit $4"""  # noqa: S608 - constants
_HEAD = "select position, journal_time from journal order by position desc limit 1"
_HEAD_AT = """
    select position, journal_time from journal
    where position = (select journal_before($1::timestamptz + interval '1 microsecond'))"""
BEFORE = "select journal_before($1)"

_FORMS: Mapping[str, StoredForm[Any]] = {name: StoredForm(name, cls) for name, cls in KNOWN_TYPES.items()}


def decoded(type_: str, value: bytes) -> Any:
    """The event, or None if this build does not know its type. Raises StoredByNewer for a code of a newer build."""
    form = _FORMS.get(type_)
    return None if form is None else form.decode(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One published event as it came in. `journal_time` strictly increases with `position`, which has no gaps."""

    position: int
    journal_time: datetime
    patient_id: PatientId
    source: str
    source_position: int
    partition: int
    type: str
    event_id: EventId
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    correlation_id: UUID
    causation_id: UUID | None
    value: bytes

    @property
    def context(self) -> EventContext:
        return EventContext(
            event_id=self.event_id,
            occurred_at=self.occurred_at,
            recorded_at=self.recorded_at,
            actor=self.actor,
            position=self.source_position,
        )

    def event(self) -> Any:
        """The event, or None if this build does not know its type. Raises StoredByNewer for a code of a newer build."""
        return decoded(self.type, self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalHead:
    position: int
    journal_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries: after a position, from a moment on, of one patient, of some types."""

    after: int = 0
    since: datetime | None = None
    patient_id: PatientId | None = None
    types: tuple[str, ...] = ()


class Journal:
    """Pages are read in short transactions of their own, so a long read holds nobody up."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def head(self, known_at: datetime | None = None) -> JournalHead | None:
        """The last entry, or the last one at `known_at`. Waits for a writer that is about to add one that may count."""
        await self._connections.fetchval("select pg_advisory_xact_lock_shared(journal_key())")
        args = () if known_at is None else (known_at,)
        row = await self._connections.fetchrow(_HEAD_AT if args else _HEAD, *args)
        return None if row is None else JournalHead(**row)

    async def pages(self, wanted: Wanted, through: int) -> AsyncIterator[Sequence[JournalEntry]]:
        """Runs of at most 500 entries up to position `through`, in order."""
        after = wanted.after
        if wanted.since is not None:
            after = max(after, await self._connections.fetchval(BEFORE, wanted.since))
        while after < through:
            args = (after, through, list(wanted.types) or None, PAGE)
            if wanted.patient_id is None:
                rows = await self._connections.fetch(_ENTRIES, *args)
            else:
                rows = await self._connections.fetch(_OF_PATIENT, *args, list(SECTIONS), wanted.patient_id)
            if rows:
                yield [_entry(row) for row in rows]
            if len(rows) < PAGE:
                return
            after = rows[-1]["position"]


def _entry(row: asyncpg.Record) -> JournalEntry:
    return JournalEntry(**row)
