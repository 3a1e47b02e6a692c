"""Appends to message-db as its documentation says: its `write_message` function with an expected version.

It has no client of its own; each of so many connections calls the function, one message a transaction.
"""

import asyncio
import json
from uuid import UUID, uuid4

import asyncpg
import uvloop

from bench import protocol
from bench.closed_loop import AsyncAppend, waiting_tasks
from bench.workload import TOPIC, content, patient

WRITE = "select write_message($1, $2, $3, $4::jsonb, $5::jsonb, $6)"
METADATA = json.dumps({"actor": "nurse.adams"})


async def run(spec: protocol.Spec) -> None:
    settings = {"search_path": "message_store,public"}
    connections = min(spec["connections"], spec["waiting"])
    async with asyncpg.create_pool(
        spec["dsn"], min_size=connections, max_size=connections, server_settings=settings
    ) as pool:

        async def append(stream: UUID, version: int, state: bytes) -> None:
            # The first message of a stream has position 0, and a new stream is expected at -1.
            await pool.fetchval(WRITE, str(uuid4()), f"patient-{stream}", TOPIC, state.decode(), METADATA, version - 2)

        protocol.ready()
        tally = await waiting_tasks(append, spec)
        protocol.answer(**tally.figures(), refuses_stale=await _refuses_stale(append, patient(spec["worker"], 0)))


async def _refuses_stale(append: AsyncAppend, stream: UUID) -> bool:
    try:
        await append(stream, 1_000_000, content(stream, 1_000_000))
    except asyncpg.RaiseError as refused:
        return "Wrong expected version" in str(refused)
    return False


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(protocol.told()))
