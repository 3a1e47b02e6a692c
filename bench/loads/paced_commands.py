"""Assessment's own commands at a steady pace, its relay beside them; when and where each was acknowledged."""

import asyncio
import time
from datetime import UTC, datetime
from itertools import islice
from uuid import UUID, uuid4

import uvloop

from bench import protocol
from bench.wiring import resources, running
from bench.workload import chosen, patient
from careloop.chassis.commands.writes import Writes
from careloop.chassis.events.partitioner import partition_of
from careloop.chassis.process.composition import compose
from careloop.kernel.events import CommandKind, Request
from careloop.kernel.ids import FactId, PatientId, PersonId
from services.assessment.__main__ import ROOMS
from services.assessment.domain.decisions import DECISIONS
from services.assessment.domain.events import Event
from services.assessment.domain.scales import RecordScaleTotal
from services.assessment.domain.state import Assessment

ACTOR = PersonId("nurse.adams")
SETTLE_SECONDS = 1.0


async def run(spec: protocol.Spec) -> None:
    async with compose(resources(spec["service"]), ROOMS) as foundation:
        writes = Writes(foundation.streams, DECISIONS)
        async with running(foundation.service(), "relay", "heads"):
            await asyncio.sleep(SETTLE_SECONDS)
            await asyncio.to_thread(protocol.ready)
            acknowledged = await _paced(writes, spec)
            protocol.answer(acknowledged=acknowledged)
            await asyncio.to_thread(protocol.hold)  # the relay may still have something to send


async def _paced(writes: Writes[Assessment, Event], spec: protocol.Spec) -> list[tuple[int, int, float]]:
    """Position, partition and moment of every acknowledgement."""
    acknowledged: list[tuple[int, int, float]] = []
    partitions = spec["service"]["partitions"]

    async def record(who: UUID) -> None:
        patient_id = PatientId(who)
        done = await writes.write(patient_id, *_command())
        acknowledged.append((done.position, partition_of(patient_id, partitions), time.monotonic()))

    begin = time.monotonic()
    async with asyncio.TaskGroup() as group:
        wanted = int(spec["rate"] * spec["seconds"])
        for number, who in enumerate(islice(chosen(spec["patients"], 0, 1, spec["skew"]), wanted)):
            await asyncio.sleep(max(0.0, begin + number / spec["rate"] - time.monotonic()))
            group.create_task(record(patient(0, who)))
    return acknowledged


def _command() -> tuple[Request, RecordScaleTotal]:
    correlation_id, now = uuid4(), datetime.now(UTC)
    request = Request(
        request_id=str(correlation_id),
        kind=CommandKind.CALLER,
        actor=ACTOR,
        digest=correlation_id.bytes,
        correlation_id=correlation_id,
        now=now,
    )
    command = RecordScaleTotal(
        fact_id=FactId(correlation_id),
        occurred_at=now,
        now=now,
        instrument="phq-9",
        total=11,
        source="client",
        actor=ACTOR,
    )
    return request, command


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(protocol.told()))
