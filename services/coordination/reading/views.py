"""The SQL of the care view: sections as they are stored."""

from collections.abc import Collection
from typing import Any

from careloop.chassis.log.connections import Connections
from careloop.kernel.ids import PatientId
from services.coordination.domain.view.bulk_fold import add_all
from services.coordination.domain.view.caseload import CaseloadEntry
from services.coordination.domain.view.sections import Sections
from services.coordination.domain.view.standing import standing
from services.coordination.domain.view.urgency import answered, leading
from services.coordination.reading.caseload import CaseloadPlace, caseload_page
from services.coordination.reading.section_rows import HEADS, SectionRow, with_tails
from services.coordination.reading.stamp import Stamp, StampedSections
from services.coordination.reading.stored_section import NO_TAIL, NOT_RANKED, StoredSection, as_stored

# The active slot as a scalar: with a join the planner walks whole tables instead of an index.
_OF_SOURCE = f"""{HEADS}
    where s.slot = (select active from view_slots) and s.source = $1 and s.patient_id = any($2)"""  # noqa: S608 - constants
_OF_PATIENT = f"""{HEADS}
    where s.slot = (select active from view_slots) and s.patient_id = $1"""  # noqa: S608 - constants
_POSITIONS = """select s.source, s.source_position from sections s
    where s.slot = (select active from view_slots) and s.patient_id = $1"""


class Views:
    """Reads the active slot. A section that another version of the fold made is folded again from the journal.

    Raises StoredByNewer for a code that only a newer build knows.
    """

    def __init__(self, sessions: Connections) -> None:
        self._sessions = sessions

    async def turns(self) -> int:
        """How often the view was turned to its other slot."""
        turns: int = await self._sessions.fetchval("select turns from view_slots")
        return turns

    async def of_source(self, source: str, patients: Collection[PatientId]) -> dict[PatientId, StoredSection]:
        """The sections of these patients that there are."""
        heads = await self._sessions.fetch(_OF_SOURCE, source, list(patients))
        return {row.patient_id: await _stored(row) for row in await with_tails(self._sessions, heads)}

    async def positions(self, patient_id: PatientId) -> dict[str, int]:
        """By source, the position of its log that the patient's section includes; without sources that said nothing."""
        rows = await self._sessions.fetch(_POSITIONS, patient_id)
        return {row["source"]: row["source_position"] for row in rows}

    async def of_patient(self, patient_id: PatientId) -> StampedSections | None:
        """All in one snapshot; None when nothing was ever journaled of this patient."""
        rows = await with_tails(self._sessions, await self._sessions.fetch(_OF_PATIENT, patient_id))
        if not rows:
            return None
        newest = max(rows, key=lambda row: row.journal_position)
        found: dict[str, Any] = {row.source: await row.whole() for row in rows}
        return StampedSections(
            sections=Sections(**found),
            stamp=Stamp(journal_position=newest.journal_position, known_at=newest.journal_time),
        )

    async def caseload(self, after: CaseloadPlace | None, limit: int) -> list[CaseloadEntry]:
        """The next `limit` patients, the most urgent first, then the soonest due."""
        return await caseload_page(self._sessions, after, limit)


async def _stored(row: SectionRow) -> StoredSection:
    state, facts = row.stored_state(), await row.facts()
    whole = add_all(state, facts)
    settled = answered(state)
    return StoredSection(
        state=state,
        size=len(row.state or b""),
        tail=NO_TAIL.grown(facts, sum([len(one["value"]) for one in row.tail])),
        standing=standing(whole),
        settled=settled,
        answered=answered(whole) - settled,
        position=row.source_position,
        leading=as_stored(leading(whole)) if row.is_of_this_fold else NOT_RANKED,
        is_of_this_fold=row.is_of_this_fold,
    )
