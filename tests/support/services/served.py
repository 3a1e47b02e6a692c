"""A real gRPC server on the loopback side, with a servicer whose answers a test decides."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import grpc
import grpc.aio
import pytest
from care.operations.v1 import operations_pb2 as wire
from care.operations.v1 import operations_pb2_grpc
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status

from careloop.chassis.calls.auth import TokenVerifier
from careloop.chassis.calls.call import Call, current_call
from careloop.chassis.calls.guard import Guard
from careloop.chassis.calls.server import GrpcServer
from careloop.chassis.calls.tls import TlsFiles
from tests.support.services.signing import NOW, public_keys, token

SERVICE = "/care.operations.v1.OperationsService/"
POLICY: Mapping[str, frozenset[str]] = {
    SERVICE + "GetStatus": frozenset({"operator"}),
    SERVICE + "RetryParked": frozenset({"operator", "client"}),
    SERVICE + "DropParked": frozenset({"operator"}),
    SERVICE + "ReadPublished": frozenset({"service"}),
}
"""ListParked has no row."""

Answer = Callable[[Any], Awaitable[Any]]


async def nothing(_request: Any) -> None:
    return None


@dataclass
class Answers(operations_pb2_grpc.OperationsServiceServicer):
    """Runs `unary` or `stream` for every call, after noting the call it was made in."""

    unary: Answer = nothing
    stream: Callable[[Any], AsyncIterator[Any]] | None = None
    calls: list[Call] = field(default_factory=list)

    async def GetStatus(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.calls.append(current_call())
        return await self.unary(request) or wire.GetStatusResponse(service="assessment")

    async def RetryParked(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.calls.append(current_call())
        return await self.unary(request) or wire.RetryParkedResponse()

    async def DropParked(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.calls.append(current_call())
        return await self.unary(request) or wire.DropParkedResponse()

    async def ListParked(self, request: Any, context: Any) -> Any:  # noqa: N802
        raise AssertionError("a call without a policy row came through")

    async def ReadPublished(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
        self.calls.append(current_call())
        assert self.stream is not None
        async for answer in self.stream(request):
            yield answer


@dataclass
class Served:
    """A running server and a channel to it."""

    server: GrpcServer
    answers: Answers
    channel: grpc.aio.Channel
    port: int
    observed: list[tuple[str, str]]

    @property
    def stub(self) -> Any:
        return operations_pb2_grpc.OperationsServiceStub(self.channel)

    async def call(
        self, method: str, request: Any, *, bearer: str | None = "", timeout: float | None = 5, **metadata: str
    ) -> Any:
        """One unary call, with an operator's token unless told otherwise, or without one for None."""
        return await getattr(self.stub, method)(request, timeout=timeout, metadata=with_token(bearer, **metadata))


def with_token(bearer: str | None = "", **metadata: str) -> list[tuple[str, str]]:
    pairs = [(name.replace("_", "-"), value) for name, value in metadata.items()]
    return pairs if bearer is None else [*pairs, ("authorization", f"Bearer {bearer or token()}")]


@asynccontextmanager
async def served(
    answers: Answers | None = None,
    *,
    now: Callable[[], datetime] = lambda: NOW,
    local: bool = False,
    max_deadline_seconds: float = 10,
    most_calls: int = 100,
    max_stream_seconds: float = 600,
    tls: TlsFiles | None = None,
) -> AsyncIterator[Served]:
    observed: list[tuple[str, str]] = []
    roles = frozenset({"operator", "service", "client"})
    guard = Guard(
        TokenVerifier(public_keys(), audience="assessment", roles=roles, clock=now),
        POLICY,
        now,
        max_deadline_seconds=max_deadline_seconds,
        most_calls=most_calls,
        max_stream_seconds=max_stream_seconds,
        observe=lambda method, code, _seconds: observed.append((method.removeprefix(SERVICE), code)),
    )
    servicer = answers or Answers()
    server = GrpcServer(
        guard,
        [lambda to: operations_pb2_grpc.add_OperationsServiceServicer_to_server(servicer, to)],
        local=local,
        tls=tls,
    )
    port = await server.start("127.0.0.1", 0)
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Served(server, servicer, channel, port, observed)
    finally:
        await server.stop()


@dataclass(frozen=True)
class Refused:
    """What a refused call was answered."""

    code: grpc.StatusCode
    reason: str
    metadata: dict[str, str]
    text: str
    correlation_id: str


async def refused(call: Awaitable[Any]) -> Refused:
    """The refusal of a call; fails when it is answered, or refused without a proper status."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    error = raised.value
    status = rpc_status.from_call(error)
    assert status is not None, f"no rich status: {error.code()}"
    info = ErrorInfo()
    assert status.details[0].Unpack(info)
    assert info.domain == "careloop"
    correlation_id = str(dict(error.trailing_metadata() or ())["x-correlation-id"])
    return Refused(error.code(), info.reason, dict(info.metadata), error.details() or "", correlation_id)


async def until(condition: Callable[[], bool], within: float = 5) -> None:
    """Wait for the condition; fails when it does not hold in time."""
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.005)
