"""Assessment's own relay, started on a full log: how fast it brings it to Kafka."""

import asyncio
import time

import uvloop

from bench import protocol
from bench.wiring import resources, running
from careloop.chassis.log.connections import Connections
from careloop.chassis.process.composition import compose
from services.assessment.__main__ import ROOMS

LOOK_SECONDS = 0.02


async def run(spec: protocol.Spec) -> None:
    async with compose(resources(spec["service"]), ROOMS) as foundation:
        protocol.ready()
        service = foundation.service()
        async with running(service, "relay"):
            moments = await _followed(foundation.store.connections, spec["events"])
    (first_at, first), (last_at, last) = moments[0], moments[-1]
    protocol.answer(per_second=(last - first) / (last_at - first_at))


async def _followed(connections: Connections, events: int) -> list[tuple[float, int]]:
    """Each moment at which the checkpoint had moved, from the first to the last."""
    moments: list[tuple[float, int]] = []
    while not moments or moments[-1][1] < events:
        position = await connections.fetchval("select position from relay_checkpoint") or 0
        if position > (moments[-1][1] if moments else 0):
            moments.append((time.monotonic(), position))
        await asyncio.sleep(LOOK_SECONDS)
    return moments


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(protocol.told()))
