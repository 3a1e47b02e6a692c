"""What an allowed call gets, and what a server does besides: health, reflection, correlation, an orderly stop."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from io import StringIO
from typing import Any
from uuid import UUID

import grpc
import grpc.aio
import pytest
import structlog
from care.operations.v1 import operations_pb2 as wire
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from careloop.chassis.calls.call import request_for
from careloop.chassis.logs import set_up_logs
from careloop.kernel.events import Request
from tests.support.services.served import SERVICE, Answers, refused, served, until, with_token
from tests.support.services.signing import NOW, service_token, token

CORRELATION = "11111111-2222-4333-8444-555555555555"
PATIENT = "0f1e2d3c-4b5a-4968-8776-655443322110"
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture(autouse=True)
def log() -> Iterator[StringIO]:
    stream = StringIO()
    set_up_logs("assessment", stream)
    yield stream
    structlog.reset_defaults()


def call_lines(log: StringIO) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    return [line for line in lines if line["event"] == "call"]


async def test_a_handler_knows_its_verified_call() -> None:
    async with served() as running:
        await running.call("GetStatus", wire.GetStatusRequest(), x_correlation_id=CORRELATION)
    (call,) = running.answers.calls
    assert (call.subject, call.role, call.now) == ("olive.operator", "operator", NOW)
    assert call.correlation_id == UUID(CORRELATION)
    assert call.method == SERVICE + "GetStatus"


async def test_one_line_and_one_figure_per_call(log: StringIO) -> None:
    async with served() as running:
        await running.call("GetStatus", wire.GetStatusRequest(), x_correlation_id=CORRELATION)
    (line,) = call_lines(log)
    assert (line["method"], line["code"], line["role"]) == (SERVICE + "GetStatus", "OK", "operator")
    assert line["correlation_id"] == CORRELATION
    assert 0 <= line["duration_ms"] < 5000
    assert running.observed == [("GetStatus", "OK")]
    assert "olive" not in log.getvalue()


async def test_the_correlation_id_comes_back() -> None:
    async with served() as running:
        call = running.stub.GetStatus(
            wire.GetStatusRequest(), timeout=5, metadata=with_token(x_correlation_id=CORRELATION)
        )
        await call
        assert dict(await call.trailing_metadata())["x-correlation-id"] == CORRELATION
        answer = await refused(running.call("ListParked", wire.ListParkedRequest(), x_correlation_id=CORRELATION))
    assert answer.correlation_id == CORRELATION


async def test_a_correlation_id_that_is_none_is_replaced(log: StringIO) -> None:
    async with served() as running:
        await running.call("GetStatus", wire.GetStatusRequest(), x_correlation_id="Jane Canary")
    assert "Canary" not in log.getvalue()
    assert UUID(call_lines(log)[0]["correlation_id"]) == running.answers.calls[0].correlation_id


async def test_a_write_becomes_a_request() -> None:
    requests: list[Request] = []

    async def note(message: Any) -> None:
        requests.append(request_for(message))

    message = wire.DropParkedRequest(request_id="r-1", patient_id=PATIENT, reason="duplicate")
    other = wire.DropParkedRequest(request_id="r-1", patient_id=PATIENT, reason="something else")
    async with served(Answers(unary=note)) as running:
        for one in (message, message, other):
            await running.call("DropParked", one, x_correlation_id=CORRELATION)
    first, again, changed = requests
    content = (SERVICE + "DropParked").encode() + b"\0" + message.SerializeToString(deterministic=True)
    assert first == again
    assert first.digest == hashlib.sha256(content).digest()
    assert changed.digest != first.digest
    assert (first.request_id, first.actor, first.now) == ("r-1", "olive.operator", NOW)
    assert first.correlation_id == UUID(CORRELATION)


async def test_a_stream_brings_all_its_answers(log: StringIO) -> None:
    async def three(request: Any) -> AsyncIterator[Any]:
        for number in range(3):
            yield wire.ReadPublishedResponse(records=[wire.PublishedRecord(value=bytes([number]))])

    async with served(Answers(stream=three)) as running:
        call = running.stub.ReadPublished(wire.ReadPublishedRequest(), timeout=5, metadata=with_token(service_token()))
        values = [answer.records[0].value async for answer in call]
    assert values == [b"\0", b"\1", b"\2"]
    assert [line["code"] for line in call_lines(log)] == ["OK"]


async def test_a_client_that_leaves_a_stream_ends_it(log: StringIO) -> None:
    ended = asyncio.Event()

    async def forever(_request: Any) -> AsyncIterator[Any]:
        try:
            while True:
                yield wire.ReadPublishedResponse()
                await asyncio.sleep(0.01)
        finally:
            ended.set()

    async with served(Answers(stream=forever)) as running:
        call = running.stub.ReadPublished(wire.ReadPublishedRequest(), timeout=60, metadata=with_token(service_token()))
        await anext(aiter(call))
        call.cancel()
        async with asyncio.timeout(5):
            await ended.wait()
        await until(lambda: bool(call_lines(log)))
    assert call_lines(log)[0]["code"] == "CANCELLED"


async def health(running: Any, name: str) -> Any:
    stub: Any = health_pb2_grpc.HealthStub(running.channel)
    return (await stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=5)).status


async def test_health_needs_no_token_and_tells_alive_from_ready() -> None:
    async with served() as running:
        assert (await health(running, ""), await health(running, "readiness")) == (SERVING, NOT_SERVING)
        await running.server.set_ready(ready=True)
        assert await health(running, "readiness") == SERVING
        await running.server.set_ready(ready=False)
        assert (await health(running, ""), await health(running, "readiness")) == (SERVING, NOT_SERVING)


async def listed(running: Any) -> set[str]:
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(running.channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    answers = [answer async for answer in stub.ServerReflectionInfo(iter([request]), timeout=5)]
    return {service.name for service in answers[0].list_services_response.service}


async def test_reflection_is_for_a_developers_machine_only() -> None:
    async with served(local=True) as running:
        assert "care.operations.v1.OperationsService" in await listed(running)
    async with served() as running:
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await listed(running)
    assert failure.value.code() == grpc.StatusCode.UNIMPLEMENTED


async def test_a_stopping_server_finishes_calls_ends_streams_and_takes_no_more() -> None:
    begun, may_finish = asyncio.Event(), asyncio.Event()

    async def waits(_request: Any) -> None:
        begun.set()
        await may_finish.wait()

    async def forever(_request: Any) -> AsyncIterator[Any]:
        yield wire.ReadPublishedResponse()
        await asyncio.Event().wait()

    async with served(Answers(unary=waits, stream=forever)) as running:
        call = asyncio.ensure_future(running.call("GetStatus", wire.GetStatusRequest()))
        stream = aiter(
            running.stub.ReadPublished(wire.ReadPublishedRequest(), timeout=60, metadata=with_token(service_token()))
        )
        await anext(stream)
        await begun.wait()
        stopping = asyncio.create_task(running.server.drain(5))
        ended = await refused(anext(stream))
        assert not call.done()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{running.port}") as another:
            method: Any = another.unary_unary(SERVICE + "GetStatus")
            with pytest.raises(grpc.aio.AioRpcError) as late:
                await method(b"", timeout=2, metadata=with_token())
        may_finish.set()
        assert (await call).service == "assessment"
        await stopping
    assert (ended.code, ended.reason) == (grpc.StatusCode.UNAVAILABLE, "shutting-down")
    assert late.value.code() == grpc.StatusCode.UNAVAILABLE


async def test_many_calls_at_once_keep_their_callers_apart() -> None:
    seen: list[tuple[str, str]] = []

    async def with_pause(request: Any) -> None:
        before = request_for(request).actor
        await asyncio.sleep(0.01)
        seen.append((request.request_id, before))
        assert request_for(request).actor == before == request.request_id

    async with served(Answers(unary=with_pause)) as running:
        names = [f"person-{number}" for number in range(50)]
        calls = [
            running.call(
                "DropParked", wire.DropParkedRequest(request_id=name), bearer=token({"sub": name, "role": "operator"})
            )
            for name in names
        ]
        await asyncio.gather(*calls)
    assert sorted(seen) == sorted((name, name) for name in names)
