"""The SQL of the care view: sections as they are stored."""

from collections.abc import Collection, Mapping
from typing import Any

import asyncpg

from careloop.chassis.events.stored_form import StoredForm
from careloop.chassis.log.connections import Connections
from careloop.kernel.ids import PatientId
from services.coordination.domain.view.caseload import CaseloadEntry
from services.coordination.domain.view.section_fold import FOLD_VERSION, evolve
from services.coordination.domain.view.sections import SECTIONS, Section, Sections
from services.coordination.reading.caseload import CaseloadPlace, caseload_page
from services.coordination.reading.journal import Journal, Wanted
from services.coordination.reading.stamp import Stamp, StampedSections
from services.coordination.reading.stored_section import NOT_RANKED, StoredSection, ranking

# The active slot as a scalar: with a join the planner walks whole tables instead of an index.
_COLUMNS = "s.patient_id, s.source, s.state, s.source_position, s.journal_position, s.journal_time, s.fold_version"
_OF_SOURCE = f"""select {_COLUMNS} from sections s
    where s.slot = (select active from view_slots) and s.source = $1 and s.patient_id = any($2)"""  # noqa: S608 - constants
_OF_PATIENT = f"""select {_COLUMNS} from sections s
    where s.slot = (select active from view_slots) and s.patient_id = $1"""  # noqa: S608 - constants
_POSITIONS = """select s.source, s.source_position from sections s
    where s.slot = (select active from view_slots) and s.patient_id = $1"""

_FORMS: Mapping[str, StoredForm[Any]] = {source: StoredForm(source, cls) for source, cls in SECTIONS.items()}


class Views:
    """Reads the active slot. A section that another version of the fold made is folded again from the journal.

    Raises StoredByNewer for a code that only a newer build knows.
    """

    def __init__(self, sessions: Connections) -> None:
        self._sessions = sessions
        self._journal = Journal(sessions)

    async def turns(self) -> int:
        """How often the view was turned to its other slot."""
        turns: int = await self._sessions.fetchval("select turns from view_slots")
        return turns

    async def of_source(self, source: str, patients: Collection[PatientId]) -> dict[PatientId, StoredSection]:
        """The sections of these patients that there are."""
        rows = await self._sessions.fetch(_OF_SOURCE, source, list(patients))
        return {row["patient_id"]: await self._stored(row) for row in rows}

    async def _stored(self, row: asyncpg.Record) -> StoredSection:
        section = await self._section(row)
        known = ranking(section) if row["fold_version"] == FOLD_VERSION else NOT_RANKED
        return StoredSection(section, row["source_position"], known, len(row["state"]))

    async def positions(self, patient_id: PatientId) -> dict[str, int]:
        """By source, the position of its log that the patient's section includes; without sources that said nothing."""
        rows = await self._sessions.fetch(_POSITIONS, patient_id)
        return {row["source"]: row["source_position"] for row in rows}

    async def of_patient(self, patient_id: PatientId) -> StampedSections | None:
        """All in one snapshot; None when nothing was ever journaled of this patient."""
        rows = await self._sessions.fetch(_OF_PATIENT, patient_id)
        if not rows:
            return None
        newest = max(rows, key=lambda row: row["journal_position"])
        found: dict[str, Any] = {row["source"]: await self._section(row) for row in rows}
        return StampedSections(
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
        return await caseload_page(self._sessions, after, limit)
