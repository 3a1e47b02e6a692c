"""What PostgreSQL itself can do: batches inserted by `unnest` into a table of the same form, one after the other.

No version is checked, no command is remembered, nobody waits for an answer: the ceiling of an append on this machine.
"""

import asyncio
import time
from datetime import UTC, datetime
from itertools import islice
from uuid import uuid4

import asyncpg
import uvloop

from bench import protocol
from bench.closed_loop import Tally, appends
from bench.workload import TOPIC

INSERT = """
    insert into raw_events (originator_id, originator_version, topic, state, notification_id, event_id, occurred_at,
        recorded_at, correlation_id, actor, command_id)
    select stream, version, $3, state, $5 + n, id, $6, clock_timestamp(), id, 'nurse.adams', id::text
    from unnest($1::uuid[], $2::bigint[], $4::bytea[], $7::uuid[]) with ordinality u (stream, version, state, id, n)"""
OCCURRED_AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


async def run(spec: protocol.Spec) -> None:
    connection = await asyncpg.connect(spec["dsn"])
    insert = await connection.prepare(INSERT)
    load = appends({**spec, "waiting": 1}, 0)
    protocol.ready()
    tally = Tally(spec)
    while (sent := time.monotonic()) < tally.closes:
        streams, versions, states = zip(*islice(load, spec["waiting"]), strict=True)
        ids = [uuid4() for _ in streams]
        await insert.fetch(streams, versions, TOPIC, states, tally.acknowledged, OCCURRED_AT, ids)
        answered = time.monotonic()
        for _ in streams:
            tally.note(sent, answered)
    await connection.close()
    protocol.answer(**tally.figures(), refuses_stale=True)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(protocol.told()))
