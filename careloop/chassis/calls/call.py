"""The call being answered: its verified context, what comes beside its message, the Request that a write becomes."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import grpc
import grpc.aio
from google.protobuf.message import Message

from careloop.chassis.tracing.path import TRACEPARENT
from careloop.chassis.tracing.spans import SpanId, read_traceparent
from careloop.kernel.credentials import Credential
from careloop.kernel.errors import InvalidInput, NotSignedIn
from careloop.kernel.events import CommandKind, Request
from careloop.kernel.ids import PatientId, PersonId

LONGEST_REQUEST_ID = 128
CORRELATION = "x-correlation-id"
Context = grpc.aio.ServicerContext[Any, Any]
_CODES = {code.value[0]: code.name for code in grpc.StatusCode}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who a verified token says is calling. `patient` is the one patient that a token of a patient's own speaks for."""

    subject: PersonId
    role: str
    patient: PatientId | None = None
    credential: Credential | None = None
    token_expires_at: float | None = field(default=None, compare=False)
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call after every check of the server: all that a handler may know of its caller. `now` is its arrival."""

    method: str
    caller: Caller
    correlation_id: UUID
    now: datetime

    @property
    def subject(self) -> PersonId:
        return self.caller.subject

    @property
    def role(self) -> str:
        return self.caller.role

    @property
    def patient(self) -> PatientId | None:
        return self.caller.patient

    @property
    def credential(self) -> Credential | None:
        return self.caller.credential


_current: ContextVar[Call] = ContextVar("careloop_call")


def current_call() -> Call:
    """The call being answered. Raises LookupError outside of one."""
    return _current.get()


def set_current_call(call: Call) -> None:
    """For the server, and for tests that call a handler directly."""
    _current.set(call)


def request_for(message: Message) -> Request:
    """The Request of the current call's message, which has a `request_id`.

    The digest covers the method and every field, so the same id with anything else is another request.
    Raises InvalidInput when the id is missing or too long.
    """
    call = current_call()
    request_id = required_request_id(message)
    content = message.SerializeToString(deterministic=True)
    return Request(
        request_id=request_id,
        kind=CommandKind.CALLER,
        actor=call.subject,
        digest=sha256(call.method.encode() + b"\0" + content).digest(),
        correlation_id=call.correlation_id,
        now=call.now,
        role=call.role,
    )


def required_request_id(message: Message) -> str:
    """The message's `request_id`, 1 to 128 characters. Raises InvalidInput naming the field."""
    request_id = str(getattr(message, "request_id"))  # noqa: B009 - not every message has it
    if not request_id.strip():
        raise InvalidInput("request-id-required", "request_id is required on every write.", field="request_id")
    if len(request_id) > LONGEST_REQUEST_ID:
        raise InvalidInput(
            "request-id-too-long", f"request_id has at most {LONGEST_REQUEST_ID} characters.", field="request_id"
        )
    return request_id


def bearer_token(context: Context) -> str:
    """The token of `authorization: Bearer ...`. Raises NotSignedIn when there is none."""
    kind, _, token = (_metadata(context, "authorization") or "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise NotSignedIn("token-required", "A token is required: authorization: Bearer ...")
    return token.strip()


def correlation_id(context: Context) -> UUID:
    """The caller's correlation id if it is a UUID, else the id of the caller's trace, else a new one: nothing else of a
    caller's goes into the log."""
    try:
        return UUID(_metadata(context, CORRELATION) or "")
    except ValueError:
        caller = caller_span(context)
        return uuid4() if caller is None else caller.trace


def caller_span(context: Context) -> SpanId | None:
    """What the caller does meanwhile, where its trace is collected too."""
    return read_traceparent(_metadata(context, TRACEPARENT))


def status_name(context: Context) -> str:
    """The name of the status as it stands, OK when none was set."""
    code = context.code()
    return _CODES.get(code.value[0] if isinstance(code, grpc.StatusCode) else int(code or 0), "UNKNOWN")


def _metadata(context: Context, name: str) -> str | None:
    for key, value in context.invocation_metadata() or ():
        if key == name:
            return value if isinstance(value, str) else None
    return None
