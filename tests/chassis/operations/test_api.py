"""OperationsService over its ports, and a peer reading what was published, over a real connection."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import grpc
import grpc.aio
import pytest
from care.operations.v1 import operations_pb2 as wire
from care.operations.v1.operations_pb2_grpc import OperationsServiceStub, add_OperationsServiceServicer_to_server

from careloop.chassis.calls.auth import TokenVerifier
from careloop.chassis.calls.guard import Guard
from careloop.chassis.calls.peers import PeerLogs
from careloop.chassis.calls.server import GrpcServer
from careloop.chassis.calls.token_signing import ServiceTokens
from careloop.chassis.consuming.parked_records import Parked, Retried
from careloop.chassis.events.envelope import Envelope, Record
from careloop.chassis.operations.api import OperationsApi
from careloop.chassis.operations.ports import ConsumerProgress, ServiceStatus
from careloop.contracts.policy import OPERATIONS
from careloop.kernel.errors import NotKnown, Unavailable
from careloop.kernel.events import Request
from careloop.kernel.ids import EventId, PatientId, PersonId
from tests.support.services.served import refused, with_token
from tests.support.services.signing import NOW, SERVICE, public_keys

PATIENT = PatientId(UUID("0f1e2d3c-4b5a-4968-8776-655443322110"))
STATUS = ServiceStatus(
    service="assessment",
    head_position=120,
    head_recorded_at=NOW - timedelta(seconds=3),
    relayed_position=118,
    unrelayed_since=NOW - timedelta(seconds=4),
    broker_connected=False,
    consumers=(
        ConsumerProgress(
            consumer="assessment.notes",
            source="monitoring",
            partition=2,
            consumed_position=40,
            head_position=42,
            fresh_as_of=NOW - timedelta(seconds=9),
        ),
        ConsumerProgress(
            consumer="assessment.notes",
            source="prescribing",
            partition=0,
            consumed_position=0,
            head_position=0,
            fresh_as_of=None,
        ),
    ),
    parked=1,
    due_now=2,
    due_later=3,
)


def parked(number: int) -> Parked:
    return Parked(
        consumer="assessment.notes",
        source="monitoring",
        patient_id=PatientId(UUID(int=number)),
        position=number,
        waiting=2,
        reason="ValueError",
        parked_at=NOW + timedelta(seconds=number),
        attempts=1,
    )


def record(position: int, previous: int) -> Record:
    envelope = Envelope(
        event_id=EventId(UUID(int=position)),
        type="care.assessment.PatientEnrolled.v1",
        source="assessment",
        patient_id=PATIENT,
        occurred_at=NOW,
        recorded_at=NOW + timedelta(microseconds=position),
        position=position,
        previous=previous,
        actor=PersonId("rita.registrar"),
        correlation_id=UUID(int=1),
        causation_id=None,
    )
    return Record(envelope=envelope, value=b'{"position":%d}' % position)


RECORDS = [record(position, max(0, position - 10)) for position in range(10, 60, 10)]


@dataclass
class Ports:
    """In-memory ports: three parked patients, five published records in runs of two."""

    waiting: list[Parked] = field(default_factory=lambda: [parked(number) for number in (1, 2, 3)])
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    away: bool = False

    async def status(self) -> ServiceStatus:
        if self.away:
            raise Unavailable("store-unavailable", "The store did not answer.")
        return STATUS

    async def list_parked(self, consumer: str, limit: int, offset: int) -> Sequence[Parked]:
        found = [one for one in self.waiting if consumer in ("", one.consumer)]
        return found[offset : offset + limit]

    async def retry(self, consumer: str, source: str, patient_id: PatientId, request: Request) -> Retried:
        self.asked.append(("retry", consumer, source, patient_id, request.request_id, request.actor))
        return Retried(applied=1, waiting=1)

    async def drop(self, consumer: str, source: str, patient_id: PatientId, reason: str, request: Request) -> int:
        if consumer != "assessment.notes":
            raise NotKnown("nothing-parked", "Nothing is parked there.")
        self.asked.append(("drop", consumer, source, patient_id, reason, request.request_id, request.actor))
        return 2

    async def read_published(self, partition: int, after: int, through: int) -> AsyncIterator[Sequence[Record]]:
        self.asked.append(("read", partition, after, through))
        wanted = [one for one in RECORDS if after < one.envelope.position <= (through or 10**9)]
        for start in range(0, len(wanted), 2):
            if self.away and start:
                raise Unavailable("store-unavailable", "The store did not answer.")
            yield wanted[start : start + 2]


@dataclass
class Operated:
    ports: Ports
    port: int
    stub: Any


def clock() -> datetime:
    return NOW


@asynccontextmanager
async def operated() -> AsyncIterator[Operated]:
    ports = Ports()
    roles = frozenset(role for allowed in OPERATIONS.values() for role in allowed)
    verifier = TokenVerifier(public_keys(), audience="assessment", roles=roles, clock=clock)
    guard = Guard(verifier, OPERATIONS, clock, max_deadline_seconds=10)
    api = OperationsApi(ports, ports, ports, partitions=6, clock=clock)
    server = GrpcServer(guard, [lambda to: add_OperationsServiceServicer_to_server(api, to)])
    port = await server.start("127.0.0.1", 0)
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Operated(ports, port, OperationsServiceStub(channel))
    finally:
        await server.stop()


def peers(port: int) -> PeerLogs:
    return PeerLogs({"assessment": f"127.0.0.1:{port}"}, ServiceTokens(SERVICE, "coordination", clock), read_seconds=5)


async def test_status_tells_all_figures() -> None:
    async with operated() as service:
        answer = await service.stub.GetStatus(wire.GetStatusRequest(), timeout=5, metadata=with_token())
    assert (answer.service, answer.head_position, answer.relayed_position) == ("assessment", 120, 118)
    assert answer.head_recorded_at.ToDatetime(NOW.tzinfo) == NOW - timedelta(seconds=3)
    assert (answer.relay_lag_seconds, answer.broker) == (4.0, wire.BROKER_STATE_AWAY)
    assert (answer.parked, answer.due_now, answer.due_later) == (1, 2, 3)
    known, unknown = answer.consumers
    assert (known.source, known.partition, known.lag_positions, known.lag_seconds) == ("monitoring", 2, 2, 9.0)
    assert not unknown.HasField("lag_seconds")
    assert not unknown.HasField("fresh_as_of")


async def test_status_without_a_store_is_unavailable() -> None:
    async with operated() as service:
        service.ports.away = True
        answer = await refused(service.stub.GetStatus(wire.GetStatusRequest(), timeout=5, metadata=with_token()))
    assert (answer.code, answer.reason) == (grpc.StatusCode.UNAVAILABLE, "store-unavailable")


async def test_parked_patients_come_in_pages() -> None:
    positions, token = [], ""
    async with operated() as service:
        for _page in range(2):
            request = wire.ListParkedRequest(page_size=2, page_token=token)
            answer = await service.stub.ListParked(request, timeout=5, metadata=with_token())
            positions.append([one.position for one in answer.parked])
            token = answer.next_page_token
    assert (positions, token) == ([[1, 2], [3]], "")


@pytest.mark.parametrize(
    ("request_", "field_"),
    [
        (wire.ListParkedRequest(page_size=501), "page_size"),
        (wire.ListParkedRequest(page_size=-1), "page_size"),
        (wire.ListParkedRequest(page_token="two"), "page_token"),
        (wire.ListParkedRequest(page_token="9" * 30), "page_token"),
    ],
)
async def test_a_page_that_cannot_be_is_refused(request_: wire.ListParkedRequest, field_: str) -> None:
    async with operated() as service:
        answer = await refused(service.stub.ListParked(request_, timeout=5, metadata=with_token()))
    assert (answer.code, answer.metadata) == (grpc.StatusCode.INVALID_ARGUMENT, {"field": field_})


async def test_retry_and_drop_carry_who_asked() -> None:
    key = {"consumer": "assessment.notes", "source": "monitoring", "patient_id": str(PATIENT)}
    async with operated() as service:
        retry = wire.RetryParkedRequest(request_id="r-1", **key)
        drop = wire.DropParkedRequest(request_id="r-2", reason="sent twice by the source", **key)
        retried = await service.stub.RetryParked(retry, timeout=5, metadata=with_token())
        dropped = await service.stub.DropParked(drop, timeout=5, metadata=with_token())
    assert (retried.applied, retried.waiting, dropped.dropped) == (1, 1, 2)
    place = ("assessment.notes", "monitoring", PATIENT)
    assert service.ports.asked == [
        ("retry", *place, "r-1", "olive.operator"),
        ("drop", *place, "sent twice by the source", "r-2", "olive.operator"),
    ]


@pytest.mark.parametrize("field_", ["consumer", "source", "patient_id", "reason"])
async def test_a_drop_without_all_it_needs_is_refused(field_: str) -> None:
    content = {"request_id": "r", "consumer": "c", "source": "s", "patient_id": str(PATIENT), "reason": "why"}
    async with operated() as service:
        drop = wire.DropParkedRequest(**{**content, field_: ""})
        answer = await refused(service.stub.DropParked(drop, timeout=5, metadata=with_token()))
    assert (answer.code, answer.metadata) == (grpc.StatusCode.INVALID_ARGUMENT, {"field": field_})
    assert service.ports.asked == []


async def test_a_peer_reads_the_records_as_they_were_published() -> None:
    async with operated() as service, peers(service.port) as logs:
        assert await logs.read_published("assessment", 3, 10, 40) == RECORDS[1:4]
        runs = [list(run) async for run in logs.read("assessment", 3, 0, 0)]
    assert runs == [RECORDS[0:2], RECORDS[2:4], RECORDS[4:5]]
    assert service.ports.asked == [("read", 3, 10, 40), ("read", 3, 0, 0)]


async def test_published_records_are_not_for_people() -> None:
    async with operated() as service:
        call = service.stub.ReadPublished(wire.ReadPublishedRequest(), timeout=5, metadata=with_token())
        answer = await refused(anext(aiter(call)))
    assert answer.code == grpc.StatusCode.PERMISSION_DENIED


async def test_a_source_that_breaks_off_is_asked_on_behind_what_it_brought() -> None:
    async with operated() as service, peers(service.port) as logs:
        service.ports.away = True
        assert await logs.read_published("assessment", 3, 0, 0) == RECORDS
        asked = [after for _read, _partition, after, _through in service.ports.asked]
    assert asked == [0, *(one.envelope.position for one in RECORDS[1:-1:2])]


async def test_a_source_that_is_not_there_is_unavailable() -> None:
    async with operated() as service:
        port = service.port
    async with peers(port) as logs:
        with pytest.raises(Unavailable):
            await logs.read_published("assessment", 3, 0, 0)
        with pytest.raises(Unavailable):
            await logs.read_published("unheard-of", 3, 0, 0)


@pytest.mark.parametrize(("partition", "after", "through"), [(6, 0, 0), (-1, 0, 0), (0, -1, 0), (0, 0, -1)])
async def test_a_range_that_cannot_be_is_refused(partition: int, after: int, through: int) -> None:
    async with operated() as service:
        request = wire.ReadPublishedRequest(partition=partition, after=after, through=through)
        bearer = ServiceTokens(SERVICE, "coordination", clock).token_for("assessment")
        call = service.stub.ReadPublished(request, timeout=5, metadata=with_token(bearer))
        answer = await refused(anext(aiter(call)))
    assert answer.code == grpc.StatusCode.INVALID_ARGUMENT
    assert service.ports.asked == []
