"""Reads a whole log from its beginning, again and again, until it is stopped."""

import asyncio

import uvloop

from bench import protocol
from careloop.chassis.postgres import PostgresEventStore

PAGE = 2_000


async def run(spec: protocol.Spec) -> None:
    async with PostgresEventStore.open(spec["dsn"], spec["schema"]) as store:
        protocol.ready()
        while True:
            position = 0
            while page := await store.after(position, PAGE):
                position = page[-1].meta.position


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(protocol.told()))
