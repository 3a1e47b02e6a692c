"""The one call that journals a unit's events and stores the sections folded from them."""

from collections.abc import Mapping, Sequence

from careloop.chassis.consuming.handler import Received
from careloop.chassis.events.codec import ENCODER
from careloop.chassis.log.protocol import Statement, calling
from careloop.kernel.ids import PatientId
from services.coordination.domain.view.caseload import headline
from services.coordination.domain.view.section_fold import FOLD_VERSION
from services.coordination.domain.view.urgency import LEVELS
from services.coordination.projecting.section_change import SectionChange


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
    return calling(
        "project",
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
        [one.state for one in made],
        [one.before.position for one in made],
        [last[number] for number in numbers.values()],
        [one.after.ranking[0] for one in made],
        [one.after.ranking[1] for one in made],
        [ENCODER.encode(headline(one.after.section)).decode() for one in made],
        [one.after.ranking != one.before.ranking for one in made],
    )
