"""Coordination's writes over gRPC: what is given arrives as given, what is not given stays unknown."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from care.coordination.v1 import coordination_pb2 as pb
from msgspec import UNSET

from careloop.chassis.commands.writes import Writes
from careloop.chassis.events.consistency_token import ConsistencyToken
from careloop.chassis.events.partitioner import partition_of
from careloop.contracts.assessment import Location
from careloop.contracts.coordination import CLIENT
from careloop.contracts.policy import COORDINATION
from careloop.contracts.terms import Role, Triage
from careloop.kernel.errors import AlreadyRecorded, InvalidInput, NotKnown
from careloop.kernel.ids import FactId, PatientId, PersonId, derived_id
from services.coordination.domain import events
from services.coordination.domain.codes import TeamRole
from services.coordination.domain.decisions import DECISIONS
from services.coordination.domain.events import TOPICS, Event
from services.coordination.domain.state import DECIDER, CareTeam
from services.coordination.domain.view.dated_fact import DatedFact
from services.coordination.domain.view.sections import Sections
from services.coordination.domain.view.sections.assessment import AssessmentSection
from services.coordination.domain.view.sections.monitoring import MonitoringSection
from services.coordination.grpc_api import CoordinationApi
from tests.support.controls import coordination as control
from tests.support.controls.moments import LAST_WEEK, NOON, PATIENT, PRESCRIBER, YESTERDAY, event, fact
from tests.support.speaking import CONTEXT, Desk, speak_as, stamp
from tests.support.whole import unsaid

PARTITIONS = 6
TEXT = str(PATIENT)
TICK = timedelta(microseconds=1)
AHEAD = NOON + timedelta(days=30)
YEAR = timedelta(days=366)


@dataclass
class Room:
    """The care team's API in memory, and what it stored."""

    desk: Desk[CareTeam, Event]
    api: CoordinationApi

    async def call(self, request: Any) -> Any:
        """The RPC that is named as its request is."""
        method: Callable[[Any, Any], Awaitable[Any]] = getattr(self.api, type(request).__name__.removesuffix("Request"))
        return await method(request, CONTEXT)

    async def last(self) -> Event:
        return (await self.desk.stored())[-1]


class Clients:
    """Who is enrolled, and what is known of them."""

    def __init__(self, *absent: PatientId) -> None:
        self.absent = absent

    async def is_enrolled(self, patient_id: PatientId, _now: datetime, _seconds: float) -> bool:
        return patient_id not in self.absent

    async def sections(self, _patient_id: PatientId) -> Sections:
        """The view has heard of the enrolment and of a rash, and of nothing else."""
        return Sections(
            assessment=AssessmentSection(enrolments=(known(replace(control.ENROLLED, location=AT_HOME)),)),
            monitoring=MonitoringSection(reported=(known(control.RASH),)),
        )


AT_HOME = Location(address="1 Main Street", emergency_department="Mercy Hospital")


def known(told: Any) -> DatedFact[Any]:
    return DatedFact(fact=told, event_id=event("any"), recorded_at=NOON, actor="any")


@pytest.fixture
def room() -> Room:
    speak_as("maya-manager", "care-manager")
    desk: Desk[CareTeam, Event] = Desk("coordination", TOPICS, DECIDER)
    nobody = cast(Any, None)
    api = CoordinationApi(
        Writes(desk.streams, DECISIONS),
        cast(Any, Clients()),
        nobody,
        nobody,
        partitions=PARTITIONS,
        clock=lambda: NOON,
        longest_wait_seconds=5,
        on_call_phone="555-0142",
    )
    return Room(desk, api)


def fact_of(request_id: str) -> FactId:
    return FactId(derived_id("coordination", "fact", PATIENT, request_id))


def assign(**changes: Any) -> pb.AssignTeamMemberRequest:
    usual = {"request_id": "r", "patient_id": TEXT, "person": "tom", "name": "Tom", "role": "therapist"}
    return pb.AssignTeamMemberRequest(**usual | changes)


