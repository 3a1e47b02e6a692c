"""The one call that journals a unit's events and stores what became of their patients' sections."""

from collections.abc import Mapping, Sequence

from careloop.chassis.consuming.handler import Received
from careloop.chassis.events.codec import ENCODER
from careloop.chassis.log.protocol import Statement, calling
from careloop.kernel.ids import PatientId
from services.coordination.domain.view.caseload import headline
from services.coordination.domain.view.section_fold import FOLD_VERSION
from services.coordination.domain.view.urgency import LEVELS
from services.coordination.projecting.section_change import SectionChange
from services.coordination.reading.stored_section import as_array


def projection(
    received: Sequence[Received], changes: Mapping[PatientId, SectionChange], partition: int, turns: int
) -> Statement:
    """The call for events that are all of one source.

    It raises Conflict where a section is no longer at the position that it was folded from, and when the view was
    turned to its other slot since the count was `turns`.
    """
    envelopes = [one.envelope for one in received]
    numbers = {patient.int: number for number, patient in enumerate(changes, start=1)}
    patients = [numbers[e.patient_id.int] for e in envelopes]
    last = {number: place for place, number in enumerate(patients, start=1)}
    made = changes.values()
    states = [(number, one) for number, one in enumerate(made, start=1) if one.state is not None]
    return calling(
        "project_heads",
        envelopes[0].source,
        partition,
        FOLD_VERSION,
        len(LEVELS) - 1,
        turns,
        [e.position for e in envelopes],
        patients,
        [e.type for e in envelopes],
        [e.event_id for e in envelopes],
        [e.occurred_at for e in envelopes],
        [e.recorded_at for e in envelopes],
        [e.actor for e in envelopes],
        [e.correlation_id for e in envelopes],
        [e.causation_id for e in envelopes],
        [e.key_id for e in envelopes],
        [one.value for one in received],
        list(changes),
        [one.before.position for one in made],
        [last[number] for number in numbers.values()],
        [one.after.leading for one in made],
        [as_array(one.after.answered) for one in made],
        [ENCODER.encode(headline(one.after.standing)).decode() for one in made],
        [one.after.ranking != one.before.ranking for one in made],
        [number for number, _one in states],
        [one.state for _number, one in states],
        [as_array(one.after.settled) for _number, one in states],
    )
