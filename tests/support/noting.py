"""What a service notes of another's published event: sent as JSON, decoded by its consumer, stored, and read back."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec

from careloop.chassis.commands.streams import Streams
from careloop.chassis.consuming.handler import Received
from careloop.chassis.consuming.noting import Notes, NotesConsumer
from careloop.chassis.events.codec import ENCODER
from careloop.chassis.events.envelope import Envelope
from careloop.kernel.ids import PatientId, PersonId
from tests.support.controls.moments import NOON, PATIENT, event

EVENT = event("published")
RECORDED_AT = NOON + timedelta(minutes=1)


def received(wire_type: str, fact: Any, name: str = "published") -> Received:
    """The fact as it comes from its topic, published of PATIENT as the event of this name."""
    envelope = Envelope(
        event_id=event(name),
        type=wire_type,
        source=wire_type.split(".")[1],
        patient_id=PatientId(PATIENT),
        occurred_at=fact.occurred_at,
        recorded_at=RECORDED_AT,
        position=7,
        previous=6,
        actor=PersonId("somebody"),
        correlation_id=uuid4(),
    )
    return Received(envelope=envelope, event=fact)


async def noted(notes: Notes[Any], streams: Streams[Any, Any], wire_type: str, fact: Any) -> list[Any]:
    """The notes that one published fact of PATIENT becomes, as they come back from the store's form."""
    consumer = NotesConsumer("service.notes", notes, streams)
    decoded: Any = msgspec.json.decode(ENCODER.encode(fact), type=consumer.contracts[wire_type])
    effects = await consumer.handle([received(wire_type, decoded)])
    assert {write.stream_id for write in effects.writes} <= {PATIENT}
    return [streams.codec.decode(new.topic, new.state) for write in effects.writes for new in write.events]