def release(**changes: Any) -> pb.ReleaseTeamMemberRequest:
    usual = {"request_id": "r", "patient_id": TEXT, "person": control.THERAPIST, "role": "therapist"}
    return pb.ReleaseTeamMemberRequest(**usual | changes)


def post(**changes: Any) -> pb.PostMessageRequest:
    usual = {"request_id": "r", "patient_id": TEXT, "recipient": control.THERAPIST, "text": "Please look."}
    return pb.PostMessageRequest(**usual | changes)


def strike(**changes: Any) -> pb.MarkEnteredInErrorRequest:
    usual = {"request_id": "r", "patient_id": TEXT, "fact_id": str(control.ASSIGNED.fact_id), "reason": "typo"}
    return pb.MarkEnteredInErrorRequest(**usual | changes)


WRITES: list[Any] = [assign(), release(), post(), strike()]


@pytest.mark.parametrize("role", TeamRole)
async def test_an_assignment_with_everything_arrives_as_it_was_given(room: Room, role: TeamRole) -> None:
    answer = await room.call(
        assign(
            person=" tom ",
            name=" Tom Reyes ",
            role=str(role),
            email=" tom@example.org ",
            occurred_at=stamp(YESTERDAY),
            effective_from=stamp(AHEAD),
        )
    )
    stored = await room.last()
    assert stored == events.TeamMemberAssigned(
        fact_id=fact_of("r"),
        person=PersonId("tom"),
        name="Tom Reyes",
        role=Role(role),
        email="tom@example.org",
        effective_from=AHEAD,
        assigned_by=PersonId("maya-manager"),
        occurred_at=YESTERDAY,
    )
    assert unsaid(stored) == []
    assert answer.fact_id == str(fact_of("r"))


async def test_what_an_assignment_does_not_say_is_unknown_and_it_counts_from_when_it_happened(room: Room) -> None:
    await room.call(assign())
    await room.call(assign(request_id="s", person="ann", occurred_at=stamp(LAST_WEEK)))
    first, second = await room.desk.stored()
    assert first == events.TeamMemberAssigned(
        fact_id=fact_of("r"),
        person=PersonId("tom"),
        name="Tom",
        role=Role.THERAPIST,
        email="",
        effective_from=NOON,
        assigned_by=PersonId("maya-manager"),
        occurred_at=NOON,
    )
    assert isinstance(second, events.TeamMemberAssigned)
    assert (second.effective_from, second.occurred_at) == (LAST_WEEK, LAST_WEEK)


async def test_a_release_arrives_as_it_was_given(room: Room) -> None:
    await room.desk.note(control.ASSIGNED)
    answer = await room.call(release(occurred_at=stamp(YESTERDAY), effective_from=stamp(AHEAD)))
    stored = await room.last()
    assert stored == events.TeamMemberReleased(
        fact_id=fact_of("r"),
        person=control.THERAPIST,
        role=Role.THERAPIST,
        effective_from=AHEAD,
        released_by=PersonId("maya-manager"),
        occurred_at=YESTERDAY,
    )
    assert answer.fact_id == str(fact_of("r"))


@pytest.mark.parametrize(("occurred_at", "expected"), [(None, NOON), (YESTERDAY, YESTERDAY)])
async def test_a_release_counts_from_when_it_happened_unless_it_says_otherwise(
    room: Room, occurred_at: datetime | None, expected: datetime
) -> None:
    await room.desk.note(control.ASSIGNED)
    await room.call(release(occurred_at=stamp(occurred_at) if occurred_at else None))
    stored = await room.last()
    assert isinstance(stored, events.TeamMemberReleased)
    assert (stored.effective_from, stored.occurred_at) == (expected, expected)


