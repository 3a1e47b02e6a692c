"""Coordination's use cases that wait for something: the views that the care team reads."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from careloop.chassis.events.consistency_token import ConsistencyToken
from careloop.kernel.errors import InvalidInput, Unavailable, patient_not_known
from careloop.kernel.ids import PatientId
from services.coordination.domain.view.care_view import CareView
from services.coordination.domain.view.caseload import CaseloadEntry
from services.coordination.domain.view.readers import Reader, view_for
from services.coordination.domain.view.sections import Sections
from services.coordination.domain.view.sections.assessment import AssessmentSection
from services.coordination.evidence import Evidence, SourceFreshness, ViewChanges, set_within
from services.coordination.reading.caseload import CaseloadPlace
from services.coordination.reading.journal import Journal, JournalEntry, Wanted
from services.coordination.reading.replay import Replay
from services.coordination.reading.stamp import Stamp, StampedSections
from services.coordination.reading.views import Views

ENROLS = "assessment"
"""The service that says who is a client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What is known of a patient, by which state of the journal, and how fresh each source is (the past: nothing)."""

    patient_id: PatientId
    sections: Sections
    stamp: Stamp
    freshness: tuple[SourceFreshness, ...] = ()

    def seen_by(self, reader: Reader) -> CareView:
        return view_for(reader, self.patient_id, self.sections)


class CareViews:
    """What is known of the patients: now, at any moment before, and as it changes."""

    def __init__(
        self, views: Views, journal: Journal, replay: Replay, evidence: Evidence, changes: ViewChanges
    ) -> None:
        self._views = views
        self._journal = journal
        self._replay = replay
        self._evidence = evidence
        self._changes = changes

    async def get(
        self, patient_id: PatientId, at_least: Sequence[ConsistencyToken], now: datetime, seconds: float
    ) -> Served:
        """The view, once it includes `at_least`. Raises Unavailable when that takes longer than `seconds`."""
        await self._evidence.wait_for(patient_id, at_least, seconds)
        # Freshness first: what is said of it is then true of the view that is read after it.
        freshness = await self._evidence.freshness(patient_id, now)
        stored = await self._shown(patient_id, freshness)
        return Served(patient_id=patient_id, sections=stored.sections, stamp=stored.stamp, freshness=freshness)

    async def _shown(self, patient_id: PatientId, freshness: Sequence[SourceFreshness]) -> StampedSections:
        """What is stored of a client. Raises NotKnown alike for one who does not exist and one who is not enrolled."""
        stored = await self._views.of_patient(patient_id)
        if stored is None or not (_is_enrolled(stored.sections.assessment) or _may_be_behind(freshness)):
            raise patient_not_known()
        return stored

    async def sections(self, patient_id: PatientId) -> Sections | None:
        """What is stored of the patient; None where the view has heard of nothing."""
        stored = await self._views.of_patient(patient_id)
        return None if stored is None else stored.sections

    async def get_as_known(
        self, patient_id: PatientId, *, valid_at: datetime | None, known_at: datetime | None, now: datetime
    ) -> Served:
        """The view as it was served at `known_at`. A moment that has not come, by the journal's time, is refused."""
        if known_at is not None and known_at > now:
            head = await self._journal.head()
            if head is None or known_at > head.journal_time:
                raise InvalidInput("in-the-future", "known_at may not lie in the future.", field="known_at")
        await self._shown(patient_id, await self._evidence.freshness(patient_id, now))
        known = await self._replay.as_known(patient_id, valid_at=valid_at, known_at=known_at)
        if known is None:
            raise patient_not_known()
        return Served(patient_id=patient_id, sections=known.sections, stamp=known.stamp)

    async def is_enrolled(self, patient_id: PatientId, now: datetime, seconds: float) -> bool:
        """Whether this client is enrolled; an enrolment that is on its way is waited for.

        Raises Unavailable when nobody can say, as what the assessment service recorded did not come in.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        with self._changes.watching(patient_id) as changed:
            while True:
                changed.clear()
                found = await self._views.of_source(ENROLS, [patient_id])
                if any(_is_enrolled(cast(AssessmentSection, stored.standing)) for stored in found.values()):
                    return True
                if not await set_within(changed, end - loop.time()):
                    break
        if _may_be_behind(await self._evidence.freshness(patient_id, now)):
            raise Unavailable("not-yet-visible", "Assessment's records have not come in; retry.")
        return False

    async def list_caseload(self, after: CaseloadPlace | None, limit: int) -> list[CaseloadEntry]:
        return await self._views.caseload(after, limit)

    async def watch(
        self, patient_id: PatientId, clock: Callable[[], datetime], seconds: float
    ) -> AsyncIterator[Served]:
        """The view now and after every change, for so many seconds; changes that follow fast come as one."""
        loop = asyncio.get_running_loop()
        end, shown = loop.time() + seconds, 0
        with self._changes.watching(patient_id) as changed:
            while True:
                changed.clear()
                served = await self.get(patient_id, (), clock(), 0)
                if served.stamp.journal_position > shown:
                    shown = served.stamp.journal_position
                    yield served
                if not await set_within(changed, end - loop.time()):
                    return

    async def read_journal(self, wanted: Wanted) -> AsyncIterator[Sequence[JournalEntry]]:
        """Runs of entries up to the journal's end at the time of the call."""
        head = await self._journal.head()
        if head is not None:
            async for page in self._journal.pages(wanted, head.position):
                yield page


def _is_enrolled(assessed: AssessmentSection) -> bool:
    return bool(assessed.enrolments)


def _may_be_behind(freshness: Sequence[SourceFreshness]) -> bool:
    """Whether an enrolment may have been recorded that did not come in: what did is then shown rather than hidden."""
    return any(one.source == ENROLS and (one.stale or one.held) for one in freshness)
