"""What each role sees of the care view, field by field."""

from collections.abc import Collection
from dataclasses import fields, replace
from typing import Any

import pytest
from care.coordination.v1 import coordination_pb2 as pb

from careloop.contracts.coordination import CLIENT, MessagePosted
from careloop.contracts.policy import COORDINATION
from careloop.contracts.prescribing import DiscrepancyKind
from careloop.contracts.terms import EnteredInError, Role
from careloop.kernel.ids import PersonId
from services.coordination.domain.view.care_view import CareView, compose
from services.coordination.domain.view.readers import Reader, view_for
from services.coordination.domain.view.urgency import UNSAID
from services.coordination.grpc_api.answers import care_view
from tests.coordination.telling import Told, folded, told
from tests.support.controls import coordination as control
from tests.support.controls.coordination import week
from tests.support.controls.moments import PATIENT, fact

COLLEAGUE, OTHER = PersonId("dr-osei"), PersonId("tom-therapist")
SECRET = "COLLEAGUES ONLY: watch the family."


def message(name: str, sender: str, recipient: str, text: str) -> MessagePosted:
    return MessagePosted(
        fact_id=fact(name), sender=sender, recipient=recipient, about=None, text=text, occurred_at=week(1)
    )


BETWEEN_STAFF = message("between staff", COLLEAGUE, OTHER, SECRET)
TO_CLIENT = message("to client", COLLEAGUE, CLIENT, "See you on Monday.")
FROM_CLIENT = message("from client", CLIENT, OTHER, "I may be late.")
WRITTEN: list[Told] = [("coordination", each) for each in (BETWEEN_STAFF, TO_CLIENT, FROM_CLIENT)]
RASH_OVER = replace(control.NAUSEA_RESOLVED, fact_id=fact("rash over"), side_effect=control.RASH.fact_id)
OPEN = replace(control.RASH, fact_id=fact("rash again"))
ENDED: list[Told] = [("monitoring", RASH_OVER), ("monitoring", OPEN)]
STANDING = replace(
    control.DISCREPANCY,
    fact_id=fact("another discrepancy"),
    kind=DiscrepancyKind.NOT_LISTED,
    listed_daily_dose_mg=None,
)
RAISED = replace(
    control.CONCERNS_RAISED,
    fact_id=fact("raised again"),
    concerns=(replace(control.CONCERNS_RAISED.concerns[0], concern=fact("another concern")),),
)
CLOSED = replace(control.CLOSED_BEFORE, fact_id=fact("closed"), occurred_at=week(12))
EVERYTHING = [
    *told(),
    *WRITTEN,
    *ENDED,
    ("prescribing", STANDING),
    ("prescribing", RAISED),
    ("assessment", CLOSED),
]
SECTIONS = folded(EVERYTHING)
ALL = compose(PATIENT, SECTIONS)


def seen_by(person: PersonId) -> CareView:
    return view_for(Reader(person), PATIENT, SECTIONS)


WHOLE = "all"
CLINICIAN_SEES = {field.name: WHOLE for field in fields(CareView)} | {
    "messages": "what they wrote or is for them",
    "timeline": "without messages of others",
}
CLIENT_SEES = {
    "patient_id": WHOLE,
    "identity": WHOLE,
    "team": "without addresses",
    "diagnoses": WHOLE,
    "allergies": WHOLE,
    "medications": "without alerts and answers",
    "discrepancies": "nothing",
    "concerns": "nothing",
    "pregnancy": WHOLE,
    "results": WHOLE,
    "history": WHOLE,
    "plan": WHOLE,
    "completion": "without the risk",
    "scale_trends": WHOLE,
    "open_side_effects": "without rules and flags",
    "closed_side_effects": "without rules and flags",
    "risks": "nothing",
    "declined_orders": "without reasons",
    "overrides": "nothing",
    "unacknowledged_notices": "nothing",
    "messages": "what they wrote or is for them",
    "doses": WHOLE,
    "timeline": "without what the others leave out",
    "urgency": "nothing",
    "list_gaps": WHOLE,
    "episode_end": "without the risk",
    "result_actions": "nothing",
    "dose_plans": "without answers and reasons",
}


