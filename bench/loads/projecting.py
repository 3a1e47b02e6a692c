"""The coordination service at work, without its server: ready when it runs, told once more when it may end."""

import asyncio

import uvloop

from bench import protocol
from bench.wiring import resources, running
from services.coordination.__main__ import build


async def run(spec: protocol.Spec) -> None:
    async with build(resources(spec["service"])) as service, running(service):
        await asyncio.to_thread(protocol.ready)
        protocol.answer()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(protocol.told()))
