"""Coordination over gRPC: what a request becomes, what it answers, and how bad input is refused by its field."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import uuid4

import pytest
from care.coordination.v1 import coordination_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from careloop.chassis.calls.call import Call, Caller, set_current_call
from careloop.chassis.commands.streams import Streams
from careloop.chassis.commands.writes import Writes
from careloop.chassis.consuming.decoding import RecordDecoder
from careloop.chassis.consuming.handler import Received
from careloop.chassis.events.codec import Codec
from careloop.chassis.events.partitioner import partition_of
from careloop.chassis.events.publishing import PublishedReader, Publishing, published_as
from careloop.contracts import coordination as contract
from careloop.contracts.policy import COORDINATION
from careloop.contracts.terms import Role
from careloop.kernel.errors import InvalidInput, NotKnown, RequestIdReused
from careloop.kernel.ids import PatientId, PersonId
from services.coordination.domain.decisions import DECISIONS
from services.coordination.domain.events import TOPICS, Event
from services.coordination.domain.state import DECIDER
from services.coordination.grpc_api import CoordinationApi
from services.coordination.reading.frames import JournalFrames
from services.coordination.rebuilding.process import Rebuilds
from tests.coordination.rebuilding import environment_of
from tests.coordination.running import PARTITIONS, Coordination, coordination
from tests.support.controls import coordination as control
from tests.support.controls.moments import NOON, PATIENT, fact
from tests.support.stack import PostgresDatabase

CALL = Call(
    method="/care.coordination.v1.CoordinationService/Any",
    caller=Caller(subject=control.MANAGER, role=Role.CARE_MANAGER),
    correlation_id=uuid4(),
    now=NOON,
)
PATIENT_TEXT = str(PATIENT)


@dataclass
class Waiting:
    """The part of a call's context that the handlers use: how long the caller waits."""

    seconds: float = 0.3

    def time_remaining(self) -> float:
        return self.seconds


CONTEXT = cast(Any, Waiting())


@dataclass
class Served:
    api: CoordinationApi
    care: Coordination
    reader: PublishedReader
    last: int = 0

    async def catch_up(self) -> None:
        """What this service published comes back to it, as its topic would bring it."""
        partition = partition_of(PATIENT, PARTITIONS)
        decoder = RecordDecoder(self.care.consumer)
        batch: list[Received] = []
        async for run in self.reader.read_published(partition, self.last, 0):
            batch += [one for one in map(decoder.decode, run) if one is not None]
        if batch:
            await self.care.apply(batch)
            self.last = batch[-1].envelope.position


@pytest.fixture
async def served(postgres: PostgresDatabase) -> AsyncIterator[Served]:
    set_current_call(CALL)
    async with coordination(postgres) as care:
        codec: Codec[Event] = Codec(TOPICS)
        publishing = Publishing("coordination", codec, published_as(TOPICS, contract.TYPES), contract.TYPES)
        streams = Streams("coordination", care.store, codec, DECIDER, published=publishing.published_topics)
        api = CoordinationApi(
            Writes(streams, DECISIONS),
            care.care_views,
            JournalFrames(care.store.connections),
            Rebuilds(environment_of(postgres)),
            partitions=PARTITIONS,
            clock=lambda: NOON,
            longest_wait_seconds=5,
        )
        yield Served(api, care, PublishedReader(care.store, publishing, PARTITIONS))


def stamp(moment: datetime) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(moment)
    return made


def assign(**changes: Any) -> pb.AssignTeamMemberRequest:
    request = pb.AssignTeamMemberRequest(
        request_id="assign",
        patient_id=PATIENT_TEXT,
        person=control.THERAPIST,
        name="Mira Ivanov",
        role="therapist",
        email="ivanov@example.org",
    )
    request.MergeFrom(pb.AssignTeamMemberRequest(**changes))
    return request


