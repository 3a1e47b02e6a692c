"""The verified context of the call being answered, and the Request that a write's message becomes."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from google.protobuf.message import Message

from careloop.kernel.credentials import Credential
from careloop.kernel.errors import InvalidInput
from careloop.kernel.events import Request
from careloop.kernel.ids import PatientId, PersonId

Clock = Callable[[], datetime]
"""The present moment in UTC; passed in, so that tests decide what time it is."""

LONGEST_REQUEST_ID = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who a verified token says is calling. `patient` is the one patient that a token of a patient's own speaks for."""

    subject: PersonId
    role: str
    patient: PatientId | None = None
    credential: Credential | None = None


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

    The digest covers the method and every field, so the same id with anything else is told apart.
    Raises InvalidInput when the id is missing or too long.
    """
    call = current_call()
    request_id = required_request_id(message)
    content = message.SerializeToString(deterministic=True)
    return Request(
        request_id=request_id,
        actor=call.subject,
        digest=sha256(call.method.encode() + b"\0" + content).digest(),
        correlation_id=call.correlation_id,
        now=call.now,
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
