"""Every way the server says no, over a real connection: one status, one stable reason, and nothing of the inside."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import grpc
import grpc.aio
import pytest
import structlog
from care.operations.v1 import operations_pb2 as wire
from google.protobuf.timestamp_pb2 import Timestamp

from careloop.chassis.calls.message_checks import check_message
from careloop.chassis.calls.statuses import STATUS_OF
from careloop.chassis.events.stored_form import StoredByNewer
from careloop.chassis.logs import set_up_logs
from careloop.kernel import errors
from careloop.kernel.errors import CareloopError, InvalidInput
from tests.support.services.served import SERVICE, Answers, refused, served, with_token
from tests.support.services.signing import NOW, OPERATOR, hs256_with_public_key, service_token, token, unsigned

CANARY = "Jane Canary"
PATIENT = "0f1e2d3c-4b5a-4968-8776-655443322110"
OTHER = "ffffffff-4b5a-4968-8776-655443322110"
Status = grpc.StatusCode


@pytest.fixture(autouse=True)
def log() -> Iterator[StringIO]:
    stream = StringIO()
    set_up_logs("assessment", stream)
    yield stream
    structlog.reset_defaults()


TOKENS: dict[str, tuple[Any, Status, str]] = {
    "no token": (lambda: None, Status.UNAUTHENTICATED, "token-required"),
    "rubbish": (lambda: "rubbish", Status.UNAUTHENTICATED, "token-invalid"),
    "bad signature": (lambda: token()[:-6] + "AAAAAA", Status.UNAUTHENTICATED, "token-invalid"),
    "alg none": (unsigned, Status.UNAUTHENTICATED, "token-invalid"),
    "HS256 with the public key": (hs256_with_public_key, Status.UNAUTHENTICATED, "token-invalid"),
    "expired": (lambda: token(issued_at=NOW - timedelta(hours=1)), Status.UNAUTHENTICATED, "token-expired"),
    "another audience": (lambda: token(audience="monitoring"), Status.UNAUTHENTICATED, "token-invalid"),
    "overlong life": (lambda: token(seconds=3600), Status.UNAUTHENTICATED, "token-invalid"),
    "wrong role": (service_token, Status.PERMISSION_DENIED, "role-not-allowed"),
}


@pytest.mark.parametrize("case", TOKENS)
async def test_the_caller_is_refused_for(case: str) -> None:
    offered, code, reason = TOKENS[case]
    async with served() as running:
        answer = await refused(running.call("GetStatus", wire.GetStatusRequest(), bearer=offered()))
    assert (answer.code, answer.reason) == (code, reason)
    assert running.answers.calls == []


@pytest.mark.parametrize("case", TOKENS)
async def test_the_caller_of_a_stream_is_refused_for(case: str) -> None:
    offered, code, reason = TOKENS[case]
    bearer = token() if case == "wrong role" else offered()
    async with served() as running:
        call = running.stub.ReadPublished(wire.ReadPublishedRequest(), timeout=5, metadata=with_token(bearer))
        answer = await refused(anext(aiter(call)))
    assert (answer.code, answer.reason) == (code, reason)
    assert running.answers.calls == []


async def test_another_scheme_is_no_token() -> None:
    async with served() as running:
        call = running.stub.GetStatus(
            wire.GetStatusRequest(), timeout=5, metadata=(("authorization", f"Basic {token()}"),)
        )
        assert (await refused(call)).reason == "token-required"


async def test_a_method_without_a_policy_row_is_closed_to_all() -> None:
    async with served() as running:
        answer = await refused(running.call("ListParked", wire.ListParkedRequest()))
    assert (answer.code, answer.reason) == (Status.PERMISSION_DENIED, "role-not-allowed")


async def test_an_unknown_method_is_not_implemented() -> None:
    async with served() as running:
        unknown: Any = running.channel.unary_unary(SERVICE + "Nothing")
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await unknown(b"", timeout=5, metadata=with_token())
    assert failure.value.code() == Status.UNIMPLEMENTED


async def test_a_deadline_is_required() -> None:
    async with served() as running:
        answer = await refused(running.call("GetStatus", wire.GetStatusRequest(), timeout=None))
        stream = running.stub.ReadPublished(wire.ReadPublishedRequest(), metadata=with_token(service_token()))
        of_stream = await refused(anext(aiter(stream)))
    assert (answer.code, answer.reason) == (Status.INVALID_ARGUMENT, "deadline-required")
    assert (of_stream.code, of_stream.reason) == (Status.INVALID_ARGUMENT, "deadline-required")


def drop(**changes: Any) -> wire.DropParkedRequest:
    return wire.DropParkedRequest(**{"request_id": "r-1", "patient_id": PATIENT, "reason": "duplicate", **changes})


MESSAGES: dict[str, tuple[wire.DropParkedRequest, str, str]] = {
    "no request id": (drop(request_id=""), "request-id-required", "request_id"),
    "blank request id": (drop(request_id="  "), "request-id-required", "request_id"),
    "overlong request id": (drop(request_id="r" * 129), "request-id-too-long", "request_id"),
    "NUL in a text": (drop(reason="a\0b"), "text-with-nul", "reason"),
    "control character in the request id": (drop(request_id="a\x1fb"), "text-with-control-character", "request_id"),
    "NUL in the request id": (drop(request_id="a\0b"), "text-with-nul", "request_id"),
    "overlong text": (drop(reason="x" * 10_001), "text-too-long", "reason"),
}


@pytest.mark.parametrize("case", MESSAGES)
async def test_the_message_is_refused_for(case: str) -> None:
    message, reason, field = MESSAGES[case]
    async with served() as running:
        answer = await refused(running.call("DropParked", message))
    assert (answer.code, answer.reason, answer.metadata) == (Status.INVALID_ARGUMENT, reason, {"field": field})
    assert running.answers.calls == []


@pytest.mark.parametrize("raw", [b"\xff\xff\xff", b"\x0a\x05ab", b"\x0a\x02\xc3\x28"])
async def test_bytes_that_are_no_message_are_refused(raw: bytes) -> None:
    async with served() as running:
        method: Any = running.channel.unary_unary(SERVICE + "DropParked")
        answer = await refused(method(raw, timeout=5, metadata=with_token()))
    assert (answer.code, answer.reason) == (Status.INVALID_ARGUMENT, "message-malformed")


async def test_a_message_over_four_megabytes_is_refused() -> None:
    async with served() as running:
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await running.call("DropParked", drop(reason="x" * (4 * 1024 * 1024)))
    assert failure.value.code() == Status.RESOURCE_EXHAUSTED
    assert running.answers.calls == []


def client(patient: str = PATIENT) -> str:
    return token({"sub": "carl", "role": "client", "patient": patient})


async def test_a_client_reaches_its_own_record() -> None:
    async with served() as running:
        request = wire.RetryParkedRequest(request_id="r", patient_id=PATIENT.upper())
        await running.call("RetryParked", request, bearer=client())
    assert running.answers.calls[0].patient == UUID(PATIENT)


@pytest.mark.parametrize("named", [OTHER, "", "not an id"])
async def test_a_client_reaches_no_other_record(named: str) -> None:
    async with served() as running:
        request = wire.RetryParkedRequest(request_id="r", patient_id=named)
        answer = await refused(running.call("RetryParked", request, bearer=client()))
    assert (answer.code, answer.reason) == (Status.PERMISSION_DENIED, "not-own-record")
    assert running.answers.calls == []


KERNEL_ERRORS = sorted(
    ((kind, code) for kind, code in STATUS_OF.items() if kind is not StoredByNewer), key=lambda pair: pair[0].__name__
)


@pytest.mark.parametrize(("kind", "code"), KERNEL_ERRORS)
async def test_each_kernel_error_has_its_status(kind: type[CareloopError], code: Status) -> None:
    async def refuse(_request: Any) -> None:
        raise kind("a-slug", "A sentence.", field="a_field")

    async with served(Answers(unary=refuse)) as running:
        answer = await refused(running.call("GetStatus", wire.GetStatusRequest()))
    assert (answer.code, answer.reason, answer.metadata) == (code, "a-slug", {"field": "a_field"})
    assert answer.text == "A sentence."
    assert running.observed == [("GetStatus", code.name)]


async def test_what_a_newer_version_stored_is_unavailable_here() -> None:
    async def refuse(_request: Any) -> None:
        raise StoredByNewer("monitoring.Noted.v9")

    async with served(Answers(unary=refuse)) as running:
        answer = await refused(running.call("GetStatus", wire.GetStatusRequest()))
    assert (answer.code, answer.reason) == (Status.UNAVAILABLE, "stored-by-newer")


def test_no_kernel_error_is_without_a_status() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, CareloopError)}
    assert (kinds | {StoredByNewer}) - {CareloopError} == set(STATUS_OF)


class Bug(Exception):
    pass


async def test_an_unexpected_error_tells_an_id_and_nothing_else(log: StringIO) -> None:
    async def fail(_request: Any) -> None:
        raise Bug(f"row of {CANARY}")

    async with served(Answers(unary=fail)) as running:
        answer = await refused(running.call("GetStatus", wire.GetStatusRequest()))
    line = json.loads(log.getvalue().splitlines()[-1])
    assert (answer.code, answer.reason) == (Status.INTERNAL, "internal")
    assert CANARY not in repr(answer)
    assert CANARY not in log.getvalue()
    assert line["error_id"] == answer.metadata["error_id"]
    assert (line["error_type"], line["code"]) == ("Bug", "INTERNAL")
    assert "test_refusals:" in line["error_at"]


async def test_an_answer_that_cannot_be_sent_does_not_leak() -> None:
    async def of_another_kind(_request: Any) -> Any:
        return CANARY

    async with served(Answers(unary=of_another_kind)) as running:
        answer = await refused(running.call("GetStatus", wire.GetStatusRequest()))
    assert answer.code == Status.INTERNAL
    assert CANARY not in repr(answer)


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (Bug(CANARY), Status.INTERNAL, "internal"),
        (
            InvalidInput("negative-position", "after is 0 or more.", field="after"),
            Status.INVALID_ARGUMENT,
            "negative-position",
        ),
    ],
)
async def test_a_stream_that_fails_half_way_ends_with_a_status(
    log: StringIO, error: Exception, code: Status, reason: str
) -> None:
    async def two_then_fail(_request: Any) -> AsyncIterator[Any]:
        yield wire.ReadPublishedResponse()
        yield wire.ReadPublishedResponse()
        raise error

    read = 0
    async with served(Answers(stream=two_then_fail)) as running:
        call = running.stub.ReadPublished(wire.ReadPublishedRequest(), timeout=5, metadata=with_token(service_token()))

        async def read_all() -> None:
            nonlocal read
            async for _answer in call:
                read += 1

        answer = await refused(read_all())
    assert (read, answer.code, answer.reason) == (2, code, reason)
    assert CANARY not in repr(answer) + log.getvalue()


async def test_a_slow_call_is_answered_before_its_caller_gives_up() -> None:
    cancelled = asyncio.Event()

    async def slow(_request: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with served(Answers(unary=slow)) as running:
        answer = await refused(running.call("GetStatus", wire.GetStatusRequest(), timeout=0.5))
    assert (answer.code, answer.reason) == (Status.UNAVAILABLE, "too-slow")
    assert cancelled.is_set()


async def test_no_call_takes_longer_than_the_longest_deadline() -> None:
    async def slow(_request: Any) -> None:
        await asyncio.Event().wait()

    async with served(Answers(unary=slow), max_deadline_seconds=0.1) as running:
        answer = await refused(running.call("GetStatus", wire.GetStatusRequest(), timeout=60))
    assert (answer.code, answer.reason) == (Status.UNAVAILABLE, "too-slow")


async def test_a_handlers_own_timeout_is_no_excuse() -> None:
    async def times_out(_request: Any) -> None:
        raise TimeoutError(CANARY)

    async with served(Answers(unary=times_out)) as running:
        answer = await refused(running.call("GetStatus", wire.GetStatusRequest()))
    assert answer.code == Status.INTERNAL


def test_message_checks_reach_nested_texts_and_lists() -> None:
    nested = wire.ListParkedResponse(parked=[wire.ParkedPatient(parked_at=Timestamp(), reason="a\0")])
    with pytest.raises(InvalidInput) as in_nested:
        check_message(nested)
    with pytest.raises(InvalidInput) as in_list:
        check_message(wire.ListParkedResponse(parked=[wire.ParkedPatient()] * 1001))
    with pytest.raises(InvalidInput) as in_map:
        check_message(wire.PublishedRecord(headers={"a\0": b""}))
    assert [one.value.field for one in (in_nested, in_list, in_map)] == ["parked.reason", "parked", "headers"]
    check_message(wire.ListParkedResponse(parked=[wire.ParkedPatient(reason="x" * 10_000)] * 1000))


async def test_a_verified_token_is_not_verified_again_for_another_caller() -> None:
    async with served() as running:
        for name in ("olive", "omar", "olive"):
            await running.call("GetStatus", wire.GetStatusRequest(), bearer=token({**OPERATOR, "sub": name}))
    assert [call.subject for call in running.answers.calls] == ["olive", "omar", "olive"]


async def test_who_comes_when_too_many_calls_are_in_hand_is_told_to_come_later() -> None:
    """Whatever the limit, what was in hand before is answered."""
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slow(_request: Any) -> None:
        begun.set()
        await may_end.wait()

    async with served(Answers(unary=slow), most_calls=1) as running:
        first = asyncio.ensure_future(running.call("GetStatus", wire.GetStatusRequest()))
        await begun.wait()
        answer = await refused(running.call("GetStatus", wire.GetStatusRequest()))
        assert (answer.code, answer.reason) == (Status.RESOURCE_EXHAUSTED, "too-many-calls")
        may_end.set()
        assert (await first).service == "assessment"