async def test_what_was_written_is_read_back_with_its_token(served: Served) -> None:
    await served.care.tell("assessment", control.ENROLLED)
    answer = await served.api.AssignTeamMember(assign(), CONTEXT)
    assert not answer.receipt.repeated
    await served.catch_up()
    request = pb.GetCareViewRequest(patient_id=PATIENT_TEXT, at_least=[answer.receipt.token])
    view = (await served.api.GetCareView(request, CONTEXT)).view
    (member,) = view.team
    assert (member.fact_id, member.person, member.role) == (answer.fact_id, control.THERAPIST, "therapist")
    assert not member.HasField("effective_until")
    assert view.allergies.asked == pb.ASKED_NOT_ASKED
    of_the_team = [(entry.kind, entry.actor) for entry in view.timeline if entry.source == "coordination"]
    assert of_the_team == [("TeamMemberAssigned", control.MANAGER)]


async def test_nobody_is_assigned_to_who_is_not_enrolled_and_staff_learn_nothing_of_them(served: Served) -> None:
    stranger = PatientId(uuid4())
    served.care.heads.told["assessment"] = (0, NOON)
    with pytest.raises(NotKnown) as refused:
        await served.api.AssignTeamMember(assign(patient_id=str(stranger)), CONTEXT)
    await served.care.tell("monitoring", control.RASH, patient_id=stranger)
    with pytest.raises(NotKnown) as reported:
        await served.api.AssignTeamMember(assign(patient_id=str(stranger)), CONTEXT)
    assert refused.value.slug == reported.value.slug == "patient-not-known"


async def test_an_enrolment_that_is_on_its_way_is_waited_for(served: Served) -> None:
    newcomer = PatientId(uuid4())
    assigning = asyncio.create_task(served.api.AssignTeamMember(assign(patient_id=str(newcomer)), CONTEXT))
    await asyncio.sleep(0)
    await served.care.tell("assessment", control.ENROLLED, patient_id=newcomer)
    assert (await assigning).fact_id


async def test_a_repeat_answers_the_same_and_another_payload_is_refused(served: Served) -> None:
    await served.care.tell("assessment", control.ENROLLED)
    first = await served.api.AssignTeamMember(assign(), CONTEXT)
    again = await served.api.AssignTeamMember(assign(), CONTEXT)
    assert (again.fact_id, again.receipt.token, again.receipt.repeated) == (first.fact_id, first.receipt.token, True)
    with pytest.raises(RequestIdReused):
        await served.api.AssignTeamMember(assign(name="Somebody else"), CONTEXT)


async def test_the_client_writes_as_client_and_a_struck_message_is_gone(served: Served) -> None:
    await served.care.tell("assessment", control.ENROLLED)
    await served.api.AssignTeamMember(assign(), CONTEXT)
    client = Caller(subject=PersonId("token-of-alma"), role=Role.CLIENT, patient=PATIENT)
    set_current_call(replace(CALL, caller=client))
    posted = await served.api.PostMessage(
        pb.PostMessageRequest(
            request_id="post",
            patient_id=PATIENT_TEXT,
            recipient=control.THERAPIST,
            about=str(fact("rash")),
            text="The rash is back.",
        ),
        CONTEXT,
    )
    therapist = Caller(subject=PersonId(control.THERAPIST), role=Role.THERAPIST)
    set_current_call(replace(CALL, caller=therapist))
    await served.catch_up()
    shown = await served.api.GetCareView(pb.GetCareViewRequest(patient_id=PATIENT_TEXT), CONTEXT)
    (message,) = shown.view.messages
    assert (message.sender, message.recipient, message.about) == ("client", control.THERAPIST, str(fact("rash")))
    await served.api.MarkEnteredInError(
        pb.MarkEnteredInErrorRequest(
            request_id="strike", patient_id=PATIENT_TEXT, fact_id=posted.fact_id, reason="wrong patient"
        ),
        CONTEXT,
    )
    await served.catch_up()
    now = await served.api.GetCareView(pb.GetCareViewRequest(patient_id=PATIENT_TEXT), CONTEXT)
    assert not now.view.messages
    then = await served.api.GetCareViewAsKnown(
        pb.GetCareViewAsKnownRequest(patient_id=PATIENT_TEXT, known_at=shown.stamp.known_at), CONTEXT
    )
    assert then.view.SerializeToString(deterministic=True) == shown.view.SerializeToString(deterministic=True)
    assert then.stamp == shown.stamp


