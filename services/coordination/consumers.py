"""Everything the five services publish goes into the journal, and into the section of its source."""

from collections.abc import Mapping, Sequence

from careloop.chassis.envelope import Envelope
from careloop.chassis.handling import Effects, Received
from careloop.chassis.partitioner import partition_of
from careloop.kernel.ids import PatientId
from services.coordination.domain.care_view import KNOWN_TYPES, evolve
from services.coordination.domain.kept import Context
from services.coordination.domain.sections import SECTIONS
from services.coordination.evidence import CONSUMER
from services.coordination.views import Folded, StoredSection, Views, applied


class CareViewConsumer:
    """Journals and folds a unit of one source in one statement; what a section already includes is passed over.

    Types that this build does not know are journaled too, for readers that will.
    """

    consumer = CONSUMER
    contracts: Mapping[str, type] = KNOWN_TYPES
    wants_unknown = True

    def __init__(self, views: Views, partitions: int) -> None:
        self._views = views
        self._partitions = partitions

    async def handle(self, received: Sequence[Received]) -> Effects:
        if not received:
            return Effects()
        source = received[0].envelope.source
        patients = {one.envelope.patient_id for one in received}
        stored = await self._views.of_source(source, patients)
        new = [one for one in received if one.envelope.position > _position(stored, one.envelope.patient_id)]
        if not new:
            return Effects()
        partition = partition_of(new[0].envelope.patient_id, self._partitions)
        return Effects(statements=(applied(new, fold(source, new, stored), partition),))


def fold(
    source: str, received: Sequence[Received], stored: Mapping[PatientId, StoredSection]
) -> dict[PatientId, Folded]:
    """Each patient's section with these events, from where it is stored or from the beginning."""
    folded: dict[PatientId, Folded] = {}
    for place, one in enumerate(received, start=1):
        patient_id = one.envelope.patient_id
        before = folded.get(patient_id) or _start(source, stored.get(patient_id))
        section = evolve(before.section, _context(one.envelope), one.event)
        folded[patient_id] = Folded(section=section, folded_from=before.folded_from, last=place)
    return folded


def _start(source: str, stored: StoredSection | None) -> Folded:
    known = stored or StoredSection(section=SECTIONS[source]())
    return Folded(section=known.section, folded_from=known.source_position, last=0)


def _position(stored: Mapping[PatientId, StoredSection], patient_id: PatientId) -> int:
    return stored[patient_id].source_position if patient_id in stored else 0


def _context(envelope: Envelope) -> Context:
    return Context(
        event_id=envelope.event_id,
        occurred_at=envelope.occurred_at,
        recorded_at=envelope.recorded_at,
        actor=envelope.actor,
        position=envelope.position,
    )
