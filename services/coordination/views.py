"""The SQL of the care view: sections as they are stored, and the caseload over all patients."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from careloop.chassis.events.codec import ENCODER
from careloop.chassis.events.stored_form import StoredForm
from careloop.chassis.log.connections import Connections
from careloop.kernel.errors import InvalidInput
from careloop.kernel.ids import PatientId
from services.coordination.domain.care_view import FOLD_VERSION, evolve
from services.coordination.domain.caseload import CaseloadEntry, Headline
from services.coordination.domain.sections import SECTIONS, Section, Sections
from services.coordination.domain.urgency import LEVELS
from services.coordination.domain.view import Urgency
from services.coordination.journal import Journal, Wanted
from services.coordination.projection import NOT_RANKED, Standing, ranking

END_OF_TIME = datetime(9999, 12, 31, tzinfo=UTC)
"""When a concern without a clock counts as due."""

# The active slot as a scalar: with a join the planner walks whole tables instead of an index.
_COLUMNS = "s.patient_id, s.source, s.state, s.source_position, s.journal_position, s.journal_time, s.fold_version"
_OF_SOURCE = f"""select {_COLUMNS} from sections s
    where s.slot = (select active from view_slots) and s.source = $1 and s.patient_id = any($2)"""  # noqa: S608 - constants
_OF_PATIENT = f"""select {_COLUMNS} from sections s
    where s.slot = (select active from view_slots) and s.patient_id = $1"""  # noqa: S608 - constants
_POSITIONS = """select s.source, s.source_position from sections s
    where s.slot = (select active from view_slots) and s.patient_id = $1"""
_CASELOAD = """
    select c.patient_id, c.rank, c.due_at, c.reason, c.fact_id,
        (select array_agg(s.headline) from sections s
            where s.slot = c.slot and s.patient_id = c.patient_id) as headlines
    from caseload c
    where c.slot = (select active from view_slots) and (c.rank, c.due_at, c.patient_id) > ($1, $2, $3)
    order by c.rank, c.due_at, c.patient_id limit $4"""

_FORMS: Mapping[str, StoredForm[Any]] = {source: StoredForm(source, cls) for source, cls in SECTIONS.items()}
_HEADLINE = msgspec.json.Decoder(Headline)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Which state of the journal a view shows: the patient's last entry in it, that entry's time, the fold."""

    journal_position: int
    known_at: datetime
    fold_version: int = FOLD_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSections:
    """All sections of one patient in one snapshot."""

    sections: Sections
    stamp: Stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseloadPlace:
    """Where a page ended; `encode` makes the opaque token that asks for the next one."""

    rank: int
    due_at: datetime
    patient_id: PatientId

    @classmethod
    def of(cls, entry: CaseloadEntry) -> "CaseloadPlace":
        urgency = entry.urgency
        return cls(rank=urgency.rank, due_at=urgency.due_at or END_OF_TIME, patient_id=entry.patient_id)

    def encode(self) -> str:
        return urlsafe_b64encode(ENCODER.encode(self)).decode()

    @classmethod
    def parse(cls, token: str) -> "CaseloadPlace | None":
        """What `encode` made; None for no token. Raises InvalidInput for anything else."""
        if not token:
            return None
        try:
            place = _PLACE.decode(urlsafe_b64decode(token))
            if place.due_at.tzinfo is None or not 0 <= place.rank < len(LEVELS):
                raise ValueError("no place of ours")
        except (ValueError, msgspec.MsgspecError):
            raise InvalidInput("page-token-malformed", "This is no page token.", field="page_token") from None
        return place


_PLACE = msgspec.json.Decoder(CaseloadPlace)


class Views:
    """Reads the active slot. A section that another version of the fold made is folded again from the journal.

    Raises StoredByNewer for a code that only a newer build knows.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._journal = Journal(connections)

    async def turns(self) -> int:
        """How often the view was turned to its other slot."""
        turns: int = await self._connections.fetchval("select turns from view_slots")
        return turns

    async def of_source(self, source: str, patients: Collection[PatientId]) -> dict[PatientId, Standing]:
        """The sections of these patients that there are."""
        rows = await self._connections.fetch(_OF_SOURCE, source, list(patients))
        return {row["patient_id"]: await self._standing(row) for row in rows}

    async def _standing(self, row: asyncpg.Record) -> Standing:
        section = await self._section(row)
        known = ranking(section) if row["fold_version"] == FOLD_VERSION else NOT_RANKED
        return Standing(section, row["source_position"], known, len(row["state"]))

    async def positions(self, patient_id: PatientId) -> dict[str, int]:
        """By source, the position of its log that the patient's section includes; without what was never told."""
        rows = await self._connections.fetch(_POSITIONS, patient_id)
        return {row["source"]: row["source_position"] for row in rows}

    async def of_patient(self, patient_id: PatientId) -> StoredSections | None:
        """None when nothing was ever journaled of this patient."""
        rows = await self._connections.fetch(_OF_PATIENT, patient_id)
        if not rows:
            return None
        newest = max(rows, key=lambda row: row["journal_position"])
        found: dict[str, Any] = {row["source"]: await self._section(row) for row in rows}
        return StoredSections(
            sections=Sections(**found),
            stamp=Stamp(journal_position=newest["journal_position"], known_at=newest["journal_time"]),
        )

    async def _section(self, row: asyncpg.Record) -> Section:
        source: str = row["source"]
        if row["fold_version"] == FOLD_VERSION:
            stored: Section = _FORMS[source].decode(row["state"])
            return stored
        section: Section = SECTIONS[source]()
        wanted = Wanted(patient_id=row["patient_id"])
        async for page in self._journal.pages(wanted, row["journal_position"]):
            for entry in page:
                if entry.source == source:
                    section = evolve(section, entry.context, entry.event())
        return section

    async def caseload(self, after: CaseloadPlace | None, limit: int) -> list[CaseloadEntry]:
        """The next `limit` patients, the most urgent first, then the soonest due."""
        place = after or CaseloadPlace(rank=-1, due_at=END_OF_TIME, patient_id=PatientId(UUID(int=0)))
        rows = await self._connections.fetch(_CASELOAD, place.rank, place.due_at, place.patient_id, limit)
        return [
            CaseloadEntry(patient_id=row["patient_id"], urgency=_urgency(row), headline=_headline(row)) for row in rows
        ]


def _headline(row: asyncpg.Record) -> Headline:
    return reduce(Headline.joined, map(_HEADLINE.decode, row["headlines"] or ()), Headline())


def _urgency(row: asyncpg.Record) -> Urgency:
    due_at = row["due_at"]
    return Urgency(
        rank=row["rank"],
        level=LEVELS[row["rank"]],
        reason=row["reason"],
        fact_id=row["fact_id"],
        due_at=None if due_at == END_OF_TIME else due_at,
    )
