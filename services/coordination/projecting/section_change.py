"""What a unit of consumed events makes of the sections of its patients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from careloop.chassis.consuming.handler import Received
from careloop.chassis.events.codec import ENCODER
from careloop.kernel.ids import PatientId
from services.coordination.domain.view.bulk_fold import add_all
from services.coordination.domain.view.dated_fact import DatedFact
from services.coordination.domain.view.sections import Section
from services.coordination.reading.stored_section import StoredSection, ranking


@dataclass(frozen=True, slots=True)
class SectionChange:
    """What a unit makes of one patient's section. `state` is `after` as it is stored."""

    before: StoredSection
    after: StoredSection
    state: bytes


def change(before: StoredSection, section: Section, position: int) -> SectionChange:
    """From what is stored to `section`, which includes its source up to `position`."""
    state = ENCODER.encode(section)
    after = StoredSection(section, position, ranking(section), len(state))
    return SectionChange(before, after, state)


def by_patient(received: Sequence[Received]) -> dict[PatientId, list[Received]]:
    """Each patient's events, in order."""
    events: dict[int, list[Received]] = {}  # an UUID is hashed and compared in Python, its number in C
    for one in received:
        events.setdefault(one.envelope.patient_id.int, []).append(one)
    return {of[0].envelope.patient_id: of for of in events.values()}


def fold(
    stored: Mapping[PatientId, StoredSection], events: Mapping[PatientId, Sequence[Received]]
) -> dict[PatientId, SectionChange]:
    """Each patient's section with these events."""
    changes: dict[PatientId, SectionChange] = {}
    for patient, of in events.items():
        before = stored[patient]
        section = add_all(before.section, [_dated(one) for one in of])
        changes[patient] = change(before, section, of[-1].envelope.position)
    return changes


def _dated(one: Received) -> DatedFact[Any]:
    envelope = one.envelope
    return DatedFact(fact=one.event, event_id=envelope.event_id, recorded_at=envelope.recorded_at, actor=envelope.actor)
