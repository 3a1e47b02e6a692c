"""The consumer that keeps another service's facts as notes in its own streams."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

from msgspec import structs

from careloop.chassis.commands.streams import Streams
from careloop.chassis.consuming.handler import Effects, Handler, Received
from careloop.chassis.events.envelope import Envelope
from careloop.chassis.log.protocol import DueRow, Write
from careloop.kernel.events import CommandKind, Event, Request
from careloop.kernel.ids import PersonId
from careloop.kernel.restating import restating

State = TypeVar("State")
Fact = TypeVar("Fact", bound=Event)

Noted = TypeVar("Noted")

Notes = Mapping[str, tuple[type, Callable[[Envelope, Any], Noted]]]
"""The wire types a service listens to: the class that decodes each, and the note it becomes; None is not noted."""


def note(
    noted: type[Noted],
    contract: type,
    *,
    at: Mapping[str, str] | None = None,
    only: Callable[[Any], bool] = lambda _event: True,
    **made: Callable[[Any], Any],
) -> tuple[type, Callable[[Envelope, Any], Noted | None]]:
    """A published event of another service, and the note that it becomes: fields of the same name by value.

    `at` says where other fields come from, at any depth of the event; what a function in `made` makes of the event is
    the field of that name. `evidence` is the id of the event itself. Events for which `only` is not true are not noted.
    Raises CannotRestate, at import, for a field of the note that the event does not have.
    """
    make = restating(noted, contract, "evidence", *made, **(at or {}))

    def noting(envelope: Envelope, event: Any) -> Noted | None:
        if not only(event):
            return None
        return make(event, evidence=envelope.event_id, **{field: value(event) for field, value in made.items()})

    return contract, noting


def listening(
    types: Mapping[str, type], *notes: tuple[type, Callable[[Envelope, Any], Noted | None]]
) -> Notes[Noted | None]:
    """The notes of one source by the wire types of its contracts. Raises KeyError for what it does not publish."""
    wire_types = {contract: wire_type for wire_type, contract in types.items()}
    return {wire_types[contract]: (contract, make) for contract, make in notes}


class NotesConsumer(Handler, Generic[State, Fact]):
    """Notes every fact once, at any version of the stream, however often it is delivered.

    A note is recorded when its fact was, by the service whose consumer this is. `due` says what a note makes due that
    depends on who recorded the fact, or when.
    """

    def __init__(
        self,
        consumer: str,
        notes: Notes[Fact | None],
        streams: Streams[State, Fact],
        due: Callable[[Envelope, Fact], Iterable[DueRow]] = lambda _envelope, _noted: (),
    ) -> None:
        self.consumer = consumer
        self._due = due
        self.contracts: Mapping[str, type] = {name: contract for name, (contract, _note) in notes.items()}
        self._notes = notes
        self._streams = streams

    async def handle(self, received: Sequence[Received]) -> Effects:
        written = (self._write(one) for one in received)
        return Effects(writes=tuple(write for write in written if write is not None))

    def _write(self, received: Received) -> Write | None:
        envelope = received.envelope
        _contract, note = self._notes[envelope.type]
        noted = note(envelope, received.event)
        if noted is None:
            return None
        request = note_request(self.consumer, envelope, envelope.recorded_at)
        write = self._streams.write(envelope.patient_id, request, [noted], None)
        due = tuple(self._due(envelope, noted))
        return structs.replace(write, due=(*write.due, *due)) if due else write


def note_request(consumer: str, envelope: Envelope, now: datetime) -> Request:
    """The request that a received event is to a consumer (`<service>.<what for>`): the same one at every delivery."""
    return Request(
        request_id=f"note:{consumer}:{envelope.event_id}",
        kind=CommandKind.NOTE,
        actor=PersonId(consumer.partition(".")[0]),
        digest=b"",
        correlation_id=envelope.correlation_id,
        causation_id=envelope.event_id,
        now=now,
    )
