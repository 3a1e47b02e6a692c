"""A kind of note that comes later is noted of old facts too, and until then its source is behind."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from careloop.chassis.commands.streams import Streams
from careloop.chassis.consuming.handler import Received
from careloop.chassis.consuming.noted_through import NotedThrough
from careloop.chassis.consuming.noting import NotesConsumer, listening, note
from careloop.chassis.events.codec import Codec
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.protocol import Gate, Unit
from careloop.kernel.decider import Decider
from careloop.kernel.events import Instant, topics
from careloop.kernel.ids import EventId
from tests.support.histories.log import NOON, patient, record

FIRST, LATER = "clinic.notes", "clinic.zones"
ANN = patient(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """As it is published."""

    name: str
    zone: str = "UTC"
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class NameNoted:
    name: str
    evidence: EventId
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneNoted:
    zone: str
    evidence: EventId
    occurred_at: Instant


class Clinic:
    """A service that noted names, and notes zones since its last build."""

    def __init__(self) -> None:
        self.store = MemoryEventStore()
        self.streams: Streams[None, Any] = Streams(
            "clinic",
            self.store,
            Codec(topics("clinic", NameNoted | ZoneNoted)),
            Decider(None, lambda state, _event: state),
            published=frozenset(),
        )
        types = {"care.assessment.Enrolled.v1": Enrolled}
        self.consumers = {
            FIRST: NotesConsumer(FIRST, listening(types, note(NameNoted, Enrolled)), self.streams),
            LATER: NotesConsumer(LATER, listening(types, note(ZoneNoted, Enrolled)), self.streams),
        }

    async def consume(self, consumer: str, event: Enrolled, position: int, last: int) -> None:
        one = record(position, last, ANN, wire_type="care.assessment.Enrolled.v1")
        effects = await self.consumers[consumer].handle([Received(envelope=one.envelope, event=event, value=one.value)])
        gate = Gate(consumer=consumer, source="assessment", partition=0, last=last, position=position)
        await self.store.commit(Unit(writes=effects.writes, gate=gate))

    async def stored(self) -> list[Any]:
        return [self.streams.codec.decode(row.meta.topic, row.state) for row in await self.store.after(0, 100)]


EVENTS = [Enrolled(name=name, zone=zone, occurred_at=NOON) for name, zone in (("Ann", "UTC"), ("Anna", "CET"))]


async def test_a_later_consumer_notes_the_new_kind_of_every_old_fact_and_nothing_twice() -> None:
    clinic = Clinic()
    for position, event in enumerate(EVENTS, start=1):
        await clinic.consume(FIRST, event, position, position - 1)
    for position, event in enumerate(EVENTS, start=1):
        await clinic.consume(LATER, event, position, position - 1)
    stored = await clinic.stored()
    assert [one.name for one in stored if isinstance(one, NameNoted)] == ["Ann", "Anna"]
    assert [one.zone for one in stored if isinstance(one, ZoneNoted)] == ["UTC", "CET"]


async def test_a_source_is_as_far_as_the_consumer_that_is_behind() -> None:
    clinic = Clinic()
    noted = NotedThrough(clinic.store, {FIRST: {"assessment"}, LATER: {"assessment"}})
    assert await noted.positions() == {}
    for position, event in enumerate(EVENTS, start=1):
        await clinic.consume(FIRST, event, position, position - 1)
    assert await noted.positions() == {("assessment", 0): 0}
    await clinic.consume(LATER, EVENTS[0], 1, 0)
    assert await noted.positions() == {("assessment", 0): 1}
    await clinic.consume(LATER, EVENTS[1], 2, 1)
    assert await noted.positions() == {("assessment", 0): 2}


async def test_a_consumer_that_does_not_note_a_source_does_not_hold_it_back() -> None:
    clinic = Clinic()
    await clinic.consume(FIRST, EVENTS[0], 1, 0)
    noted = NotedThrough(clinic.store, {FIRST: {"assessment"}, LATER: {"monitoring"}})
    assert await noted.positions() == {("assessment", 0): 1}


class Parking:
    """A store in which each consumer has parked records of some source."""

    async def consumed(self, consumer: str) -> dict[tuple[str, int], int]:
        return {}

    async def parked_streams(self, consumer: str, stream_id: UUID) -> frozenset[str]:
        return frozenset({FIRST: {"assessment", "monitoring"}, LATER: {"coordination"}}[consumer])


async def test_what_any_consumer_parked_of_its_sources_is_parked() -> None:
    noted = NotedThrough(Parking(), {FIRST: {"assessment"}, LATER: {"assessment", "coordination"}})
    assert await noted.parked(ANN) == {"assessment", "coordination"}
