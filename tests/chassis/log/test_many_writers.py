"""Several processes append to one log at full speed while one reads at its tail: the tail shows every event, once."""

import asyncio
import sys
from itertools import chain, pairwise
from pathlib import Path

import pytest

from careloop.chassis.log.postgres import PostgresEventStore
from careloop.chassis.log.protocol import StoredEvent
from tests.support.stack import PostgresDatabase

SCHEMA = "assessment"
ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("writers", "each"),
    [(3, 1_000), pytest.param(8, 12_000, marks=[pytest.mark.faults, pytest.mark.timeout(600)])],
)
async def test_a_tail_misses_nothing_of_many_writers(postgres: PostgresDatabase, writers: int, each: int) -> None:
    dsn = postgres.dsn(SCHEMA)
    async with PostgresEventStore.open(dsn, SCHEMA) as store, asyncio.timeout(500):
        following = asyncio.create_task(follow(store, writers * each))
        acknowledged = await asyncio.gather(*(written(dsn, each) for _ in range(writers)))
        seen = await following
    assert [event.meta.position for event in seen] == list(range(1, writers * each + 1))
    times = [event.meta.recorded_at for event in seen]
    assert all(earlier < later for earlier, later in pairwise(times))
    assert sorted(str(event.meta.event_id) for event in seen) == sorted(chain.from_iterable(acknowledged))
    versions: dict[object, int] = {}
    for event in seen:
        assert event.meta.version == versions.get(event.meta.stream_id, 0) + 1
        versions[event.meta.stream_id] = event.meta.version


async def written(dsn: str, events: int) -> list[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.processes.writer",
        dsn,
        SCHEMA,
        str(events),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return printed.decode().split()


async def follow(store: PostgresEventStore, count: int) -> list[StoredEvent]:
    seen: list[StoredEvent] = []
    while len(seen) < count:
        page = await store.after(len(seen), 1_000)
        seen += page
        if not page:
            await store.wait_for_more(len(seen), 0.25)
    return seen
