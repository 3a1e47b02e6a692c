"""Whole commands through our streams: load, fold, decide, encode, append."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

import uvloop

from bench import protocol
from bench.closed_loop import waiting_tasks
from bench.diary import WriteEntry, diaries, write_entry
from bench.loads.append import CALLER, refuses_stale
from bench.workload import patient
from careloop.chassis.log.postgres import PostgresEventStore
from careloop.kernel.events import CommandKind, Request


async def run(spec: protocol.Spec) -> None:
    async with PostgresEventStore.open(spec["dsn"], spec["schema"]) as store:
        await store.check_durability()
        streams = diaries(store)

        async def command(stream: UUID, version: int, _state: bytes) -> None:
            correlation_id = uuid4()
            now = datetime.now(UTC)
            request = Request(
                request_id=str(correlation_id),
                kind=CommandKind.CALLER,
                actor=CALLER,
                digest=correlation_id.bytes,
                correlation_id=correlation_id,
                now=now,
            )
            entry = WriteEntry(patient=stream, now=now)
            done = await streams.transact(stream, request, lambda entries: write_entry(entry, entries))
            if done.events[0].sequence != version:
                raise AssertionError("decided on another state than the newest")

        protocol.ready()
        tally = await waiting_tasks(command, spec)
        protocol.answer(**tally.figures(), refuses_stale=await refuses_stale(store, patient(spec["worker"], 0)))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(protocol.told()))
