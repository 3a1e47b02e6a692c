"""From a command's acknowledgement to the moment at which any reader finds it in the care view, through Kafka."""

import asyncio
import sys
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial

from bench.closed_loop import quantile
from bench.filling import enroll
from bench.harness import Bench, Sample, main
from bench.projection import check_view
from bench.results import OURS, Figure, Row, require
from bench.servers import Database, connected
from bench.topics import fresh_topics
from bench.wiring import service_spec
from bench.workers import Worker, ours

TITLE = "Freshness: acknowledged to in the view"
RATE = 1_000
PATIENTS = 5_000
WARM_UP_SECONDS = 10.0
"""The broker's virtual machine compiles for so long what it then runs."""
LOOK_AT_LEAST_EVERY = 0.005
POSITIONS = "select partition, position from coordination.consumed_positions where source = 'assessment'"

Seen = list[tuple[float, Mapping[int, int]]]
"""Moments, and the consumed position of each partition that a reader found then."""


async def measure(bench: Bench) -> None:
    seconds = 13.0 if bench.quick else 25.0
    p99 = await _at(bench, seconds, "uniform")
    goal = "p99 < 30 ms (stretch 12 ms)"
    bench.report.rows.append(
        Row(figure=_name("uniform"), ours=p99, better="lower", target=30.0, stretch=12.0, goal=goal)
    )
    if not bench.quick:
        await _at(bench, seconds, "zipf")


def _name(skew: str) -> str:
    return f"acknowledged to in the view, {RATE:,} commands/s, p99" + (", Zipf patients" if skew == "zipf" else "")


async def _at(bench: Bench, seconds: float, skew: str) -> Figure:
    return await bench.repeated(_name(skew), OURS, "ms", partial(freshness, bench, seconds, skew))


async def freshness(bench: Bench, seconds: float, skew: str) -> Sample:
    """Every moment is taken after a read came back, so what is reported is not less than what a reader sees."""
    await fresh_topics(bench.servers)
    async with bench.servers.database() as database:
        await enroll(database, PATIENTS)
        projecting = {"service": service_spec(bench.servers, database, "coordination")}
        load = {"rate": RATE, "seconds": seconds, "patients": PATIENTS, "skew": skew}
        writing = {"service": service_spec(bench.servers, database, "assessment"), **load}
        async with (
            Worker(ours("bench.loads.projecting"), projecting) as projector,
            Worker(ours("bench.loads.paced_commands"), writing) as writer,
            watching(database) as seen,
        ):
            await asyncio.gather(projector.ready(), writer.ready())
            began = time.monotonic()
            await writer.go()
            acknowledged = (await writer.answer(within=seconds + 60))["acknowledged"]
            await _caught_up(seen, acknowledged)
            await projector.go()
            memory = (await projector.answer(within=30))["memory_mb"]
        require(len(acknowledged) == int(RATE * seconds), f"freshness: {len(acknowledged)} acknowledged")
        await check_view(bench, database, PATIENTS + len(acknowledged))
    bench.report.memory_mb["careloop (projecting process)"] = memory
    return _sample([each for each in acknowledged if each[2] >= began + WARM_UP_SECONDS], seen)


def _sample(acknowledged: Sequence[Sequence[float]], seen: Seen) -> Sample:
    """Positions only grow, so the first moment at which one is included is found by halving."""
    moments = {
        partition: [found.get(partition, 0) for _, found in seen]
        for partition in {int(each[1]) for each in acknowledged}
    }
    waits = [
        1000 * max(0.0, seen[bisect_left(moments[int(partition)], position)][0] - at)
        for position, partition, at in acknowledged
    ]
    return {"value": quantile(waits, 0.99), "p50_ms": quantile(waits, 0.50), "p99_ms": quantile(waits, 0.99)}


@asynccontextmanager
async def watching(database: Database) -> AsyncIterator[Seen]:
    """What a reader finds, looked for whenever the view says that it has changed."""
    seen: Seen = []
    changed = asyncio.Event()

    async def watch() -> None:
        async with connected(database.dsn) as server:
            await server.add_listener("coordination_view", lambda *_told: changed.set())
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_AT_LEAST_EVERY):
                        await changed.wait()
                changed.clear()
                found = dict(await server.fetch(POSITIONS))
                if not seen or found != seen[-1][1]:
                    seen.append((time.monotonic(), found))

    task = asyncio.create_task(watch())
    try:
        yield seen
    finally:
        if task.done():
            task.result()
        task.cancel()


async def _caught_up(seen: Seen, acknowledged: Sequence[Sequence[float]]) -> None:
    """Until the last of every partition is in the view."""
    last: dict[int, float] = {}
    for position, partition, _ in acknowledged:
        last[int(partition)] = max(last.get(int(partition), 0), position)
    async with asyncio.timeout(60):
        while not (seen and all(seen[-1][1].get(partition, 0) >= position for partition, position in last.items())):
            await asyncio.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main("freshness", TITLE, measure))
