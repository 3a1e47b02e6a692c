"""Everything the five services publish goes into the journal, and into the section of its source."""

from collections.abc import Collection, Mapping, Sequence

from careloop.chassis.consuming.handler import Effects, Handler, Received
from careloop.chassis.events.partitioner import partition_of
from careloop.chassis.tracing.spans import within
from careloop.kernel.ids import PatientId
from services.coordination.domain.view.section_fold import KNOWN_TYPES
from services.coordination.domain.view.sections import SECTIONS
from services.coordination.evidence import CONSUMER
from services.coordination.projecting.projection import projection
from services.coordination.projecting.section_cache import SectionCache
from services.coordination.projecting.section_change import by_patient, fold
from services.coordination.reading.stored_section import StoredSection
from services.coordination.reading.views import Views


class CareViewConsumer(Handler):
    """Journals and folds a unit of one source in one call; what a section already includes is passed over.

    Sections are folded on in memory and read only where none is cached. Types that this build does not know are
    journaled too, for readers that will.
    """

    consumer = CONSUMER
    contracts: Mapping[str, type] = KNOWN_TYPES
    wants_unknown = True
    most_records = 10_000

    def __init__(self, views: Views, partitions: int) -> None:
        self._views = views
        self._partitions = partitions
        self._cache = SectionCache()
        self._turns: dict[tuple[str, int], int] = {}

    def without_memory(self) -> "CareViewConsumer":
        return CareViewConsumer(self._views, self._partitions)

    def forget(self, source: str, partition: int) -> None:
        self._turns.pop((source, partition), None)
        self._cache.forget(source, partition)

    async def handle(self, received: Sequence[Received]) -> Effects:
        if not received:
            return Effects()
        with within("project"):
            return await self._projected(received)

    async def _projected(self, received: Sequence[Received]) -> Effects:
        first = received[0].envelope
        source, partition = first.source, partition_of(first.patient_id, self._partitions)
        turns = await self._turns_of(source, partition)
        events = by_patient(received)
        stored = await self._sections(source, partition, events)
        if any(of[0].envelope.position <= stored[patient].position for patient, of in events.items()):
            new = [one for one in received if one.envelope.position > stored[one.envelope.patient_id].position]
            if not new:
                return Effects()
            received, events = new, by_patient(new)
        changes = fold(stored, events)
        if self._turns.get((source, partition)) == turns:  # else it was forgotten meanwhile
            self._cache.put(source, partition, {patient: one.after for patient, one in changes.items()})
        return Effects(statements=(projection(received, changes, partition, turns),))

    async def _turns_of(self, source: str, partition: int) -> int:
        """Read before any section: sections read after another turn are refused when they are stored."""
        key = (source, partition)
        if key not in self._turns:
            self._turns[key] = await self._views.turns()
        return self._turns[key]

    async def _sections(
        self, source: str, partition: int, patients: Collection[PatientId]
    ) -> dict[PatientId, StoredSection]:
        found = {patient: self._cache.get(source, partition, patient) for patient in patients}
        missing = [patient for patient, cached in found.items() if cached is None]
        stored = await self._views.of_source(source, missing) if missing else {}
        return {
            patient: cached or stored.get(patient) or StoredSection(SECTIONS[source]())
            for patient, cached in found.items()
        }
