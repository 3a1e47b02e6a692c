"""The guard at both sides of its limits: what a draining server admits, how many calls, and how long one may take."""

import asyncio
import json
from collections.abc import AsyncIterator
from io import StringIO
from typing import Any
from uuid import UUID

import grpc
import pytest
import structlog
from care.operations.v1 import operations_pb2 as wire
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status as Rich
from grpc_health.v1 import health_pb2, health_pb2_grpc

from careloop.chassis.calls import guard as guards
from careloop.chassis.calls.auth import TokenVerifier
from careloop.chassis.calls.call import (
    Call,
    Caller,
    bearer_token,
    correlation_id,
    current_call,
    request_for,
    set_current_call,
    status_name,
)
from careloop.chassis.calls.call_log import CallLog
from careloop.chassis.calls.guard import Guard
from careloop.chassis.calls.statuses import DOMAIN, refusal_of, unexpected
from careloop.chassis.logs import AtMost, set_up_logs
from careloop.kernel.errors import InvalidInput, NotAllowed, NotSignedIn, Overloaded, RuleViolated, Unavailable
from careloop.kernel.ids import PersonId
from tests.support.services.served import POLICY, SERVICE, Answers, refused, served, until, with_token
from tests.support.services.signing import NOW, public_keys, service_token, token

CORRELATION = UUID("11111111-2222-4333-8444-555555555555")
Status = grpc.StatusCode


class Context:
    """What a guard asks of the context of a call."""

    def __init__(self, remaining: float | None = 5.0, code: Any = None, **metadata: str | bytes) -> None:
        self.remaining = remaining
        self.code = lambda: code
        self.metadata = [(name.replace("_", "-"), value) for name, value in metadata.items()]

    def time_remaining(self) -> float | None:
        return self.remaining

    def invocation_metadata(self) -> Any:
        return self.metadata


def context(remaining: float | None = 5.0, **metadata: str | bytes) -> Any:
    return Context(remaining, **{"authorization": f"Bearer {token()}", **metadata})


def guard(*, draining: bool = False, **options: Any) -> Guard:
    roles = frozenset({"operator", "service", "client"})
    verifier = TokenVerifier(public_keys(), audience="assessment", roles=roles, clock=lambda: NOW)
    made = Guard(verifier, POLICY, lambda: NOW, **{"max_deadline_seconds": 10, **options})
    made._draining = draining
    return made


def record(method: str = "GetStatus") -> CallLog:
    return CallLog(SERVICE + method, CORRELATION)


def test_who_may_call_is_known_with_method_moment_and_correlation() -> None:
    kept = record()
    call = guard().admit(context(), kept)
    assert call == Call(
        method=SERVICE + "GetStatus",
        caller=Caller(subject=PersonId("olive.operator"), role="operator"),
        correlation_id=CORRELATION,
        now=NOW,
    )
    assert (kept.role, current_call()) == ("operator", call)


def test_a_draining_guard_admits_nobody_whatever_comes_with_the_call() -> None:
    for given in (context(), Context(None)):
        with pytest.raises(Unavailable) as stopping:
            guard(draining=True).admit(given, record())  # type: ignore[arg-type]
        assert stopping.value.slug == "shutting-down"


def test_so_many_calls_are_in_hand_and_one_more_is_refused() -> None:
    made = guard(most_calls=3)
    made._in_hand = 3
    assert made.admit(context(), record()).role == "operator"
    made._in_hand = 4
    with pytest.raises(Overloaded) as overloaded:
        made.admit(context(), record())
    assert overloaded.value.slug == "too-many-calls"


def test_a_guard_takes_a_thousand_calls_unless_told_otherwise() -> None:
    made = guard()
    made._in_hand = 1_000
    assert made.admit(context(), record()).role == "operator"
    made._in_hand = 1_001
    with pytest.raises(Overloaded):
        made.admit(context(), record())


def test_a_role_is_allowed_by_the_row_of_the_method_only() -> None:
    for method in ("ListParked", "ReadPublished", "Nothing"):
        kept = record(method)
        with pytest.raises(NotAllowed) as refusal:
            guard().admit(context(), kept)
        assert (refusal.value.slug, kept.role) == ("role-not-allowed", "operator")


def test_a_call_without_a_deadline_is_refused_but_on_a_developers_machine() -> None:
    with pytest.raises(InvalidInput) as refusal:
        guard().admit(context(None), record())
    assert refusal.value.slug == "deadline-required"
    assert guard(deadline_required=False).admit(context(None), record()).role == "operator"
    assert guard().admit(context(0.0), record()).role == "operator"


@pytest.mark.parametrize(
    ("remaining", "seconds"),
    [(None, 10.0), (60.0, 10.0), (10.05, 10.0), (10.0, 9.95), (1.0, 0.95), (0.05, 0.0), (0.01, 0.0), (-1.0, 0.0)],
)
def test_a_call_is_answered_a_twentieth_of_a_second_before_its_caller_gives_up(
    remaining: float | None, seconds: float
) -> None:
    assert guard().time_for(context(remaining)) == pytest.approx(seconds)


