"""The whole system as real processes, and people who call it over gRPC."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import grpc
from care.assessment.v1 import assessment_pb2 as assessment
from care.assessment.v1.assessment_pb2_grpc import AssessmentServiceStub
from care.common.v1 import common_pb2 as common
from care.coordination.v1 import coordination_pb2 as coordination
from care.coordination.v1.coordination_pb2_grpc import CoordinationServiceStub
from care.monitoring.v1 import monitoring_pb2 as monitoring
from care.monitoring.v1.monitoring_pb2_grpc import MonitoringServiceStub
from care.notifications.v1 import notifications_pb2 as notifications
from care.notifications.v1.notifications_pb2_grpc import NotificationsServiceStub
from care.operations.v1.operations_pb2_grpc import OperationsServiceStub
from care.prescribing.v1 import prescribing_pb2 as prescribing
from care.prescribing.v1.prescribing_pb2_grpc import PrescribingServiceStub
from google.protobuf.timestamp_pb2 import Timestamp

from careloop.local.local_stack import LocalStack
from careloop.local.minting import mint
from careloop.local.supervisor import Supervisor

__all__ = ["Person", "System", "assessment", "common", "coordination", "monitoring", "notifications", "prescribing"]

PASSING = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED, grpc.StatusCode.DEADLINE_EXCEEDED}
STUBS: dict[str, Any] = {
    "assessment": AssessmentServiceStub,
    "prescribing": PrescribingServiceStub,
    "monitoring": MonitoringServiceStub,
    "notifications": NotificationsServiceStub,
    "coordination": CoordinationServiceStub,
}
CREDENTIAL = {"kind": "psychiatrist", "valid_from": "2020-01-01T00:00:00Z", "valid_until": "2036-01-01T00:00:00Z"}


@dataclass
class System:
    """A running system. Its channels belong to the loop of the test that opened it with `people`."""

    stack: LocalStack
    supervisor: Supervisor
    channels: dict[str, grpc.aio.Channel] = field(default_factory=dict)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    """Of whoever issues the callers' tokens."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator["System"]:
        """Channels for one test."""
        self.channels = {name: grpc.aio.insecure_channel(self.supervisor.address(name)) for name in STUBS}
        try:
            yield self
        finally:
            for channel in self.channels.values():
                await channel.close()

    def person(self, role: str, subject: str, patient: UUID | None = None) -> "Person":
        return Person(self, role, subject, patient)

    async def restart(self, service: str) -> None:
        """kill -9, and start again; returns when it answers."""
        await self.supervisor.kill_service(service)
        self.supervisor.start_service(service)
        await self.supervisor.wait_healthy(service)


@dataclass(frozen=True)
class Person:
    """A caller with a role. Every call has a deadline; `call` takes the first answer, `surely` insists."""

    system: System
    role: str
    subject: str
    patient: UUID | None = None

    def metadata(self) -> tuple[tuple[str, str], ...]:
        credential = CREDENTIAL if self.role.startswith("psychiatr") else None
        token = mint(
            self.system.stack.home,
            role=self.role,
            subject=self.subject,
            now=self.system.clock(),
            ttl=timedelta(minutes=10),
            patient=self.patient,
            credential=credential,
        )
        return (("authorization", f"Bearer {token}"),)

    async def call(self, service: str, request: Any, *, timeout: float = 8) -> Any:
        """The RPC that is named like the request's type."""
        method = type(request).__name__.removesuffix("Request")
        stub = STUBS[service](self.system.channels[service])
        return await getattr(stub, method)(request, timeout=timeout, metadata=self.metadata())

    async def operations(self, service: str, request: Any) -> Any:
        method = type(request).__name__.removesuffix("Request")
        stub = OperationsServiceStub(self.system.channels[service])
        return await getattr(stub, method)(request, timeout=8, metadata=self.metadata())

    async def surely(self, service: str, request: Any, *, within: float = 60) -> Any:
        """Repeat the same request, same id, while the answer is one that says to try again."""
        give_up = asyncio.get_running_loop().time() + within
        while True:
            try:
                return await self.call(service, request)
            except grpc.aio.AioRpcError as failure:
                if failure.code() not in PASSING or asyncio.get_running_loop().time() > give_up:
                    raise
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.system.channels[service].channel_ready(), timeout=1)


def new_id() -> str:
    return str(uuid4())


def ago(**delta: float) -> Any:
    """A timestamp so long before now."""
    stamp = Timestamp()
    stamp.FromDatetime(datetime.now(UTC) - timedelta(**delta))
    return stamp
