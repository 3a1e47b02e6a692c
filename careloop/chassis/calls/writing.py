"""An ordinary write over gRPC in one line: the request is read, the command is written, the receipt is answered."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from types import ModuleType
from typing import Any, Protocol, TypeVar, cast, overload

import msgspec
from google.protobuf.message import Message

from careloop.chassis.calls import reading
from careloop.chassis.calls.call import current_call, request_for
from careloop.chassis.calls.receipts import Receipts
from careloop.chassis.calls.requests import DoesNotFit, Hook, Incoming, RequestReader
from careloop.chassis.commands.streams import Done
from careloop.chassis.commands.writes import Writes
from careloop.kernel.errors import NeedsConfirmation
from careloop.kernel.ids import PatientId

Kind = TypeVar("Kind", bound=Message)
Shown_co = TypeVar("Shown_co", bound=Message, covariant=True)
Fact = TypeVar("Fact")
Prepare = Callable[[Any, PatientId, Any, Any], Awaitable[Any]]
"""Of the API, the patient, the request and the command: the command with what the application waited for."""
Answer = Callable[[Done[Any]], Mapping[str, Any]]
AwaitedAnswer = Callable[[Any, PatientId, Done[Any]], Awaitable[Mapping[str, Any]]]
"""Of the API, the patient and what was stored: fields of the response."""


class WritesApi:
    """What the writes of a service's API stand on."""

    def __init__(self, writes: Writes[Any, Any], partitions: int) -> None:
        self.writes = writes
        self.receipts = Receipts(writes.service, partitions)


def write(
    command: type,
    wire: ModuleType,
    answer: Answer | None = None,
    *,
    hooks: Mapping[str, Hook] | None = None,
    prepare: Prepare | None = None,
    awaited: AwaitedAnswer | None = None,
) -> Any:
    """The handler of one write, a method of a WritesApi; request and response are named as the command, in `wire`.

    `hooks` read what the command's marks cannot say, by field. `prepare` waits for what the decision needs besides.
    The answer holds the receipt and, where the response has it, the `fact_id` of the fact recorded, empty when there is
    none; `answer` adds the other fields, and `awaited` those that must be waited for. Where the response has
    `needs_confirmation`, a write that needs one answers so, with the entries in `would_remove` or what else the refusal
    has to say in fields of its names, and without a receipt.
    Raises DoesNotFit, at import, for a request that does not fit its command.
    """
    request, response = (getattr(wire, f"{command.__name__}{part}") for part in ("Request", "Response"))
    reader: RequestReader[Any] = RequestReader(command, request, hooks)
    names_fact = "fact_id" in response.DESCRIPTOR.fields_by_name
    asks_back = "needs_confirmation" in response.DESCRIPTOR.fields_by_name

    async def handle(api: WritesApi, message: Any, _context: Any) -> Any:
        patient_id, asked, call = reading.patient_id(message.patient_id), request_for(message), current_call()
        incoming = Incoming(call=call, fact_id=api.receipts.fact_id(patient_id, asked))
        wanted = reader.read(message, incoming)
        if prepare is not None:
            wanted = await prepare(api, patient_id, message, wanted)
        try:
            done = await api.writes.write(patient_id, asked, wanted)
        except NeedsConfirmation as needed:
            if not asks_back:
                raise
            entries = {"would_remove": needed.entries} if needed.entries else {}
            return response(needs_confirmation=True, **entries, **needed.said)
        said = dict(answer(done)) if answer is not None else {}
        if awaited is not None:
            said |= await awaited(api, patient_id, done)
        if names_fact:
            said.setdefault("fact_id", _fact_id(done))
        return response(receipt=api.receipts.of(patient_id, done), **said)

    return handle


def _fact_id(done: Done[Any]) -> str:
    return str(done.events[0].fact_id) if done.events else ""


def event_of(done: Done[Any], kind: type[Fact]) -> Fact | None:
    """The first event of that kind."""
    return next((event for event in done.events if isinstance(event, kind)), None)


class Show(Protocol[Shown_co]):
    """Shows an object as a message; None as None."""

    @overload
    def __call__(self, content: None, **given: Any) -> None: ...

    @overload
    def __call__(self, content: object, **given: Any) -> Shown_co: ...


def shown_as(kind: type[Kind], cls: type, *given: str, **named: str) -> Show[Kind]:
    """A function that shows an object of `cls` as the message of that kind, by the message's own fields; None as None.

    With `field="other.name"` a field is that one, at any depth; the fields in `given` the caller gives by name at every
    call. Ids, days and decimals are written as texts. Raises DoesNotFit, at import, for a field that `cls` does not
    have.
    """
    names = [field.name for field in kind.DESCRIPTOR.fields if field.name not in given]
    paths = {name: named.get(name, name) for name in names}
    lacking = {path.partition(".")[0] for path in paths.values()} - {field.name for field in fields(cls)}
    if lacking or not {*named, *given} <= {*kind.DESCRIPTOR.fields_by_name}:
        raise DoesNotFit(
            f"{cls.__name__} and {kind.DESCRIPTOR.full_name} differ in {sorted(lacking or {*named, *given})}"
        )
    read = {name: attrgetter(path) for name, path in paths.items()}

    def show(content: Any, **rest: Any) -> Any:
        if content is None:
            return None
        told = ((name, value(content)) for name, value in read.items())
        values = {name: value for name, value in told if value is not msgspec.UNSET}
        return kind(**msgspec.to_builtins(values, builtin_types=(datetime, bytes)), **rest)

    return cast(Show[Kind], show)