async def test_a_call_that_begins_after_the_drain_is_told_that_the_server_stops() -> None:
    async with served() as running:
        await running.call("GetStatus", wire.GetStatusRequest())
        await running.server.drain(1)
        for bearer in ("", None):
            answer = await refused(running.call("GetStatus", wire.GetStatusRequest(), bearer=bearer))
            assert (answer.code, answer.reason) == (Status.UNAVAILABLE, "shutting-down")
        stream = running.stub.ReadPublished(
            wire.ReadPublishedRequest(), timeout=5, metadata=with_token(service_token())
        )
        of_stream = await refused(anext(aiter(stream)))
    assert (of_stream.code, of_stream.reason) == (Status.UNAVAILABLE, "shutting-down")
    assert len(running.answers.calls) == 1
    assert running.observed[1:] == [("GetStatus", "UNAVAILABLE")] * 2 + [("ReadPublished", "UNAVAILABLE")]


async def test_health_says_that_a_draining_server_is_neither_ready_nor_becomes_so() -> None:
    async with served() as running:
        await running.server.set_ready(ready=True)
        await running.server.drain(1)
        await running.server.set_ready(ready=True)
        stub: Any = health_pb2_grpc.HealthStub(running.channel)
        answer = await stub.Check(health_pb2.HealthCheckRequest(service="readiness"), timeout=5)
    assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING


async def test_an_idle_server_has_drained_at_once_and_a_busy_one_when_its_calls_are_answered() -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slow(_request: Any) -> None:
        begun.set()
        await may_end.wait()

    async with served(Answers(unary=slow)) as running:
        calls = [asyncio.ensure_future(running.call("GetStatus", wire.GetStatusRequest())) for _ in range(2)]
        await until(lambda: len(running.answers.calls) == 2)
        draining = asyncio.create_task(running.server.drain(60))
        await asyncio.wait([draining], timeout=0.05)
        assert not draining.done()
        may_end.set()
        await asyncio.wait_for(draining, 5)
        assert [(await call).service for call in calls] == ["assessment"] * 2
        await asyncio.wait_for(running.server.drain(60), 5)


async def test_a_call_that_needs_longer_than_the_grace_is_left_to_itself() -> None:
    may_end = asyncio.Event()

    async def slow(_request: Any) -> None:
        await may_end.wait()

    async with served(Answers(unary=slow)) as running:
        call = asyncio.ensure_future(running.call("GetStatus", wire.GetStatusRequest()))
        await until(lambda: bool(running.answers.calls))
        await asyncio.wait_for(running.server.drain(0.01), 5)
        assert not call.done()
        may_end.set()
        assert (await call).service == "assessment"


async def test_a_stream_that_ended_is_not_ended_again_by_the_drain() -> None:
    async def one(_request: Any) -> AsyncIterator[Any]:
        yield wire.ReadPublishedResponse()

    async with served(Answers(stream=one)) as running:
        call = running.stub.ReadPublished(wire.ReadPublishedRequest(), timeout=5, metadata=with_token(service_token()))
        assert len([answer async for answer in call]) == 1
        await running.server.drain(1)
    assert running.observed == [("ReadPublished", "OK")]


async def test_every_call_is_counted_until_its_answer_has_left() -> None:
    async with served(most_calls=1) as running:
        for _ in range(3):
            await running.call("GetStatus", wire.GetStatusRequest())
            answer = await refused(running.call("ListParked", wire.ListParkedRequest()))
            assert answer.reason == "role-not-allowed"


@pytest.mark.parametrize("given", ["Bearer abc", "bearer abc", "BEARER abc", "Bearer  abc "])
def test_a_bearers_token_is_taken_without_the_space_around_it(given: str) -> None:
    assert bearer_token(Context(authorization=given)) == "abc"  # type: ignore[arg-type]


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer ", "abc", "Basic abc", "Bearerabc", b"Bearer abc"])
def test_anything_else_is_no_token(given: str | bytes) -> None:
    with pytest.raises(NotSignedIn) as refusal:
        bearer_token(Context(authorization=given))  # type: ignore[arg-type]
    assert refusal.value.slug == "token-required"
    with pytest.raises(NotSignedIn):
        bearer_token(Context(other=given))  # type: ignore[arg-type]


def test_a_callers_correlation_id_is_taken_if_it_is_one() -> None:
    assert correlation_id(Context(x_correlation_id=str(CORRELATION))) == CORRELATION  # type: ignore[arg-type]
    for given in (
        Context(x_correlation_id="Jane Canary"),
        Context(),
        Context(x_correlation_id=str(CORRELATION).encode()),
    ):
        new = correlation_id(given)  # type: ignore[arg-type]
        assert new != correlation_id(given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "name"),
    [(None, "OK"), (0, "OK"), (Status.ABORTED, "ABORTED"), (14, "UNAVAILABLE"), (Status.OK, "OK"), (99, "UNKNOWN")],
)
def test_a_status_has_its_name_whichever_way_it_was_set(code: Any, name: str) -> None:
    assert status_name(Context(code=code)) == name  # type: ignore[arg-type]


