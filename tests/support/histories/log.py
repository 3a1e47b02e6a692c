"""A made-up service of few words, its records, and stores full of them: what chassis tests speak."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from careloop.chassis.consuming.handler import Effects, Handler, Received
from careloop.chassis.events.codec import ENCODER, Codec
from careloop.chassis.events.envelope import Envelope, Record, to_headers
from careloop.chassis.events.publishing import Publishing
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.protocol import EventStore, NewEvent, StoredEvent, Unit, Write
from careloop.kernel.events import CommandKind, Instant
from careloop.kernel.ids import EventId, PatientId, PersonId, derived_id

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SOURCE = "monitoring"
NOTED = "care.monitoring.Noted.v1"
CONSUMER = "prescribing.test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """Stored and published."""

    text: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Stored only."""

    text: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class NotedContract:
    text: str
    occurred_at: Instant


CODEC: Codec[Any] = Codec({"monitoring.Noted.v1": Noted, "monitoring.Kept.v1": Kept})
TYPES: dict[str, type] = {NOTED: NotedContract}


def publishing() -> Publishing:
    return Publishing(SOURCE, CODEC, {Noted: NotedContract}, TYPES)


def patient(number: int) -> PatientId:
    return PatientId(UUID(int=number + 1))


def write(command: str, stream: UUID, *events: object) -> Write:
    return Write(
        command_id=command,
        kind=CommandKind.NOTE,
        caller=PersonId("tester"),
        digest=b"",
        stream_id=stream,
        expected_version=None,
        events=tuple(_new(command, order, event) for order, event in enumerate(events)),
        correlation_id=UUID(int=9),
    )


def _new(command: str, order: int, event: object) -> NewEvent:
    topic, state = CODEC.encode(event)
    return NewEvent(event_id=EventId(derived_id("test", command, order)), topic=topic, state=state, occurred_at=NOON)


def noted(text: str) -> Noted:
    return Noted(text=text, occurred_at=NOON)


async def fill(store: EventStore, texts: Sequence[tuple[PatientId, str]], *, prefix: str = "c") -> None:
    """One event per text, in this order."""
    writes = [write(f"{prefix}{n}", who, noted(text)) for n, (who, text) in enumerate(texts)]
    await store.commit(Unit(writes=tuple(writes)))


async def rows_of(*contents: tuple[str, bytes]) -> list[StoredEvent]:
    """Rows of one log with these topics and contents, whatever build wrote them."""
    store = MemoryEventStore()
    await fill(store, [(patient(1), "any")] * len(contents))
    rows = await store.after(0, len(contents))
    return [
        replace(row, meta=replace(row.meta, topic=topic), state=state)
        for row, (topic, state) in zip(rows, contents, strict=True)
    ]


@dataclass(frozen=True)
class Raw:
    """A record as a Kafka client hands it over."""

    headers: list[tuple[str, bytes]]
    value: bytes | None


def record(
    position: int, previous: int, who: PatientId, text: str = "", *, wire_type: str = NOTED, value: bytes | None = None
) -> Record:
    envelope = Envelope(
        event_id=EventId(derived_id("record", position)),
        type=wire_type,
        source=SOURCE,
        patient_id=who,
        occurred_at=NOON,
        recorded_at=NOON,
        position=position,
        previous=previous,
        actor=PersonId("tester"),
        correlation_id=UUID(int=9),
        causation_id=None,
    )
    told = NotedContract(text=text or f"text {position}", occurred_at=NOON)
    return Record(envelope=envelope, value=ENCODER.encode(told) if value is None else value)


def raw(one: Record) -> Raw:
    return Raw(headers=to_headers(one.envelope), value=one.value)


class Noting(Handler):
    """Notes every text in the patient's stream; texts in `poison` it cannot handle."""

    consumer = CONSUMER
    contracts: Mapping[str, type] = TYPES

    def __init__(self, poison: frozenset[str] = frozenset()) -> None:
        self.poison = poison
        self.calls: list[list[int]] = []

    async def handle(self, received: Sequence[Received]) -> Effects:
        self.calls.append([one.envelope.position for one in received])
        return Effects(writes=tuple(self._note(one) for one in received))

    def _note(self, received: Received) -> Write:
        text = received.event.text
        if text in self.poison:
            raise ValueError(f"cannot handle {text}")
        envelope = received.envelope
        return write(f"note:{self.consumer}:{envelope.event_id}", envelope.patient_id, noted(text))


class SourceLog:
    """A source whose own log has `records`; `asked` keeps what it was asked for."""

    def __init__(self, records: Sequence[Record] = (), failure: Exception | None = None) -> None:
        self.records = list(records)
        self.failure = failure
        self.asked: list[tuple[int, int]] = []

    async def read(self, source: str, partition: int, after: int, through: int) -> AsyncIterator[Sequence[Record]]:
        self.asked.append((after, through))
        if self.failure is not None:
            raise self.failure
        found = [
            one
            for one in self.records
            if one.envelope.position > after and (through == 0 or one.envelope.position <= through)
        ]
        if found:
            yield found


async def texts_of(store: EventStore, who: PatientId) -> list[str]:
    """What was noted of this patient, in order."""
    rows = await store.load(who)
    return [CODEC.decode(row.meta.topic, row.state).text for row in rows]
