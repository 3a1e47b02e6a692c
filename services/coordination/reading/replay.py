"""The sections of any moment on either time axis."""

import asyncio
from datetime import datetime
from typing import Any

from careloop.kernel.ids import PatientId
from services.coordination.domain.view.sections import Sections
from services.coordination.reading.journal import Journal
from services.coordination.reading.section_rows import Session, as_of
from services.coordination.reading.stamp import Stamp, StampedSections

AT_ONCE = 4
"""Moments that are folded side by side; others wait for their turn."""


class Replay:
    """The same fold that made the live view, over the journal up to a moment: what comes out is what was served. It
    begins with the stored states that are not younger than the moment, and gives others their turn while it folds."""

    def __init__(self, journal: Journal, session: Session) -> None:
        self._journal = journal
        self._session = session
        self._turns = asyncio.Semaphore(AT_ONCE)

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
        async with self._turns:
            rows = await as_of(self._session, patient_id, head.position, from_states=valid_at is None)
            sections: dict[str, Any] = {row.source: await row.whole(valid_at) for row in rows}
        if not rows:
            return None
        last = max(rows, key=lambda row: row.journal_position)
        return StampedSections(
            sections=Sections(**sections),
            stamp=Stamp(journal_position=last.journal_position, known_at=last.journal_time),
        )
