"""Everything the five services publish goes into the journal, and into the section of its source."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from careloop.chassis.consuming.handler import Effects, Handler, Received
from careloop.chassis.events.partitioner import partition_of
from careloop.kernel.ids import PatientId
from services.coordination.domain.care_view import KNOWN_TYPES
from services.coordination.domain.kept import Kept
from services.coordination.domain.section_fold import grow
from services.coordination.domain.sections import SECTIONS
from services.coordination.evidence import CONSUMER
from services.coordination.projection import Folded, Remembered, Standing, folded, projected
from services.coordination.views import Views


class CareViewConsumer(Handler):
    """Journals and folds a unit of one source in one call; what a section already includes is passed over.

    Sections are folded on in memory and read only where nothing is remembered. Types that this build does not know
    are journaled too, for readers that will.
    """

    consumer = CONSUMER
    contracts: Mapping[str, type] = KNOWN_TYPES
    wants_unknown = True
    most_records = 10_000

    def __init__(self, views: Views, partitions: int) -> None:
        self._views = views
        self._partitions = partitions
        self._remembered = Remembered()
        self._turns: dict[tuple[str, int], int] = {}

    def without_memory(self) -> "CareViewConsumer":
        return CareViewConsumer(self._views, self._partitions)

    def forget(self, source: str, partition: int) -> None:
        self._turns.pop((source, partition), None)
        self._remembered.forget(source, partition)

    async def handle(self, received: Sequence[Received]) -> Effects:
        if not received:
            return Effects()
        first = received[0].envelope
        source, partition = first.source, partition_of(first.patient_id, self._partitions)
        turns = await self._turns_of(source, partition)
        told = _by_patient(received)
        standings = await self._standings(source, partition, told)
        if any(of[0].envelope.position <= standings[patient].position for patient, of in told.items()):
            new = [one for one in received if one.envelope.position > standings[one.envelope.patient_id].position]
            if not new:
                return Effects()
            received, told = new, _by_patient(new)
        sections = fold(standings, told)
        if self._turns.get((source, partition)) == turns:  # else it was forgotten meanwhile
            self._remembered.put(source, partition, {patient: one.after for patient, one in sections.items()})
        return Effects(statements=(projected(received, sections, partition, turns),))

    async def _turns_of(self, source: str, partition: int) -> int:
        """Read before any section: sections read after another turn are refused when they are stored."""
        key = (source, partition)
        if key not in self._turns:
            self._turns[key] = await self._views.turns()
        return self._turns[key]

    async def _standings(
        self, source: str, partition: int, patients: Collection[PatientId]
    ) -> dict[PatientId, Standing]:
        found = {patient: self._remembered.get(source, partition, patient) for patient in patients}
        missing = [patient for patient, standing in found.items() if standing is None]
        stored = await self._views.of_source(source, missing) if missing else {}
        return {
            patient: standing or stored.get(patient) or Standing(SECTIONS[source]())
            for patient, standing in found.items()
        }


def _by_patient(received: Sequence[Received]) -> dict[PatientId, list[Received]]:
    """Each patient's events, in order."""
    told: dict[int, list[Received]] = {}  # an UUID is hashed and compared in Python, its number in C
    for one in received:
        told.setdefault(one.envelope.patient_id.int, []).append(one)
    return {of[0].envelope.patient_id: of for of in told.values()}


def fold(
    standings: Mapping[PatientId, Standing], told: Mapping[PatientId, Sequence[Received]]
) -> dict[PatientId, Folded]:
    """Each patient's section with these events."""
    sections: dict[PatientId, Folded] = {}
    for patient, of in told.items():
        before = standings[patient]
        section = grow(before.section, [_kept(one) for one in of])
        sections[patient] = folded(before, section, of[-1].envelope.position)
    return sections


def _kept(one: Received) -> Kept[Any]:
    envelope = one.envelope
    return Kept(fact=one.event, event_id=envelope.event_id, recorded_at=envelope.recorded_at, actor=envelope.actor)