def info_of(refusal: Any) -> Any:
    ((_name, raw),) = refusal.trailing_metadata()
    rich, info = Rich.FromString(raw), ErrorInfo()
    assert rich.details[0].Unpack(info)
    return rich, info


def test_a_refusal_carries_code_sentence_slug_and_field() -> None:
    refusal = refusal_of(InvalidInput("field-required", "dose is required.", field="dose"))
    rich, info = info_of(refusal)
    assert (refusal.code, refusal.sentence) == (Status.INVALID_ARGUMENT, "dose is required.")
    assert (rich.code, rich.message) == (3, "dose is required.")
    assert (info.reason, info.domain, dict(info.metadata)) == ("field-required", DOMAIN, {"field": "dose"})
    assert dict(info_of(refusal_of(RuleViolated("not-now", "Not now.")))[1].metadata) == {}
    detailed = RuleViolated("not-now", "Not now.", field="dose", details={"missing": "history,plan"})
    assert dict(info_of(refusal_of(detailed))[1].metadata) == {"missing": "history,plan", "field": "dose"}


def test_a_kind_of_refusal_that_is_not_in_the_table_has_the_status_of_what_it_is_a_kind_of() -> None:
    class Stale(Unavailable):
        """A kind of its own."""

    assert refusal_of(Stale("stale", "Stale.")).code == Status.UNAVAILABLE


def test_an_unexpected_error_tells_its_id_only() -> None:
    refusal = unexpected("abc")
    _rich, info = info_of(refusal)
    assert (refusal.code, info.reason, dict(info.metadata)) == (Status.INTERNAL, "internal", {"error_id": "abc"})
    assert "abc" in refusal.sentence


def test_a_record_of_a_call_tells_what_it_was_refused_for() -> None:
    kept = record()
    kept.refused(InvalidInput("field-required", "dose is required."))
    assert (kept.code, kept.error_id, kept.error_type, kept.error_at) == ("INVALID_ARGUMENT", None, None, None)
    kept.refused(ZeroDivisionError("Jane Canary"))
    assert (kept.code, kept.error_type) == ("INTERNAL", "ZeroDivisionError")
    assert kept.error_id is not None
    assert len(kept.error_id) == 16


def test_the_request_of_a_write_is_of_its_call_and_of_all_that_it_says() -> None:
    call = guard().admit(context(), record("DropParked"))
    message = wire.DropParkedRequest(request_id="r-1", reason="twice")
    asked = request_for(message)
    assert (asked.request_id, asked.actor, asked.correlation_id, asked.now) == ("r-1", call.subject, CORRELATION, NOW)
    assert asked.causation_id is None
    assert request_for(wire.DropParkedRequest(request_id="r-1", reason="other")).digest != asked.digest
    assert request_for(message) == asked
    set_current_call(guard().admit(context(), record("RetryParked")))
    assert request_for(message).digest != asked.digest


def test_a_request_without_an_id_is_refused_also_where_nobody_checked_the_message() -> None:
    guard().admit(context(), record("DropParked"))
    with pytest.raises(InvalidInput) as refusal:
        request_for(wire.DropParkedRequest())
    assert refusal.value.field == "request_id"


async def test_a_stream_on_which_a_cancellation_is_lost_is_ended_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "CANCEL_AGAIN_SECONDS", 0.02)
    lost = asyncio.Event()

    async def deaf_once(_request: Any) -> AsyncIterator[Any]:
        yield wire.ReadPublishedResponse()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            lost.set()
        await asyncio.Event().wait()

    async with served(Answers(stream=deaf_once)) as running:
        stream = aiter(
            running.stub.ReadPublished(wire.ReadPublishedRequest(), timeout=30, metadata=with_token(service_token()))
        )
        await anext(stream)
        await asyncio.wait_for(running.server.drain(10), 15)
        ended = await refused(anext(stream))
    assert lost.is_set()
    assert (ended.code, ended.reason) == (grpc.StatusCode.UNAVAILABLE, "shutting-down")


def test_of_many_calls_that_went_well_in_a_second_a_few_have_lines_and_the_next_says_how_many_went_unsaid() -> None:
    stream, now, observed = StringIO(), [0.0], list[str]()
    set_up_logs("assessment", stream)
    try:
        answered = AtMost(2, clock=lambda: now[0])
        for second, codes in ((0.0, ["OK", "OK", "OK", "NOT_FOUND", "OK"]), (1.0, ["OK", "OK", "OK"])):
            now[0] = second
            for code in codes:
                line = CallLog(SERVICE + "GetStatus", CORRELATION, answered)
                line.code = code
                line.write(lambda _method, code, _seconds: observed.append(code))
    finally:
        structlog.reset_defaults()
    said = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["code"], line.get("unsaid")) for line in said] == [
        ("OK", None),
        ("OK", None),
        ("NOT_FOUND", None),
        ("OK", 2),
        ("OK", None),
    ]
    assert len(observed) == 8
