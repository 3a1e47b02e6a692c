"""What a unit of consumed events makes of the sections of its patients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from careloop.chassis.consuming.handler import Received
from careloop.chassis.events.codec import ENCODER
from careloop.contracts.terms import EnteredInError
from careloop.kernel.ids import PatientId
from services.coordination.domain.view.bulk_fold import add_all
from services.coordination.domain.view.dated_fact import DatedFact
from services.coordination.reading.stored_section import StoredSection, grown, is_worth_a_state, sealed


@dataclass(frozen=True, slots=True)
class SectionChange:
    """What a unit makes of one patient's section. `state` is None where only its tail grew."""

    before: StoredSection
    after: StoredSection
    state: bytes | None


def change(before: StoredSection, events: Sequence[Received]) -> SectionChange:
    """The section with these events: on its tail, or as a new state where the tail becomes long, where a fact is struck
    (what was settled may matter again), and where what is stored is of another fold."""
    facts, position = [_dated(one) for one in events], events[-1].envelope.position
    if before.is_of_this_fold and not any(isinstance(one.event, EnteredInError) for one in events):
        after = grown(before, facts, sum([len(one.value) for one in events]), position)
        if not is_worth_a_state(after):
            return SectionChange(before, after, None)
    section = add_all(before.state, [*before.tail, *facts])
    content = ENCODER.encode(section)
    return SectionChange(before, sealed(section, position, len(content)), content)


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
    return {patient: change(stored[patient], of) for patient, of in events.items()}


def _dated(one: Received) -> DatedFact[Any]:
    envelope = one.envelope
    return DatedFact(fact=one.event, event_id=envelope.event_id, recorded_at=envelope.recorded_at, actor=envelope.actor)
