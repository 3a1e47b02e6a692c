"""What a consumer notes of another service's fact, and what a write answers: the same at every delivery and repeat."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from careloop.chassis.calls.receipts import Receipts
from careloop.chassis.commands.streams import Done, Streams
from careloop.chassis.consuming.handler import Received
from careloop.chassis.consuming.noting import NotesConsumer, note_request
from careloop.chassis.events.codec import Codec
from careloop.chassis.events.consistency_token import ConsistencyToken
from careloop.chassis.events.envelope import Envelope
from careloop.chassis.events.partitioner import partition_of
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.protocol import Unit
from careloop.kernel.decider import Decider
from careloop.kernel.ids import EventId, PersonId, derived_id
from tests.support.histories.log import NOON, NOTED, Kept, Noted, NotedContract, patient, record
from tests.support.histories.writes import request

ANN, BEN = patient(1), patient(2)
CONSUMER = "prescribing.evidence"
TOPICS: Mapping[str, Any] = {"prescribing.Noted.v1": Noted}
EXTRA = "care.monitoring.Extra.v1"


def note(envelope: Envelope, fact: NotedContract) -> Noted | None:
    """Nothing is noted of a fact without words."""
    return Noted(text=f"{fact.text} at {envelope.position}", occurred_at=fact.occurred_at) if fact.text else None


def count(total: int, _event: Noted) -> int:
    return total + 1


def streams(store: MemoryEventStore) -> Streams[int, Noted]:
    return Streams("prescribing", store, Codec(TOPICS), Decider(0, count), published=frozenset())


def consumer(store: MemoryEventStore) -> NotesConsumer[int, Noted]:
    return NotesConsumer(CONSUMER, {NOTED: (NotedContract, note), EXTRA: (Kept, note)}, streams(store))


def received(position: int, text: str = "seen", **changes: Any) -> Received:
    one = record(position, position - 1, ANN)
    told = structs.replace(one.envelope, recorded_at=NOON + timedelta(minutes=position), **changes)
    return Received(envelope=told, event=NotedContract(text=text, occurred_at=NOON), value=b"")


def test_it_wants_each_type_that_it_has_a_note_for() -> None:
    assert consumer(MemoryEventStore()).contracts == {NOTED: NotedContract, EXTRA: Kept}
    assert consumer(MemoryEventStore()).consumer == CONSUMER


def test_the_request_of_a_note_is_of_the_event_and_of_the_consumer() -> None:
    told = received(7, correlation_id=UUID(int=70)).envelope
    asked = note_request(CONSUMER, told, NOON)
    assert structs.asdict(asked) == {
        "request_id": f"note:{CONSUMER}:{told.event_id}",
        "kind": "note",
        "actor": "prescribing",
        "digest": b"",
        "correlation_id": UUID(int=70),
        "causation_id": told.event_id,
        "now": NOON,
        "role": "",
    }
    assert note_request("prescribing.due", told, NOON).request_id != asked.request_id


async def test_every_fact_is_noted_in_its_patients_stream_at_any_version_with_its_context() -> None:
    store = MemoryEventStore()
    one, two = received(7), received(8, patient_id=BEN, correlation_id=UUID(int=80))
    effects = await consumer(store).handle([one, two])
    assert [write.stream_id for write in effects.writes] == [ANN, BEN]
    assert [write.expected_version for write in effects.writes] == [None, None]
    await store.commit(Unit(writes=effects.writes))
    (stored,) = await store.load(BEN)
    assert (stored.meta.causation_id, stored.meta.correlation_id) == (two.envelope.event_id, UUID(int=80))
    assert (stored.meta.actor, stored.meta.command_id) == ("prescribing", f"note:{CONSUMER}:{two.envelope.event_id}")
    assert stored.state == b'{"text":"seen at 8","occurred_at":"2026-03-01T12:00:00Z"}'


async def test_what_has_no_note_is_not_noted() -> None:
    effects = await consumer(MemoryEventStore()).handle([received(1), received(2, ""), received(3)])
    assert [write.causation_id for write in effects.writes] == [received(n).envelope.event_id for n in (1, 3)]


async def test_a_fact_delivered_again_is_noted_once() -> None:
    store = MemoryEventStore()
    for _delivery in range(2):
        effects = await consumer(store).handle([received(7)])
        await store.commit(Unit(writes=effects.writes))
    assert len(await store.load(ANN)) == 1


async def test_a_type_that_is_not_listened_to_cannot_be_noted() -> None:
    with pytest.raises(KeyError):
        await consumer(MemoryEventStore()).handle([received(1, type="care.monitoring.Other.v1")])


async def test_what_was_remembered_of_a_stream_is_read_again_after_a_note() -> None:
    """A note is stored at any version, beside what the streams remember."""
    store = MemoryEventStore()
    known = streams(store)
    notes = NotesConsumer(CONSUMER, {NOTED: (NotedContract, note)}, known)
    await known.transact(ANN, request(), lambda _total: [Noted(text="own", occurred_at=NOON)])
    effects = await notes.handle([received(7)])
    await store.commit(Unit(writes=effects.writes))
    decided_on: list[int] = []

    def decide(total: int) -> list[Noted]:
        decided_on.append(total)
        return []

    await known.transact(ANN, request(), decide)
    assert decided_on == [2]


def done(position: int, *, repeated: bool) -> Done[Any]:
    return Done(events=(), position=position, repeated=repeated)


@pytest.mark.parametrize("repeated", [False, True])
def test_a_receipt_has_the_token_of_the_write_and_whether_it_is_a_repeat(repeated: bool) -> None:
    receipt = Receipts("assessment", 6).of(ANN, done(41, repeated=repeated))
    assert ConsistencyToken.parse(receipt.token) == ConsistencyToken(
        service="assessment", partition=partition_of(ANN, 6), position=41, patient_id=ANN
    )
    assert receipt.repeated is repeated


def test_the_partition_of_a_receipt_is_the_patients() -> None:
    receipts = Receipts("assessment", 6)
    found = {
        ConsistencyToken.parse(receipts.of(patient(n), done(1, repeated=False)).token).partition for n in range(50)
    }
    assert found == {partition_of(patient(n), 6) for n in range(50)}
    assert len(found) > 1


def test_a_facts_id_is_of_its_service_patient_and_request() -> None:
    receipts, asked = Receipts("assessment", 6), request("r1")
    found = receipts.fact_id(ANN, asked)
    assert found == receipts.fact_id(ANN, request("r1", actor=PersonId("another")))
    assert found == derived_id("assessment", "fact", ANN, "r1")
    others = [receipts.fact_id(BEN, asked), receipts.fact_id(ANN, request("r2")), Receipts("x", 6).fact_id(ANN, asked)]
    assert len({found, *others}) == 4
    assert EventId(found) == found
