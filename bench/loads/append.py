"""Durable appends to our store: one event a command, on the version that it was decided on."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

import uvloop

from bench import protocol
from bench.closed_loop import waiting_tasks
from bench.workload import TOPIC, content, patient
from careloop.chassis.log.postgres import PostgresEventStore
from careloop.chassis.log.protocol import EventStore, NewEvent, Unit, Write
from careloop.kernel.errors import Conflict
from careloop.kernel.events import CommandKind
from careloop.kernel.ids import EventId, PersonId

OCCURRED_AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
CALLER = PersonId("nurse.adams")
STATEMENT_SECONDS = 30.0


def write(stream: UUID, version: int, state: bytes, expected_version: int | None) -> Write:
    """One command with one event."""
    event_id = uuid4()
    event = NewEvent(event_id=EventId(event_id), topic=TOPIC, state=state, occurred_at=OCCURRED_AT)
    return Write(
        kind=CommandKind.CALLER,
        command_id=f"{stream}/{version}/{event_id.hex[:8]}",
        caller=CALLER,
        digest=state[-32:],
        stream_id=stream,
        expected_version=expected_version,
        events=(event,),
        correlation_id=event_id,
    )


async def refuses_stale(store: EventStore, stream: UUID) -> bool:
    """Whether an append on a version that is not the stream's is refused."""
    stale = 1_000_000
    try:
        await store.commit(Unit(writes=(write(stream, stale, content(stream, stale), stale - 1),)))
    except Conflict:
        return True
    return False


async def run(spec: protocol.Spec) -> None:
    async with PostgresEventStore.open(spec["dsn"], spec["schema"]) as store:
        await store.check_durability()

        async def append(stream: UUID, version: int, state: bytes) -> None:
            await store.commit(Unit(writes=(write(stream, version, state, version - 1),)))

        protocol.ready()
        tally = await waiting_tasks(append, spec)
        protocol.answer(**tally.figures(), refuses_stale=await refuses_stale(store, patient(spec["worker"], 0)))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(protocol.told()))