async def test_a_message_with_everything_arrives_as_it_was_given(room: Room) -> None:
    await room.desk.note(control.ASSIGNED)
    speak_as("alma", "client", patient=PATIENT)
    answer = await room.call(post(about=str(fact("rash")), text=" The rash is back. ", occurred_at=stamp(YESTERDAY)))
    stored = await room.last()
    assert stored == events.MessagePosted(
        fact_id=fact_of("r"),
        sender=CLIENT,
        recipient=control.THERAPIST,
        about=fact("rash"),
        text="The rash is back.",
        occurred_at=YESTERDAY,
        triage=control.READ_TODAY,
    )
    assert set(unsaid(stored)) <= {"flags", "triage.red_flags"}
    assert answer.triage == "same-day"
    assert (answer.fact_id, list(answer.flags)) == (str(fact_of("r")), [])


@pytest.mark.parametrize(
    ("text", "language"), [("I want to kill myself tonight", "en"), ("me quiero morir esta noche", "es")]
)
async def test_a_client_who_writes_of_an_emergency_reads_at_once_whom_to_call(
    room: Room, text: str, language: str
) -> None:
    await room.desk.note(control.ASSIGNED)
    speak_as("alma", "client", patient=PATIENT)
    answer = await room.call(post(text=text))
    stored = await room.last()
    assert isinstance(stored, events.MessagePosted)
    assert isinstance(stored.triage, Triage)
    assert (answer.triage, stored.triage.red_flags) == ("emergency-now", ("suicidal-ideation",))
    assert stored.triage.due_at == NOON + timedelta(minutes=15)
    said = " ".join(answer.help.lines)
    assert (answer.help.language, len(answer.help.lines)) == (language, len(answer.help.words))
    assert all(part in said for part in ("911", "988", "555-0142", "Mercy Hospital"))
    again = await room.call(post(text=text))
    assert again.help == answer.help


async def test_what_the_team_writes_is_not_read_and_needs_no_help(room: Room) -> None:
    await room.desk.note(control.ASSIGNED, control.PRESCRIBER_ASSIGNED)
    speak_as(PRESCRIBER, "psychiatrist")
    answer = await room.call(post(text="She wrote that she wants to kill herself."))
    stored = await room.last()
    assert isinstance(stored, events.MessagePosted)
    assert (stored.triage, answer.triage, answer.HasField("help")) == (UNSET, "", False)


async def test_a_message_that_can_wait_is_answered_without_help(room: Room) -> None:
    await room.desk.note(control.ASSIGNED)
    speak_as("alma", "client", patient=PATIENT)
    answer = await room.call(post(text="no chest pain, just tired"))
    assert (answer.triage, answer.HasField("help")) == ("next-visit", False)


async def test_a_message_about_what_nobody_has_heard_of_is_written_and_flagged(room: Room) -> None:
    await room.desk.note(control.ASSIGNED)
    speak_as("alma", "client", patient=PATIENT)
    answer = await room.call(post(about=str(fact("of another client"))))
    stored = await room.last()
    assert isinstance(stored, events.MessagePosted)
    assert list(answer.flags) == list(stored.flags or ()) == ["not-known-yet"]


async def test_a_member_writes_under_their_own_name_and_a_message_may_be_about_nothing(room: Room) -> None:
    await room.desk.note(control.ASSIGNED)
    speak_as(control.THERAPIST, "therapist")
    await room.call(post(recipient="client"))
    assert await room.last() == events.MessagePosted(
        fact_id=fact_of("r"),
        sender=control.THERAPIST,
        recipient=CLIENT,
        about=None,
        text="Please look.",
        occurred_at=NOON,
    )


async def test_a_strike_arrives_as_it_was_made(room: Room) -> None:
    await room.desk.note(control.ASSIGNED)
    await room.call(strike(reason=" wrong client "))
    assert await room.last() == events.EnteredInError(
        fact_id=control.ASSIGNED.fact_id,
        reason="wrong client",
        marked_by=PersonId("maya-manager"),
        occurred_at=NOON,
    )
    with pytest.raises(NotKnown):
        await room.call(strike(request_id="other", fact_id=str(fact("elsewhere"))))


def test_the_writes_are_all_that_take_a_request_id() -> None:
    names = {method.rpartition("/")[2] for method in COORDINATION}
    writes = {name for name in names if "request_id" in getattr(pb, f"{name}Request").DESCRIPTOR.fields_by_name}
    assert {type(request).__name__.removesuffix("Request") for request in WRITES} == writes


