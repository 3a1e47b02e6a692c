"""What assessment and prescribing publish becomes notes in monitoring's own stream, field by field."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from careloop.chassis.consuming.handler import Received
from careloop.chassis.consuming.noting import NotesConsumer
from careloop.chassis.events.envelope import Envelope
from careloop.chassis.log.protocol import Unit
from careloop.contracts import assessment, prescribing, terms
from careloop.contracts.terms import Medicine
from careloop.kernel.ids import PersonId
from services.monitoring.consumers import CONSUMER, NOTES
from services.monitoring.domain.events import TOPICS, Event
from services.monitoring.domain.medicines import TakenMedicine
from services.monitoring.domain.noted import (
    DiscontinuationNoted,
    EnrolmentNoted,
    MedicationsNoted,
    PrescriptionNoted,
    StrikeNoted,
)
from services.monitoring.domain.state import DECIDER, Watch
from tests.support.controls import coordination as published
from tests.support.controls.moments import LAST_WEEK, NOON, PATIENT, PRESCRIBER, YESTERDAY, event, fact
from tests.support.speaking import CORRELATION, Desk
from tests.support.whole import unsaid

EVIDENCE = event("heard")

ENROLLED = replace(published.ENROLLED, fact_id=fact("enrolment"), occurred_at=LAST_WEEK)
ENROLMENT_NOTED = EnrolmentNoted(fact_id=fact("enrolment"), evidence=EVIDENCE, occurred_at=LAST_WEEK)

RECONCILED = assessment.MedicationsReconciled(
    fact_id=fact("list"),
    medications=(
        assessment.CurrentMedication(
            medicine=terms.Medicine(name="phenelzine 15 MG Oral Tablet", rxcui="8123"),
            daily_dose_mg=Decimal("45.5"),
            started_on=date(2025, 3, 1),
            stopped_on=date(2026, 11, 9),
            source="pharmacy list",
        ),
        assessment.CurrentMedication(
            medicine=terms.Medicine(name="lamotrigine", rxcui="28439"),
            daily_dose_mg=None,
            started_on=date(2026, 1, 2),
            stopped_on=date(2026, 10, 31),
            source="client",
        ),
    ),
    none_taken=False,
    occurred_at=YESTERDAY,
)
LIST_NOTED = MedicationsNoted(
    fact_id=fact("list"),
    evidence=EVIDENCE,
    medicines=(
        TakenMedicine(
            medicine=Medicine(name="phenelzine 15 MG Oral Tablet", rxcui="8123"), stopped_on=date(2026, 11, 9)
        ),
        TakenMedicine(medicine=Medicine(name="lamotrigine", rxcui="28439"), stopped_on=date(2026, 10, 31)),
    ),
    occurred_at=YESTERDAY,
)

ISSUED = replace(
    published.ISSUED,
    fact_id=fact("prescription"),
    order=prescribing.Order(
        medicine=terms.Medicine(name="sertraline 50 MG Oral Tablet", rxcui="312941"),
        daily_dose_mg=Decimal(50),
        sig="one a day",
        days_supply=30,
        starts_on=date(2026, 11, 25),
    ),
    occurred_at=YESTERDAY,
)
PRESCRIPTION_NOTED = PrescriptionNoted(
    fact_id=fact("prescription"),
    evidence=EVIDENCE,
    medicine=Medicine(name="sertraline 50 MG Oral Tablet", rxcui="312941"),
    starts_on=date(2026, 11, 25),
    occurred_at=YESTERDAY,
)

DISCONTINUED = prescribing.PrescriptionDiscontinued(
    fact_id=fact("discontinuation"),
    prescription=fact("prescription"),
    status_reason=prescribing.StatusReason.INTOLERANCE,
    stopped_on=date(2026, 11, 20),
    prescriber=PRESCRIBER,
    occurred_at=YESTERDAY,
)
DISCONTINUATION_NOTED = DiscontinuationNoted(
    fact_id=fact("discontinuation"),
    evidence=EVIDENCE,
    prescription=fact("prescription"),
    stopped_on=date(2026, 11, 20),
    occurred_at=YESTERDAY,
)

STRUCK = terms.EnteredInError(fact_id=fact("wrong"), reason="typo", marked_by="maya", occurred_at=YESTERDAY)
STRIKE_NOTED = StrikeNoted(fact_id=fact("wrong"), evidence=EVIDENCE, occurred_at=YESTERDAY)

HEARD: dict[str, tuple[Any, Event]] = {
    "care.assessment.PatientEnrolled.v1": (ENROLLED, ENROLMENT_NOTED),
    "care.assessment.MedicationsReconciled.v1": (RECONCILED, LIST_NOTED),
    "care.assessment.EnteredInError.v1": (STRUCK, STRIKE_NOTED),
    "care.prescribing.PrescriptionIssued.v1": (ISSUED, PRESCRIPTION_NOTED),
    "care.prescribing.PrescriptionDiscontinued.v1": (DISCONTINUED, DISCONTINUATION_NOTED),
    "care.prescribing.EnteredInError.v1": (STRUCK, STRIKE_NOTED),
}

ONLY_NAMED = terms.Medicine(name="St. John's wort")
WITH_REQUIRED_DATA_ONLY: dict[str, tuple[str, Any, Event]] = {
    "a client of whom little is known": (
        "care.assessment.PatientEnrolled.v1",
        replace(ENROLLED, phone="", email="", emergency_contact=None, location=None, time_zone=""),
        ENROLMENT_NOTED,
    ),
    "a list of which only a name is known": (
        "care.assessment.MedicationsReconciled.v1",
        replace(
            RECONCILED,
            medications=(
                assessment.CurrentMedication(
                    medicine=ONLY_NAMED, daily_dose_mg=None, started_on=None, stopped_on=None, source="client"
                ),
            ),
        ),
        replace(
            LIST_NOTED,
            medicines=(TakenMedicine(medicine=Medicine(name="St. John's wort", rxcui=""), stopped_on=None),),
        ),
    ),
    "a list that says nothing is taken": (
        "care.assessment.MedicationsReconciled.v1",
        replace(RECONCILED, medications=(), none_taken=True),
        replace(LIST_NOTED, medicines=()),
    ),
    "a prescription without a code, a dose or a supply": (
        "care.prescribing.PrescriptionIssued.v1",
        replace(ISSUED, order=replace(ISSUED.order, medicine=ONLY_NAMED, daily_dose_mg=None, sig="", days_supply=None)),
        replace(PRESCRIPTION_NOTED, medicine=Medicine(name="St. John's wort", rxcui="")),
    ),
}


def received(wire_type: str, told: Any) -> Received:
    envelope = Envelope(
        event_id=EVIDENCE,
        type=wire_type,
        source=wire_type.split(".")[1],
        patient_id=PATIENT,
        occurred_at=told.occurred_at,
        recorded_at=NOON,
        position=7,
        previous=6,
        actor=PersonId("who-recorded-it"),
        correlation_id=CORRELATION,
    )
    return Received(envelope=envelope, event=told)


async def heard(*every: Received) -> Desk[Watch, Event]:
    """Monitoring after these."""
    desk: Desk[Watch, Event] = Desk("monitoring", TOPICS, DECIDER)
    effects = await NotesConsumer(CONSUMER, NOTES, desk.streams).handle(every)
    assert effects.statements == ()
    await desk.store.commit(Unit(writes=effects.writes))
    return desk


def test_monitoring_listens_to_what_the_client_takes_and_to_the_strikes_of_both_sources() -> None:
    assert {name: contract for name, (contract, _note) in NOTES.items()} == {
        "care.assessment.PatientEnrolled.v1": assessment.PatientEnrolled,
        "care.assessment.MedicationsReconciled.v1": assessment.MedicationsReconciled,
        "care.assessment.EnteredInError.v1": terms.EnteredInError,
        "care.prescribing.PrescriptionIssued.v1": prescribing.PrescriptionIssued,
        "care.prescribing.PrescriptionDiscontinued.v1": prescribing.PrescriptionDiscontinued,
        "care.prescribing.EnteredInError.v1": terms.EnteredInError,
    }
    assert set(HEARD) == set(NOTES)


@pytest.mark.parametrize("wire_type", HEARD)
async def test_a_note_says_all_that_was_published_of_it(wire_type: str) -> None:
    told, noted = HEARD[wire_type]
    assert unsaid(noted) == []
    assert await (await heard(received(wire_type, told))).stored() == [noted]


@pytest.mark.parametrize("case", WITH_REQUIRED_DATA_ONLY)
async def test_what_was_not_published_stays_unknown_in_the_note(case: str) -> None:
    wire_type, told, noted = WITH_REQUIRED_DATA_ONLY[case]
    assert await (await heard(received(wire_type, told))).stored() == [noted]


@pytest.mark.parametrize("wire_type", HEARD)
async def test_a_fact_is_noted_once_however_often_it_comes(wire_type: str) -> None:
    told, noted = HEARD[wire_type]
    one = received(wire_type, told)
    another = structs.replace(one, envelope=structs.replace(one.envelope, event_id=event("another")))
    desk = await heard(one, one, another)
    assert await desk.stored() == [noted, replace(noted, evidence=event("another"))]  # type: ignore[arg-type]


async def test_a_note_is_monitorings_own_and_names_what_caused_it() -> None:
    (row,) = await (await heard(received("care.assessment.PatientEnrolled.v1", ENROLLED))).store.load(PATIENT)
    assert (row.meta.actor, row.meta.causation_id, row.meta.correlation_id) == ("monitoring", EVIDENCE, CORRELATION)