async def test_a_release_from_a_planned_day_is_shown_with_it(served: Served) -> None:
    await served.care.tell("assessment", control.ENROLLED)
    await served.api.AssignTeamMember(assign(), CONTEXT)
    leaves = NOON + timedelta(days=14)
    await served.api.ReleaseTeamMember(
        pb.ReleaseTeamMemberRequest(
            request_id="release",
            patient_id=PATIENT_TEXT,
            person=control.THERAPIST,
            role="therapist",
            effective_from=stamp(leaves),
        ),
        CONTEXT,
    )
    await served.catch_up()
    shown = await served.api.GetCareView(pb.GetCareViewRequest(patient_id=PATIENT_TEXT), CONTEXT)
    assert shown.view.team[0].effective_until == stamp(leaves)


async def test_caseload_journal_and_watch_over_the_wire(served: Served) -> None:
    await served.care.tell("monitoring", control.RASH)
    await served.care.tell("assessment", control.ENROLLED)
    page = await served.api.ListCaseload(pb.ListCaseloadRequest(page_size=1), CONTEXT)
    (entry,) = page.entries
    assert (entry.name, entry.birth_date, entry.open_side_effects) == ("Alma Reyes", "1990-04-12", 1)
    assert (entry.urgency.level, entry.urgency.due_at) == ("same-day", stamp(cast(Any, control.RASH.triage.due_at)))
    last = await served.api.ListCaseload(pb.ListCaseloadRequest(page_token=page.next_page_token), CONTEXT)
    assert (len(last.entries), last.next_page_token) == (0, "")

    runs = [run async for run in served.api.ReadJournal(pb.ReadJournalRequest(patient_id=PATIENT_TEXT), CONTEXT)]
    entries = [entry for run in runs for entry in run.entries]
    assert [(entry.position, entry.source) for entry in entries] == [(1, "monitoring"), (2, "assessment")]
    assert entries[0].value.startswith(b'{"')
    assert entries[0].causation_id == ""

    seen = [one async for one in served.api.WatchCareView(pb.WatchCareViewRequest(patient_id=PATIENT_TEXT), CONTEXT)]
    assert [one.stamp.journal_position for one in seen] == [2]
    assert {one.source for one in seen[0].freshness if one.stale} == set(control.TOLD)


REFUSED: list[tuple[str, Any, str]] = [
    ("AssignTeamMember", assign(patient_id="alma"), "patient_id"),
    ("AssignTeamMember", assign(role="janitor"), "role"),
    ("AssignTeamMember", assign(role="client"), "role"),
    ("AssignTeamMember", assign(email="nobody"), "email"),
    ("AssignTeamMember", assign(email="a b@c"), "email"),
    ("AssignTeamMember", assign(name=" "), "name"),
    ("AssignTeamMember", assign(person="x" * 201), "person"),
    ("AssignTeamMember", assign(occurred_at=stamp(NOON + timedelta(seconds=1))), "occurred_at"),
    ("AssignTeamMember", assign(occurred_at=stamp(datetime(1899, 12, 31))), "occurred_at"),
    ("AssignTeamMember", assign(effective_from=stamp(NOON + timedelta(days=400))), "effective_from"),
    ("PostMessage", pb.PostMessageRequest(request_id="p", patient_id=PATIENT_TEXT, recipient="a"), "text"),
    ("PostMessage", pb.PostMessageRequest(request_id="p", patient_id=PATIENT_TEXT, text="a"), "recipient"),
    (
        "PostMessage",
        pb.PostMessageRequest(request_id="p", patient_id=PATIENT_TEXT, recipient="a", text="a", about="rash"),
        "about",
    ),
    ("MarkEnteredInError", pb.MarkEnteredInErrorRequest(request_id="m", patient_id=PATIENT_TEXT), "fact_id"),
    ("GetCareView", pb.GetCareViewRequest(patient_id=PATIENT_TEXT, at_least=["x"]), "at_least[0]"),
    ("GetCareView", pb.GetCareViewRequest(patient_id=PATIENT_TEXT, at_least=["x"] * 21), "at_least"),
    ("ListCaseload", pb.ListCaseloadRequest(page_size=201), "page_size"),
    ("ListCaseload", pb.ListCaseloadRequest(page_size=-1), "page_size"),
    ("ListCaseload", pb.ListCaseloadRequest(page_token="next"), "page_token"),
]


