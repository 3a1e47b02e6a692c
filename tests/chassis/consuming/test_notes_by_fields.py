"""Another service's fact as the note that it becomes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pytest

from careloop.chassis.consuming.noting import listening, note
from careloop.chassis.events.envelope import Envelope
from careloop.kernel.events import Instant
from careloop.kernel.ids import EventId, FactId, PatientId, PersonId
from careloop.kernel.restating import CannotRestate

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
FACT = FactId(UUID(int=7))
ENVELOPE = Envelope(
    event_id=EventId(UUID(int=1)),
    type="care.clinic.WeightMeasured.v1",
    source="clinic",
    patient_id=PatientId(UUID(int=5)),
    position=1,
    previous=0,
    occurred_at=NOON,
    recorded_at=NOON,
    actor=PersonId("dr-a"),
    correlation_id=UUID(int=2),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightMeasured:
    fact_id: FactId
    pounds: int
    scale: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightNoted:
    fact_id: FactId
    evidence: EventId
    kilograms: int
    device: str
    occurred_at: Instant


def kilograms(event: WeightMeasured) -> int:
    return round(event.pounds * 0.4536)


MEASURED = WeightMeasured(fact_id=FACT, pounds=150, scale="bathroom", occurred_at=NOON)


def test_a_note_says_what_the_fact_says_and_what_is_made_of_it() -> None:
    contract, noted = note(WeightNoted, WeightMeasured, at={"device": "scale"}, kilograms=kilograms)
    assert contract is WeightMeasured
    assert noted(ENVELOPE, MEASURED) == WeightNoted(
        fact_id=FACT, evidence=ENVELOPE.event_id, kilograms=68, device="bathroom", occurred_at=NOON
    )


def test_a_fact_that_says_nothing_here_is_not_noted() -> None:
    _, noted = note(
        WeightNoted,
        WeightMeasured,
        at={"device": "scale"},
        only=lambda event: event.scale != "bathroom",
        kilograms=kilograms,
    )
    assert noted(ENVELOPE, MEASURED) is None


def test_a_note_that_its_fact_does_not_fill_is_refused_at_import() -> None:
    with pytest.raises(CannotRestate):
        note(WeightNoted, WeightMeasured, kilograms=kilograms)


def test_notes_are_found_by_the_wire_types_of_their_source() -> None:
    heard = note(WeightNoted, WeightMeasured, at={"device": "scale"}, kilograms=kilograms)
    assert listening({ENVELOPE.type: WeightMeasured}, heard) == {ENVELOPE.type: heard}
    with pytest.raises(KeyError):
        listening({}, heard)
