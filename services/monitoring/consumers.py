"""What the client takes, as assessment and prescribing tell it, becomes notes in monitoring's own stream."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from careloop.chassis.envelope import Envelope
from careloop.chassis.event_store import Write
from careloop.chassis.handling import Effects, Received
from careloop.chassis.streams import Streams
from careloop.contracts import assessment, prescribing, terms
from careloop.kernel.events import Request
from careloop.kernel.ids import PersonId
from services.monitoring.domain import events
from services.monitoring.domain.events import Event, Noted
from services.monitoring.domain.watch import Watch

CONSUMER = "monitoring.medicines"


def note_enrolment(envelope: Envelope, fact: assessment.PatientEnrolled) -> Noted:
    return events.EnrolmentNoted(fact_id=fact.fact_id, evidence=envelope.event_id, occurred_at=fact.occurred_at)


def note_medications(envelope: Envelope, fact: assessment.MedicationsReconciled) -> Noted:
    return events.MedicationsNoted(
        fact_id=fact.fact_id,
        evidence=envelope.event_id,
        medicines=tuple(
            events.TakenMedicine(medicine=_medicine(taken.medicine), stopped_on=taken.stopped_on)
            for taken in fact.medications
        ),
        occurred_at=fact.occurred_at,
    )


def note_prescription(envelope: Envelope, fact: prescribing.PrescriptionIssued) -> Noted:
    return events.PrescriptionNoted(
        fact_id=fact.fact_id,
        evidence=envelope.event_id,
        medicine=_medicine(fact.order.medicine),
        starts_on=fact.order.starts_on,
        occurred_at=fact.occurred_at,
    )


def note_discontinuation(envelope: Envelope, fact: prescribing.PrescriptionDiscontinued) -> Noted:
    return events.DiscontinuationNoted(
        fact_id=fact.fact_id,
        evidence=envelope.event_id,
        prescription=fact.prescription,
        stopped_on=fact.stopped_on,
        occurred_at=fact.occurred_at,
    )


def note_strike(envelope: Envelope, fact: terms.EnteredInError) -> Noted:
    return events.StrikeNoted(fact_id=fact.fact_id, evidence=envelope.event_id, occurred_at=fact.occurred_at)


def _medicine(medicine: terms.Medicine) -> events.Medicine:
    return events.Medicine(name=medicine.name, rxcui=medicine.rxcui)


NOTES: Mapping[str, tuple[type, Callable[[Envelope, Any], Noted]]] = {
    "care.assessment.PatientEnrolled.v1": (assessment.PatientEnrolled, note_enrolment),
    "care.assessment.MedicationsReconciled.v1": (assessment.MedicationsReconciled, note_medications),
    "care.assessment.EnteredInError.v1": (terms.EnteredInError, note_strike),
    "care.prescribing.PrescriptionIssued.v1": (prescribing.PrescriptionIssued, note_prescription),
    "care.prescribing.PrescriptionDiscontinued.v1": (prescribing.PrescriptionDiscontinued, note_discontinuation),
    "care.prescribing.EnteredInError.v1": (terms.EnteredInError, note_strike),
}
"""What monitoring listens to, and the note each becomes."""


class MedicinesConsumer:
    """Notes every fact once, at any version of the stream, however often it is delivered."""

    consumer = CONSUMER
    contracts: Mapping[str, type] = {name: contract for name, (contract, _note) in NOTES.items()}

    def __init__(self, streams: Streams[Watch, Event]) -> None:
        self._streams = streams

    async def handle(self, received: Sequence[Received]) -> Effects:
        return Effects(writes=tuple(self._write(one) for one in received))

    def _write(self, received: Received) -> Write:
        envelope = received.envelope
        _contract, note = NOTES[envelope.type]
        request = Request(
            request_id=f"note:{self.consumer}:{envelope.event_id}",
            actor=PersonId("monitoring"),
            digest=b"",
            correlation_id=envelope.correlation_id,
            causation_id=envelope.event_id,
            now=envelope.recorded_at,
        )
        return self._streams.write(envelope.patient_id, request, [note(envelope, received.event)], None)