class Unasked:
    """Stands where the use cases do, when none of them may be reached."""

    def __getattr__(self, name: str) -> Any:
        def reached(*_args: object) -> None:
            pytest.fail(f"{name} was reached")

        return reached


def api_without_use_cases() -> CoordinationApi:
    set_current_call(CALL)
    unasked = cast(Any, Unasked())
    return CoordinationApi(
        *(unasked, unasked, unasked, unasked), partitions=PARTITIONS, clock=lambda: NOON, longest_wait_seconds=5
    )


@pytest.mark.parametrize(("method", "request_", "field"), REFUSED)
async def test_bad_input_is_refused_by_its_field_and_nothing_is_stored(method: str, request_: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await getattr(api_without_use_cases(), method)(request_, CONTEXT)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.ReadJournalFramesRequest(after=-1), "after"),
        (pb.ReadJournalFramesRequest(through=-1), "through"),
        (pb.ReadJournalFramesRequest(patient_id="nobody"), "patient_id"),
        (pb.ReadJournalFramesRequest(types=["care.x.Y.v1"] * 101), "types"),
        (pb.RebuildCareViewRequest(), "mode"),
        (pb.RebuildCareViewRequest(mode=cast(Any, 9)), "mode"),
        (pb.RebuildCareViewRequest(mode=pb.REBUILD_MODE_TURN, workers=65), "workers"),
        (pb.RebuildCareViewRequest(mode=pb.REBUILD_MODE_TURN, workers=-1), "workers"),
    ],
)
async def test_bad_input_to_a_stream_is_refused_by_its_field(request_: Any, field: str) -> None:
    method = type(request_).__name__.removesuffix("Request")
    with pytest.raises(InvalidInput) as refusal:
        await anext(getattr(api_without_use_cases(), method)(request_, CONTEXT))
    assert refusal.value.field == field


async def test_a_rebuild_tells_how_far_it_is_and_what_came_of_it(served: Served) -> None:
    await served.care.tell("monitoring", control.RASH)
    request = pb.RebuildCareViewRequest(mode=pb.REBUILD_MODE_TURN, workers=1)
    answers = [answer async for answer in served.api.RebuildCareView(request, CONTEXT)]
    assert [answer.progress.phase for answer in answers[:-1]] == ["fill", "fill", "compare", "turn"]
    outcome = answers[-1].outcome
    assert (outcome.turned, outcome.through, outcome.compared, outcome.different) == (True, 1, 2, 0)
    assert outcome.live_checksum == outcome.rebuilt_checksum
    assert len(outcome.live_checksum) == 16


async def test_the_journal_is_not_read_from_before_its_beginning() -> None:
    with pytest.raises(InvalidInput):
        await anext(api_without_use_cases().ReadJournal(pb.ReadJournalRequest(after=-1), CONTEXT))


def test_every_method_has_its_roles() -> None:
    methods = pb.DESCRIPTOR.services_by_name["CoordinationService"].methods
    assert set(COORDINATION) == {f"/{method.containing_service.full_name}/{method.name}" for method in methods}
    open_to_clients = {method.rpartition("/")[2] for method, roles in COORDINATION.items() if Role.CLIENT in roles}
    assert open_to_clients == {"GetCareView", "WatchCareView", "PostMessage"}