@pytest.mark.parametrize("field", [field.name for field in fields(CareView)])
def test_a_clinician_sees_every_field_but_the_messages_of_others(field: str) -> None:
    if CLINICIAN_SEES[field] == WHOLE:
        assert getattr(seen_by(COLLEAGUE), field) == getattr(ALL, field)


@pytest.mark.parametrize("field", [field.name for field in fields(CareView)])
def test_the_client_sees_of_every_field_what_the_table_says(field: str) -> None:
    mine, every = getattr(seen_by(CLIENT), field), getattr(ALL, field)
    assert every, f"{field} is shown by nothing that was told"
    match CLIENT_SEES[field]:
        case "all":
            assert mine == every
        case "nothing":
            assert not mine or mine == UNSAID
        case _:
            assert mine
            assert mine != every


def test_messages_are_seen_by_who_wrote_them_and_who_they_are_for() -> None:
    seen = {person: {one.text for one in seen_by(person).messages} for person in (COLLEAGUE, OTHER, CLIENT)}
    assert seen[COLLEAGUE] & {one.text for _, one in WRITTEN} == {SECRET, "See you on Monday."}
    assert seen[OTHER] & {one.text for _, one in WRITTEN} == {SECRET, "I may be late."}
    assert seen[CLIENT] >= {"See you on Monday.", "I may be late."}
    assert SECRET not in seen[CLIENT]


def test_older_messages_are_not_crowded_out_by_those_of_others() -> None:
    crowd: list[Told] = [("coordination", message(f"chat {n}", COLLEAGUE, OTHER, f"chat {n}")) for n in range(150)]
    sections = folded([("coordination", replace(TO_CLIENT, occurred_at=week(-1))), *crowd])
    assert [one.text for one in view_for(Reader(CLIENT), PATIENT, sections).messages] == ["See you on Monday."]


@pytest.mark.parametrize("person", [CLIENT, PersonId("somebody-else")])
def test_nothing_of_another_s_message_is_in_the_bytes(person: PersonId) -> None:
    shown: Any = care_view(seen_by(person))
    content = shown.SerializeToString()
    assert SECRET.encode() not in content
    assert b"dr-osei to tom-therapist" not in content


CLIENT_NEVER_READS = ("RiskRaised", "NoticeDecided", "NoticeEscalated", "NoticeAcknowledged", "NoticeFailed")


def test_the_client_s_timeline_has_nothing_of_risks_and_notices_and_no_reason_of_a_declined_order() -> None:
    entries = seen_by(CLIENT).timeline
    assert not {one.kind for one in entries} & set(CLIENT_NEVER_READS)
    assert not [one for one in entries if one.source == "notifications"]
    declined = [one.summary for one in entries if one.kind == "PrescriptionDeclined"]
    assert declined
    assert not [one for one in declined if "contraindicated" in one]


def test_why_a_message_was_struck_is_not_the_client_s_to_read() -> None:
    struck = EnteredInError(fact_id=BETWEEN_STAFF.fact_id, reason=SECRET, marked_by=COLLEAGUE, occurred_at=week(2))
    sections = folded([*EVERYTHING, ("coordination", struck)])
    shown: Any = care_view(view_for(Reader(CLIENT), PATIENT, sections))
    assert SECRET.encode() not in shown.SerializeToString()


def test_a_field_that_is_added_to_the_view_is_seen_by_nobody_until_the_tables_say_so() -> None:
    assert set(CLINICIAN_SEES) == set(CLIENT_SEES) == {field.name for field in fields(CareView)}
    assert {field.name for field in pb.CareView.DESCRIPTOR.fields} == set(CLIENT_SEES)


def test_only_clinicians_and_the_client_read_views() -> None:
    readers: Collection[Role] = COORDINATION["/care.coordination.v1.CoordinationService/GetCareView"]
    assert set(readers) - {Role.CLIENT} == {
        Role.PSYCHIATRIST,
        Role.PSYCHIATRIC_NURSE_PRACTITIONER,
        Role.THERAPIST,
        Role.CARE_MANAGER,
        Role.PHARMACIST,
    }
