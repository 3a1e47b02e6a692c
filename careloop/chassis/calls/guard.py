"""The guard of a service: every call passes it. It lets in what is allowed and says no in one way."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError, Message

from careloop.chassis.calls.auth import TokenVerifier
from careloop.chassis.calls.call import (
    CORRELATION,
    Call,
    Context,
    bearer_token,
    caller_span,
    correlation_id,
    set_current_call,
    status_name,
)
from careloop.chassis.calls.call_log import ANSWERED_A_SECOND, CallLog, ObserveCall
from careloop.chassis.calls.message_checks import check_message, check_own_record
from careloop.chassis.clock import Clock
from careloop.chassis.logs import AtMost
from careloop.chassis.tracing.path import begin_call
from careloop.chassis.tracing.spans import is_on as is_traced
from careloop.kernel.errors import CareloopError, InvalidInput, NotAllowed, NotSignedIn, Overloaded, Unavailable

ANSWER_BEFORE_DEADLINE_SECONDS = 0.05
CANCEL_AGAIN_SECONDS = 1.0
MAX_STREAM_SECONDS = 600.0
MOST_CALLS = 1_000
"""Calls in hand at once; who comes then is refused."""
OPEN_SERVICES = ("/grpc.health.v1.Health/", "/grpc.reflection.v1alpha.ServerReflection/")
"""What answers without a token; reflection is registered on a developer's machine only."""

Policy = Mapping[str, Collection[str]]
"""Full method, such as `/care.assessment.v1.AssessmentService/EnrollPatient`, to the roles that may call it."""


class Guard(grpc.aio.ServerInterceptor):
    """Checks a call from the outside in: token, policy, deadline, message, own record. What is not allowed is refused.

    It is the outermost code of the server: no exception's text passes it, in either direction.
    """

    def __init__(
        self,
        verifier: TokenVerifier,
        policy: Policy,
        clock: Clock,
        *,
        max_deadline_seconds: float,
        deadline_required: bool = True,
        most_calls: int = MOST_CALLS,
        max_stream_seconds: float = MAX_STREAM_SECONDS,
        observe: ObserveCall = lambda _method, _code, _seconds: None,
    ) -> None:
        self._verifier = verifier
        self._policy = policy
        self._clock = clock
        self._max_deadline = max_deadline_seconds
        self._deadline_required = deadline_required
        self._most_calls = most_calls
        self._max_stream = max_stream_seconds
        self._observe = observe
        self._guarded: dict[str, Any] = {}
        self._streams: set[asyncio.Task[Any]] = set()
        self._in_hand = 0
        self._idle = asyncio.Event()
        self._draining = False
        self._answered = AtMost(ANSWERED_A_SECOND)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        method = str(handler_call_details.method)
        known = self._guarded.get(method)
        if known is not None:
            return known
        handler = await continuation(handler_call_details)
        if handler is None or method.startswith(OPEN_SERVICES):
            return handler
        return self._guarded.setdefault(method, _Guarded(self, method, handler).as_handler())

    async def drain(self, grace_seconds: float) -> None:
        """From now on every new call and every open stream is answered UNAVAILABLE; returns when no call is in hand.

        Calls that need longer than `grace_seconds` are left to themselves.
        """
        self._draining = True
        if self._in_hand:
            self._idle.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(grace_seconds):
                    await self._end_streams()

    async def _end_streams(self) -> None:
        """A cancellation that reaches a stream in one of gRPC's own waits may be lost there, so it is sent again."""
        while self._in_hand:
            for task in self._streams:
                task.cancel()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), CANCEL_AGAIN_SECONDS)

    @asynccontextmanager
    async def answering(self, method: str, context: Context) -> AsyncIterator[CallLog]:
        """Around one call: turns what goes wrong into a status, and writes it to the log and the metrics once."""
        line = CallLog(method, correlation_id(context), self._answered)
        if is_traced():
            line.span = begin_call(method, line.correlation_id, caller_span(context))
        context.set_trailing_metadata(((CORRELATION, str(line.correlation_id)),))
        refusal = None
        self._take_in_hand(context)
        try:
            yield line
            line.code = status_name(context)
        except grpc.aio.AbortError:
            line.code = status_name(context)
            raise
        except asyncio.CancelledError:
            line.code = "CANCELLED"
            if not self._draining:
                raise
            refusal = line.refused(_stopping())
        except Exception as error:
            refusal = line.refused(error)
        finally:
            line.write(self._observe)
        if refusal is not None:
            correlation = (CORRELATION, str(line.correlation_id))
            await context.abort(refusal.code, refusal.sentence, (*refusal.trailing_metadata(), correlation))

    def _take_in_hand(self, context: Context) -> None:
        """Until its answer has left, which is later than its handler's end."""
        self._in_hand += 1
        context.add_done_callback(self._let_go)  # type: ignore[arg-type]  # the stubs want a class for a function

    def _let_go(self, _context: Context) -> None:
        self._in_hand -= 1
        if not self._in_hand:
            self._idle.set()

    def admit(self, context: Context, line: CallLog) -> Call:
        """The call, if its caller may make it.

        Raises Unavailable when the server is stopping, Overloaded, NotSignedIn, NotAllowed, or InvalidInput without a
        deadline.
        """
        if self._draining:
            raise _stopping()
        if self._in_hand > self._most_calls:
            raise Overloaded("too-many-calls", "Too many calls are in hand; retry later with the same request_id.")
        caller = self._verifier.verify(bearer_token(context))
        line.role = caller.role
        if caller.role not in self._policy.get(line.method, ()):
            raise NotAllowed("role-not-allowed", "This role may not make this call.")
        if self._deadline_required and context.time_remaining() is None:
            raise InvalidInput("deadline-required", "Every call needs a deadline.")
        call = Call(method=line.method, caller=caller, correlation_id=line.correlation_id, now=self._clock())
        set_current_call(call)
        return call

    def time_for(self, context: Context) -> float:
        """Seconds a unary call may take: it is answered just before its caller gives up."""
        remaining = context.time_remaining()
        if remaining is None:
            return self._max_deadline
        return min(self._max_deadline, max(0.0, remaining - ANSWER_BEFORE_DEADLINE_SECONDS))

    def end_of(self, call: Call) -> "StreamEnd":
        """When a stream that begins now is over, however long its caller would wait."""
        expires_at = call.caller.token_expires_at
        token_seconds = float("inf") if expires_at is None else expires_at - call.now.timestamp()
        now = asyncio.get_running_loop().time()
        if token_seconds < self._max_stream:
            return StreamEnd(now + token_seconds, _expired())
        return StreamEnd(now + self._max_stream, _over())

    @contextmanager
    def open_stream(self) -> Iterator[None]:
        """Around a stream, so that `drain` finds it."""
        task = asyncio.current_task()
        assert task is not None
        self._streams.add(task)
        try:
            yield
        finally:
            self._streams.discard(task)


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """A moment of the loop's clock, and what the caller is then answered."""

    at: float
    refusal: CareloopError


