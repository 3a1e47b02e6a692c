"""Sections as they are folded on: remembered between units, and stored with the journal in one call."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from careloop.chassis.consuming.handler import Received
from careloop.chassis.events.codec import ENCODER
from careloop.chassis.log.protocol import Statement, calling
from careloop.kernel.ids import PatientId
from services.coordination.domain.care_view import FOLD_VERSION
from services.coordination.domain.caseload import headline
from services.coordination.domain.sections import Section
from services.coordination.domain.urgency import LEVELS, answered, concerns

MOST_BYTES = 64 * 1024 * 1024
"""How much is remembered, by the size of the sections as they are stored; in memory they take about four times that."""

Ranking = tuple[str, str]
"""A section's concerns and what it answers, as they are stored: all that the caseload's order depends on."""
NOT_RANKED: Ranking = ("", "")


@dataclass(frozen=True, slots=True)
class Standing:
    """A section, the position of its source that it includes, its ranking and its size as they are stored.

    The ranking is NOT_RANKED where it may be another than the section's.
    """

    section: Section
    position: int = 0
    ranking: Ranking = NOT_RANKED
    size: int = 0


@dataclass(frozen=True, slots=True)
class Folded:
    """What a unit makes of one patient's section."""

    before: Standing
    after: Standing
    state: bytes


def folded(before: Standing, section: Section, position: int) -> Folded:
    state = ENCODER.encode(section)
    after = Standing(section, position, ranking(section), len(state))
    return Folded(before, after, state)


def ranking(section: Section) -> Ranking:
    taken = ",".join(sorted(map(str, answered(section))))
    return ENCODER.encode(concerns(section)).decode(), "{" + taken + "}"


class Remembered:
    """The sections used last, up to `most_bytes`, those of each (source, partition) as of one count of turns."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._standings: OrderedDict[tuple[str, int, PatientId], Standing] = OrderedDict()

    def get(self, source: str, partition: int, patient_id: PatientId) -> Standing | None:
        key = (source, partition, patient_id)
        found = self._standings.get(key)
        if found is not None:
            self._standings.move_to_end(key)
        return found

    def put(self, source: str, partition: int, sections: Mapping[PatientId, Standing]) -> None:
        for patient_id, standing in sections.items():
            key = (source, partition, patient_id)
            self._drop(key)
            self._standings[key] = standing
            self._bytes += standing.size
        while self._bytes > self._most_bytes:
            self._drop(next(iter(self._standings)))

    def forget(self, source: str, partition: int) -> None:
        for key in [key for key in self._standings if key[:2] == (source, partition)]:
            self._drop(key)

    def _drop(self, key: tuple[str, int, PatientId]) -> None:
        gone = self._standings.pop(key, None)
        if gone is not None:
            self._bytes -= gone.size


def projected(
    received: Sequence[Received], sections: Mapping[PatientId, Folded], partition: int, turns: int
) -> Statement:
    """The call that journals the events, all of one source, and stores the sections folded from them.

    It raises Conflict where a section is no longer at the position that it was folded from, and when the view was
    turned to its other slot since the count was `turns`.
    """
    envelopes = [one.envelope for one in received]
    numbers = {patient.int: number for number, patient in enumerate(sections, start=1)}
    patients = [numbers[e.patient_id.int] for e in envelopes]
    last = {number: place for place, number in enumerate(patients, start=1)}
    made = sections.values()
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
        list(sections),
        [one.state for one in made],
        [one.before.position for one in made],
        [last[number] for number in numbers.values()],
        [one.after.ranking[0] for one in made],
        [one.after.ranking[1] for one in made],
        [ENCODER.encode(headline(one.after.section)).decode() for one in made],
        [one.after.ranking != one.before.ranking for one in made],
    )
