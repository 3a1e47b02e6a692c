"""What each source published about each patient, read from the journal in bulk and in short transactions."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from careloop.kernel.ids import PatientId
from services.coordination.domain.view.dated_fact import DatedFact
from services.coordination.domain.view.section_fold import KNOWN_TYPES

PAGE = 10_000

_COLUMNS = "patient_id, source, type, event_id, recorded_at, actor, value, source_position, position, journal_time"
_BY_PATIENT = f"""
    select {_COLUMNS} from journal
    where (patient_id, source, position) > ($1, $2, $3) and patient_id <= $4 and position <= $5
    order by patient_id, source, position limit $6"""  # noqa: S608 - constants
_BY_POSITION = f"""
    select {_COLUMNS} from journal where position > $1 and position <= $2 order by position limit $3"""  # noqa: S608

_DECODE: Mapping[str, Callable[[bytes], Any]] = {
    name: msgspec.json.Decoder(cls).decode for name, cls in KNOWN_TYPES.items()
}

SectionKey = tuple[PatientId, str]
"""A patient and a source: what a section is about."""


@dataclass(slots=True)
class SourceHistory:
    """What one source published about one patient, in the journal's order, and where the last of it stands."""

    facts: list[DatedFact[Any]]
    last: asyncpg.Record

    @property
    def source_position(self) -> int:
        return int(self.last["source_position"])

    @property
    def journal_position(self) -> int:
        return int(self.last["position"])

    @property
    def journal_time(self) -> datetime:
        moment: datetime = self.last["journal_time"]
        return moment


def histories(rows: Iterable[asyncpg.Record]) -> dict[SectionKey, SourceHistory]:
    """The rows by patient and source. A type that this build does not know counts, and adds no fact."""
    found: dict[PatientId, dict[str, SourceHistory]] = {}
    patient_id: PatientId | None = None
    for row in rows:
        patient, source, type_, event_id, recorded_at, actor, value = row[:7]
        if patient != patient_id:
            patient_id, of_patient = patient, found.setdefault(patient, {})
        one = of_patient.get(source)
        if one is None:
            one = of_patient[source] = SourceHistory([], row)
        decode = _DECODE.get(type_)
        if decode is not None:
            one.facts.append(DatedFact(fact=decode(value), event_id=event_id, recorded_at=recorded_at, actor=actor))
        one.last = row
    return {(patient, source): one for patient, of_patient in found.items() for source, one in of_patient.items()}


async def by_patient(
    connection: asyncpg.Connection, first: UUID, last: UUID, through: int
) -> AsyncIterator[Sequence[asyncpg.Record]]:
    """All entries up to `through` about the patients from `first` to `last`, each run about whole patients."""
    patient, source, position, begun = first, "", 0, list[asyncpg.Record]()
    while True:
        rows = begun + await connection.fetch(_BY_PATIENT, patient, source, position, last, through, PAGE)
        if len(rows) - len(begun) < PAGE:
            if rows:
                yield rows
            return
        patient, source, position = rows[-1]["patient_id"], rows[-1]["source"], rows[-1]["position"]
        begun = list(takewhile(lambda row: row["patient_id"] == patient, reversed(rows)))[::-1]  # noqa: B023
        if len(begun) < len(rows):
            yield rows[: len(rows) - len(begun)]


async def by_position(
    connection: asyncpg.Connection, after: int, through: int
) -> AsyncIterator[Sequence[asyncpg.Record]]:
    """The entries in (after, through], in order."""
    while after < through:
        rows = await connection.fetch(_BY_POSITION, after, through, PAGE)
        yield rows
        after = rows[-1]["position"]
