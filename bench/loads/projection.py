"""Coordination's own consumers, started on full topics: how fast the care view and the journal follow."""

import asyncio
import time

import uvloop

from bench import protocol
from bench.wiring import resources, running
from careloop.chassis.log.connections import Connections, Timeouts
from services.coordination.__main__ import build

LOOK_SECONDS = 0.05
HEAD = "select position from journal order by position desc limit 1"


async def run(spec: protocol.Spec) -> None:
    told = spec["service"]
    async with (
        build(resources(told)) as service,
        Connections(told["postgres_dsn"], "coordination", timeouts=Timeouts(), size=1) as connections,
    ):
        protocol.ready()
        async with running(service, "consumers"):
            moments = await _followed(connections, spec["events"])
    (first_at, first), (last_at, last) = moments[0], moments[-1]
    protocol.answer(per_second=(last - first) / (last_at - first_at))


async def _followed(connections: Connections, events: int) -> list[tuple[float, int]]:
    """Each moment at which the journal had grown, from the first to the last."""
    moments: list[tuple[float, int]] = []
    while not moments or moments[-1][1] < events:
        position = await connections.fetchval(HEAD) or 0
        if position > (moments[-1][1] if moments else 0):
            moments.append((time.monotonic(), position))
        await asyncio.sleep(LOOK_SECONDS)
    return moments


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(protocol.told()))
