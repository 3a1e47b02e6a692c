"""Folding the journal to any moment on either time axis."""

from datetime import datetime

from careloop.contracts.terms import EnteredInError
from careloop.kernel.ids import PatientId
from services.coordination.domain.view.section_fold import evolve_source
from services.coordination.domain.view.sections import Sections
from services.coordination.reading.journal import Journal, JournalEntry, Wanted
from services.coordination.reading.stamp import Stamp, StampedSections


class Replay:
    """The same fold that made the live view, over the journal up to a moment: what comes out is what was served."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def as_known(
        self, patient_id: PatientId, *, valid_at: datetime | None = None, known_at: datetime | None = None
    ) -> StampedSections | None:
        """What the team could have seen at `known_at` (None: now) of what had happened by `valid_at` (None: all of it).

        A strike applies whenever it was known, whatever `valid_at`: what is wrong was never true. None when nothing
        was known of the patient.
        """
        head = await self._journal.head(known_at)
        if head is None:
            return None
        sections, last = Sections(), None
        async for page in self._journal.pages(Wanted(patient_id=patient_id), head.position):
            for entry in page:
                sections, last = _with(sections, entry, valid_at), entry
        if last is None:
            return None
        return StampedSections(
            sections=sections, stamp=Stamp(journal_position=last.position, known_at=last.journal_time)
        )


def _with(sections: Sections, entry: JournalEntry, valid_at: datetime | None) -> Sections:
    event = entry.event()
    if valid_at is None or entry.occurred_at <= valid_at or isinstance(event, EnteredInError):
        return evolve_source(sections, entry.source, entry.context, event)
    return sections