def _expired() -> NotSignedIn:
    return NotSignedIn("token-expired", "The token has expired; go on after the last answer with a fresh one.")


def _over() -> Unavailable:
    return Unavailable("stream-over", "This stream is over; go on after the last answer.")


def _stopping() -> Unavailable:
    return Unavailable("shutting-down", "This server is stopping; call again.")


@dataclass(frozen=True, slots=True)
class _Guarded:
    """One method's handler inside the guard; reads and writes bytes itself, so that nothing happens outside of it."""

    guard: Guard
    method: str
    inner: Any

    def as_handler(self) -> Any:
        """A method handler of the same kind as the one inside."""
        kinds: dict[tuple[bool, bool], Any] = {
            (False, False): lambda: grpc.unary_unary_rpc_method_handler(self._unary_unary),
            (False, True): lambda: grpc.unary_stream_rpc_method_handler(
                self._unary_stream, response_serializer=self.inner.response_serializer
            ),
            (True, False): lambda: grpc.stream_unary_rpc_method_handler(self._stream_unary),
            (True, True): lambda: grpc.stream_stream_rpc_method_handler(
                self._stream_stream, response_serializer=self.inner.response_serializer
            ),
        }
        return kinds[self.inner.request_streaming, self.inner.response_streaming]()

    async def _unary_unary(self, raw: bytes, context: Context) -> bytes:
        async with self.guard.answering(self.method, context) as line:
            request = self._read(raw, self.guard.admit(context, line))
            return await self._in_time(self.inner.unary_unary(request, context), context)
        raise AssertionError("a failed call is aborted")

    async def _stream_unary(self, raw: AsyncIterator[bytes], context: Context) -> bytes:
        async with self.guard.answering(self.method, context) as line:
            requests = self._read_all(raw, self.guard.admit(context, line))
            return await self._in_time(self.inner.stream_unary(requests, context), context)
        raise AssertionError("a failed call is aborted")

    async def _unary_stream(self, raw: bytes, context: Context) -> None:
        async with self.guard.answering(self.method, context) as line:
            call = self.guard.admit(context, line)
            answers = self.inner.unary_stream(self._read(raw, call), context)
            await self._write_all(answers, context, self.guard.end_of(call))

    async def _stream_stream(self, raw: AsyncIterator[bytes], context: Context) -> None:
        async with self.guard.answering(self.method, context) as line:
            call = self.guard.admit(context, line)
            answers = self.inner.stream_stream(self._read_all(raw, call), context)
            await self._write_all(answers, context, self.guard.end_of(call))

    async def _in_time(self, answer: Awaitable[Any], context: Context) -> bytes:
        try:
            async with asyncio.timeout(self.guard.time_for(context)) as limit:
                message = await answer
        except TimeoutError:
            if not limit.expired():
                raise
            raise Unavailable("too-slow", "No answer in time; call again with the same request_id.") from None
        content: bytes = self.inner.response_serializer(message)
        return content

    async def _write_all(self, answers: Any, context: Context, end: StreamEnd) -> None:
        with self.guard.open_stream():
            if isawaitable(answers):
                await self._before(end, answers)
                return
            async with aclosing(answers) if hasattr(answers, "aclose") else nullcontext():
                following = aiter(answers)
                while (message := await self._before(end, anext(following, None))) is not None:
                    await context.write(message)

    async def _before(self, end: StreamEnd, awaited: Awaitable[Any]) -> Any:
        """Only our own waits are cut off: in one of gRPC's a cancellation may be lost."""
        try:
            async with asyncio.timeout_at(end.at) as limit:
                return await awaited
        except TimeoutError:
            if not limit.expired():
                raise
            raise end.refusal from None

    def _read(self, raw: bytes, call: Call) -> Message:
        try:
            message: Message = self.inner.request_deserializer(raw)
        except (DecodeError, ValueError):
            raise InvalidInput("message-malformed", "The request is not a message of this method.") from None
        check_message(message)
        check_own_record(message, call)
        return message

    async def _read_all(self, raw: AsyncIterator[bytes], call: Call) -> AsyncIterator[Message]:
        async for content in raw:
            yield self._read(content, call)
