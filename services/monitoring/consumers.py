"""What the client takes, by the facts of assessment and prescribing, becomes notes in monitoring's own stream."""

from careloop.chassis.consuming.noting import Notes
from careloop.chassis.events.envelope import Envelope
from careloop.contracts import assessment, prescribing, terms
from services.monitoring.domain import noted
from services.monitoring.domain.events import Event
from services.monitoring.domain.medicines import Medicine, TakenMedicine
from services.monitoring.domain.noted import Noted

CONSUMER = "monitoring.medicines"


def note_enrolment(envelope: Envelope, fact: assessment.PatientEnrolled) -> Noted:
    return noted.EnrolmentNoted(fact_id=fact.fact_id, evidence=envelope.event_id, occurred_at=fact.occurred_at)


def note_medications(envelope: Envelope, fact: assessment.MedicationsReconciled) -> Noted:
    return noted.MedicationsNoted(
        fact_id=fact.fact_id,
        evidence=envelope.event_id,
        medicines=tuple(
            TakenMedicine(medicine=_medicine(taken.medicine), stopped_on=taken.stopped_on) for taken in fact.medications
        ),
        occurred_at=fact.occurred_at,
    )


def note_prescription(envelope: Envelope, fact: prescribing.PrescriptionIssued) -> Noted:
    return noted.PrescriptionNoted(
        fact_id=fact.fact_id,
        evidence=envelope.event_id,
        medicine=_medicine(fact.order.medicine),
        starts_on=fact.order.starts_on,
        occurred_at=fact.occurred_at,
    )


def note_discontinuation(envelope: Envelope, fact: prescribing.PrescriptionDiscontinued) -> Noted:
    return noted.DiscontinuationNoted(
        fact_id=fact.fact_id,
        evidence=envelope.event_id,
        prescription=fact.prescription,
        stopped_on=fact.stopped_on,
        occurred_at=fact.occurred_at,
    )


def note_strike(envelope: Envelope, fact: terms.EnteredInError) -> Noted:
    return noted.StrikeNoted(fact_id=fact.fact_id, evidence=envelope.event_id, occurred_at=fact.occurred_at)


def _medicine(medicine: terms.Medicine) -> Medicine:
    return Medicine(name=medicine.name, rxcui=medicine.rxcui)


NOTES: Notes[Event] = {
    "care.assessment.PatientEnrolled.v1": (assessment.PatientEnrolled, note_enrolment),
    "care.assessment.MedicationsReconciled.v1": (assessment.MedicationsReconciled, note_medications),
    "care.assessment.EnteredInError.v1": (terms.EnteredInError, note_strike),
    "care.prescribing.PrescriptionIssued.v1": (prescribing.PrescriptionIssued, note_prescription),
    "care.prescribing.PrescriptionDiscontinued.v1": (prescribing.PrescriptionDiscontinued, note_discontinuation),
    "care.prescribing.EnteredInError.v1": (terms.EnteredInError, note_strike),
}
"""What monitoring listens to, and the note each becomes."""
