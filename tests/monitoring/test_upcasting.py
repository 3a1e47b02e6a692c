"""What monitoring stored under a topic that is retired is read, folded and published as what it means now."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

import msgspec

from careloop.chassis.commands.streams import Streams
from careloop.chassis.events.codec import Upcaster
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.protocol import NewEvent
from careloop.contracts.monitoring import DoseRecorded, DoseStatus
from careloop.kernel.ids import EventId
from services.monitoring.__main__ import ROOMS
from tests.support.controls import monitoring as m
from tests.support.controls.moments import PATIENT
from tests.support.histories.writes import store_one, write

RETIRED = "monitoring.DoseNoted.v1"


def of_retired(content: Mapping[str, Any]) -> dict[str, Any]:
    """A dose as it might have been stored: whether it was taken, and no prescription."""
    status = DoseStatus.TAKEN if content["taken"] else DoseStatus.SKIPPED
    return {
        **{name: value for name, value in content.items() if name != "taken"},
        "status": status,
        "prescription": None,
    }


LIFTED = replace(ROOMS, upcasters={RETIRED: Upcaster("monitoring.DoseRecorded.v1", of_retired)})
STORED = {
    "fact_id": str(m.DOSE.fact_id),
    "medicine": {"name": "sertraline", "rxcui": "36437"},
    "taken": False,
    "reason": "felt sick",
    "recorded_by": "client",
    "occurred_at": "2026-11-22T12:00:00Z",
}


async def test_an_event_of_a_retired_topic_is_folded_and_published_as_todays() -> None:
    store, codec = MemoryEventStore(), LIFTED.codec()
    old = NewEvent(
        event_id=EventId(uuid4()), topic=RETIRED, state=msgspec.json.encode(STORED), occurred_at=m.DOSE.occurred_at
    )
    await store_one(store, write(PATIENT, 0, old))
    publishing = LIFTED.publishing("monitoring", codec)
    streams = Streams("monitoring", store, codec, LIFTED.decider, published=publishing.published_topics)
    assert (await streams.load(PATIENT)).state.knows(m.DOSE.fact_id)
    (row,) = await store.after(0, 1)
    record = publishing.record(row, previous=0)
    assert record.envelope.type == "care.monitoring.DoseRecorded.v1"
    published = msgspec.json.decode(record.value, type=DoseRecorded)
    assert (published.status, published.reason, published.prescription) == (DoseStatus.SKIPPED, "felt sick", None)


def test_a_service_without_upcasters_does_not_know_a_retired_topic() -> None:
    assert not ROOMS.codec().knows(RETIRED)
    assert LIFTED.codec().knows(RETIRED)
