"""Over the wire: what a newer build stored is not answered by this one, and what nobody can read is a bug."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import grpc
import grpc.aio
import pytest
from care.assessment.v1 import assessment_pb2 as pb
from care.assessment.v1.assessment_pb2_grpc import AssessmentServiceStub
from msgspec.structs import replace

from careloop.chassis.calls.auth import TokenVerifier
from careloop.chassis.calls.guard import Guard
from careloop.chassis.calls.server import GrpcServer
from careloop.chassis.commands.streams import Streams
from careloop.chassis.commands.writes import Writes
from careloop.chassis.events.codec import Codec
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.protocol import Unit
from careloop.contracts.policy import POLICY
from careloop.contracts.terms import Role
from careloop.kernel.events import CommandKind, Request
from careloop.kernel.ids import PersonId
from services.assessment.domain.decisions import DECISIONS
from services.assessment.domain.events import TOPICS, Event
from services.assessment.domain.state import DECIDER, Assessment
from services.assessment.grpc_api import AssessmentApi
from tests.support.controls import assessment as control
from tests.support.services.informed import all_known
from tests.support.services.served import refused
from tests.support.services.signing import NOW, public_keys, token

GET = pb.GetAssessmentRequest(patient_id=str(control.PATIENT))
BEARER = token({"sub": "pat.psychiatrist", "role": "psychiatrist"})


@asynccontextmanager
async def reading(stored_as: Callable[[bytes], bytes]) -> AsyncIterator[Any]:
    """The API behind its guard, on the log of a client whose diagnosis was stored as this function makes it."""
    store, codec = MemoryEventStore(), Codec[Event](TOPICS)
    streams: Streams[Assessment, Event] = Streams("assessment", store, codec, DECIDER, published=frozenset())
    request = Request(
        request_id="r", kind=CommandKind.NOTE, actor=PersonId("any"), digest=b"", correlation_id=uuid4(), now=NOW
    )
    write = streams.write(control.PATIENT, request, [control.ENROLLED, control.DIAGNOSIS], None)
    enrolled, diagnosis = write.events
    changed = replace(diagnosis, state=stored_as(diagnosis.state))
    await store.commit(Unit(writes=(replace(write, events=(enrolled, changed)),)))
    verifier = TokenVerifier(public_keys(), audience="assessment", roles=frozenset(Role), clock=lambda: NOW)
    api = AssessmentApi(Writes(streams, DECISIONS), partitions=6, episodes=all_known())
    server = GrpcServer(Guard(verifier, POLICY, lambda: NOW, max_deadline_seconds=10), [api.add_to])
    port = await server.start("127.0.0.1", 0)
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub: Any = AssessmentServiceStub(channel)
            yield stub.GetAssessment(GET, timeout=5, metadata=[("authorization", f"Bearer {BEARER}")])
    finally:
        await server.stop()


def as_it_is(state: bytes) -> bytes:
    return state


def of_a_code_to_come(state: bytes) -> bytes:
    assert b'"verification":"confirmed"' in state
    return state.replace(b'"verification":"confirmed"', b'"verification":"refuted-by-genetics"')


def without_its_code(state: bytes) -> bytes:
    return state.replace(b'"icd10"', b'"icd11"')


def cut_off(state: bytes) -> bytes:
    return state[:-9]


async def test_what_this_build_stored_is_answered() -> None:
    async with reading(as_it_is) as call:
        assert [fact.kind for fact in (await call).facts] == ["PatientEnrolled", "DiagnosisEstablished"]


async def test_a_code_that_only_a_newer_build_knows_is_unavailable_here() -> None:
    async with reading(of_a_code_to_come) as call:
        answer = await refused(call)
    assert (answer.code, answer.reason) == (grpc.StatusCode.UNAVAILABLE, "stored-by-newer")


@pytest.mark.parametrize(
    "stored_as", [without_its_code, cut_off, lambda state: without_its_code(of_a_code_to_come(state))]
)
async def test_what_no_build_stores_is_a_bug_and_not_a_newer_builds(stored_as: Callable[[bytes], bytes]) -> None:
    async with reading(stored_as) as call:
        answer = await refused(call)
    assert (answer.code, answer.reason) == (grpc.StatusCode.INTERNAL, "internal")
    assert "icd" not in repr(answer)
