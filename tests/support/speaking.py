"""Calling a service's handlers as a caller whom the guard let through, and the events that this came to store."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar, cast
from uuid import UUID, uuid4

from google.protobuf.timestamp_pb2 import Timestamp

from careloop.chassis.calls.call import Call, Caller, set_current_call
from careloop.chassis.commands.streams import Streams
from careloop.chassis.events.codec import Codec
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.protocol import Unit
from careloop.kernel.credentials import Credential
from careloop.kernel.decider import Decider
from careloop.kernel.events import CommandKind, Event, Request
from careloop.kernel.ids import PatientId, PersonId
from tests.support.controls.moments import NOON, PATIENT

CONTEXT = cast(Any, None)
CORRELATION = UUID("00000000-0000-4000-8000-0000000000cc")
State = TypeVar("State")
Fact = TypeVar("Fact", bound=Event)


def speak_as(
    person: str,
    role: str,
    *,
    patient: PatientId | None = None,
    credential: Credential | None = None,
    now: datetime = NOON,
) -> None:
    """From now on calls are this person's; `patient` is the one that a client's token speaks for."""
    caller = Caller(subject=PersonId(person), role=role, patient=patient, credential=credential)
    set_current_call(Call(method="/any.v1.AnyService/Any", caller=caller, correlation_id=CORRELATION, now=now))


def stamp(moment: datetime) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(moment)
    return made


class Desk(Generic[State, Fact]):
    """One service's streams in memory; `published` are all of its topics, so that every write moves the token."""

    def __init__(self, service: str, topics: dict[str, type[Fact]], decider: Decider[State, Fact]) -> None:
        self.store = MemoryEventStore(lambda: NOON)
        self.codec: Codec[Fact] = Codec(topics)
        self.streams: Streams[State, Fact] = Streams(
            service, self.store, self.codec, decider, published=frozenset(topics)
        )

    async def stored(self, patient: PatientId = PATIENT) -> Sequence[Fact]:
        """Everything stored of this patient, in order."""
        return [self.codec.decode(row.meta.topic, row.state) for row in await self.store.load(patient)]

    async def note(self, *facts: Fact, patient: PatientId = PATIENT) -> None:
        """Store these, as if they had come before."""
        request = Request(
            kind=CommandKind.CALLER,
            request_id=str(uuid4()),
            actor=PersonId("before"),
            digest=b"",
            correlation_id=CORRELATION,
            now=NOON,
        )
        await self.store.commit(Unit(writes=(self.streams.write(patient, request, facts, None),)))