@pytest.mark.parametrize("request_", WRITES, ids=lambda one: type(one).__name__)
async def test_a_write_answers_a_token_of_its_position_and_a_repeat_the_same(room: Room, request_: Any) -> None:
    await room.desk.note(control.ASSIGNED, control.PRESCRIBER_ASSIGNED)
    speak_as(PRESCRIBER, "psychiatrist")
    first = await room.call(request_)
    assert ConsistencyToken.parse(first.receipt.token) == ConsistencyToken(
        service="coordination", partition=partition_of(PATIENT, PARTITIONS), position=3, patient_id=PATIENT
    )
    again = await room.call(request_)
    assert (first.receipt.repeated, again.receipt.repeated) == (False, True)
    again.receipt.repeated = False
    assert again == first
    assert len(await room.desk.stored()) == 3
    speak_as("somebody-else", "psychiatrist")
    if "fact_id" not in type(first).DESCRIPTOR.fields_by_name:
        assert not (await room.call(request_)).receipt.repeated
        return
    with pytest.raises(AlreadyRecorded) as exists:
        await room.call(request_)
    assert (exists.value.slug, exists.value.details) == ("fact-exists", {"fact_id": first.fact_id})


BAD: list[tuple[Any, str, str]] = [
    *((type(one)(request_id="", patient_id=TEXT), "request_id", "request-id-required") for one in WRITES),
    *((type(one)(request_id="r", patient_id="x"), "patient_id", "not-a-uuid") for one in WRITES),
    *((make(occurred_at=stamp(NOON + TICK)), "occurred_at", "in-the-future") for make in (assign, release, post)),
    *(
        (make(effective_from=stamp(NOON + YEAR + TICK)), "effective_from", "in-the-future")
        for make in (assign, release)
    ),
    *((make(role="client"), "role", "not-a-code") for make in (assign, release)),
    *((make(role=""), "role", "not-a-code") for make in (assign, release)),
    *((make(person=" "), "person", "field-required") for make in (assign, release)),
    *((make(person="x" * 201), "person", "text-too-long") for make in (assign, release)),
    (assign(name=""), "name", "field-required"),
    (assign(name="x" * 201), "name", "text-too-long"),
    (assign(email="x" * 312 + "@test.org"), "email", "text-too-long"),
    *((assign(email=wrong), "email", "not-an-email") for wrong in ("nobody", "@b", "a@", "a b@c", "a@b\tc")),
    (post(recipient=""), "recipient", "field-required"),
    (post(recipient="x" * 201), "recipient", "text-too-long"),
    (post(text=" "), "text", "field-required"),
    (post(text="x" * 4001), "text", "text-too-long"),
    (post(about="x"), "about", "not-a-uuid"),
    (strike(fact_id=""), "fact_id", "not-a-uuid"),
    (strike(reason=""), "reason", "field-required"),
]


@pytest.mark.parametrize(("request_", "field", "slug"), BAD)
async def test_bad_input_is_refused_by_its_field_and_nothing_is_stored(
    room: Room, request_: Any, field: str, slug: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await room.call(request_)
    assert (refused.value.field, refused.value.slug) == (field, slug)
    assert await room.desk.stored() == []


async def test_the_longest_and_the_latest_are_taken(room: Room) -> None:
    longest = "x" * 200
    email = "x" * 310 + "@tests.org"
    assert len(email) == 320
    await room.call(assign(person=longest, name=longest, email=email, effective_from=stamp(NOON + YEAR)))
    await room.call(assign(request_id="s", person="ann", email="a@b"))
    await room.call(assign(request_id="t", person="bob", role="pharmacist", effective_from=stamp(LAST_WEEK)))
    speak_as("alma", "client", patient=PATIENT)
    await room.call(post(request_id="u", recipient="bob", text="x" * 4000))
    assert len(await room.desk.stored()) == 4
