"""Published events with their context, as the journal would bring them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from careloop.chassis.commands.writes import Writes
from careloop.chassis.consuming.handler import Received
from careloop.chassis.events.codec import ENCODER
from careloop.chassis.events.envelope import Envelope
from careloop.kernel.ids import EventId, PatientId, PersonId, derived_id
from services.coordination.application import Served
from services.coordination.domain.decisions import DECISIONS
from services.coordination.domain.events import TOPICS, Event
from services.coordination.domain.state import DECIDER, CareTeam
from services.coordination.domain.view.care_view import CareView, compose
from services.coordination.domain.view.dated_fact import DatedFact, EventContext
from services.coordination.domain.view.section_fold import evolve_source
from services.coordination.domain.view.sections import Sections
from tests.support.controls import coordination as control
from tests.support.controls.moments import NOON, PATIENT
from tests.support.speaking import Desk

Told = tuple[str, Any]
"""A source and an event that it published."""

NO_WRITES: Writes[CareTeam, Event] = Writes(Desk("coordination", TOPICS, DECIDER).streams, DECISIONS)
"""For an API of which only the reads are asked."""

CORRELATION = UUID("00000000-0000-4000-8000-0000000000cc")


def told() -> list[Told]:
    """Everything the five services told, one service after the other."""
    return [(source, event) for source, events in control.TOLD.items() for event in events]


def recorded_at(position: int) -> datetime:
    return NOON + timedelta(seconds=position)


def received(source: str, event: Any, position: int, patient_id: PatientId = PATIENT) -> Received:
    """The event as the inbox hands it over: its id follows from source, patient and position."""
    envelope = Envelope(
        event_id=EventId(derived_id("telling", source, patient_id, position)),
        type=control.TYPE_NAMES[source].get(type(event), f"care.{source}.{type(event).__name__}.v1"),
        source=source,
        patient_id=patient_id,
        occurred_at=event.occurred_at,
        recorded_at=recorded_at(position),
        position=position,
        previous=position - 1,
        actor=PersonId("someone"),
        correlation_id=CORRELATION,
        causation_id=None,
    )
    return Received(envelope=envelope, event=event, value=ENCODER.encode(event))


def dated(every: Iterable[Received]) -> list[DatedFact[Any]]:
    """The events as a section gets them."""
    return [
        DatedFact(
            fact=one.event,
            event_id=one.envelope.event_id,
            recorded_at=one.envelope.recorded_at,
            actor=one.envelope.actor,
        )
        for one in every
    ]


def folded(facts: Iterable[Told]) -> Sections:
    """The sections after these facts; a fact's context depends on its own source's order alone."""
    sections, positions = Sections(), dict[str, int]()
    for source, event in facts:
        position = positions[source] = positions.get(source, 0) + 1
        envelope = received(source, event, position).envelope
        sections = evolve_source(sections, source, context_of(envelope), event)
    return sections


def view(**facts: tuple[Any, ...]) -> CareView:
    """The view when each named source has told these facts, in this order."""
    return compose(PATIENT, folded([(source, each) for source, every in facts.items() for each in every]))


def all_of(served: Served) -> CareView:
    """All that was served, as nobody sees it."""
    return compose(served.patient_id, served.sections)


def context_of(envelope: Envelope) -> EventContext:
    return EventContext(
        event_id=envelope.event_id,
        occurred_at=envelope.occurred_at,
        recorded_at=envelope.recorded_at,
        actor=envelope.actor,
        position=envelope.position,
    )
