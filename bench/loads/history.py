"""The care view of one patient whose history grows: what one more fact costs, and what a look at it and back costs."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from statistics import median
from typing import Any
from uuid import UUID

import uvloop

from bench import protocol
from bench.filling import SCALE
from careloop.chassis.consuming.handler import Received
from careloop.chassis.events.codec import ENCODER
from careloop.chassis.events.envelope import Envelope
from careloop.chassis.log.postgres import PostgresEventStore
from careloop.chassis.log.protocol import Unit
from careloop.kernel.ids import EventId, FactId, PatientId, PersonId
from services.coordination.consumers import CareViewConsumer
from services.coordination.reading.journal import Journal
from services.coordination.reading.replay import Replay
from services.coordination.reading.views import Views

PATIENT = PatientId(UUID(int=1))
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
AT_ONCE, MEASURED, LOOKS = 500, 200, 5
WAL = "select pg_current_wal_lsn() - '0/0'"


def score(position: int) -> Received:
    """The patient's n-th answered scale, as assessment publishes it."""
    at = BEGAN + timedelta(minutes=position)
    event = replace(SCALE, fact_id=FactId(UUID(int=position)), occurred_at=at)
    envelope = Envelope(
        event_id=EventId(UUID(int=position)),
        type="care.assessment.ScaleScored.v1",
        source="assessment",
        patient_id=PATIENT,
        occurred_at=at,
        recorded_at=at,
        position=position,
        previous=position - 1,
        actor=PersonId("bench"),
        correlation_id=UUID(int=position),
        causation_id=None,
    )
    return Received(envelope=envelope, event=event, value=ENCODER.encode(event))


async def milliseconds(work: Callable[[], Awaitable[Any]]) -> float:
    """The median of a few."""
    took = []
    for _ in range(LOOKS):
        began = time.perf_counter()
        await work()
        took.append(1000 * (time.perf_counter() - began))
    return median(took)


async def run(spec: protocol.Spec) -> None:
    async with PostgresEventStore.open(spec["dsn"], "coordination") as store:
        views, positions = Views(store.connections), count(1)
        replay = Replay(Journal(store.connections), store.connections)
        projector = CareViewConsumer(views, partitions=6)

        async def project(facts: int) -> None:
            effects = await projector.handle([score(next(positions)) for _ in range(facts)])
            await store.commit(Unit(statements=effects.statements))

        protocol.ready()
        known, found = 0, []
        for size in spec["sizes"]:
            while known < size:
                facts = min(AT_ONCE, size - known)
                await project(facts)
                known += facts
            wal, processor = await store.connections.fetchval(WAL), time.process_time()
            for _ in range(MEASURED):
                await project(1)
            known += MEASURED
            found.append(
                {
                    "facts": size,
                    "processor_us": 1e6 * (time.process_time() - processor) / MEASURED,
                    "wal_bytes": float(await store.connections.fetchval(WAL) - wal) / MEASURED,
                    "view_ms": await milliseconds(lambda: views.of_patient(PATIENT)),
                    "as_known_ms": await milliseconds(lambda: replay.as_known(PATIENT)),
                }
            )
        shown = await views.of_patient(PATIENT)
        protocol.answer(found=found, facts=known, shown=len(shown.sections.assessment.scales) if shown else 0)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(protocol.told()))
