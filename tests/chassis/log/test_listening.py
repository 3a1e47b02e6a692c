"""Hearing that the log has grown, without a server: who is woken, and by what."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from careloop.chassis.log.listener import LogListener
from careloop.chassis.log.memory import MemoryEventStore
from tests.support.histories.writes import store_one
from tests.support.played_server import one_event
from tests.support.waiting import until


class Listening:
    """A LISTEN connection whose notifications and end a test decides."""

    def __init__(self) -> None:
        self.hear: Callable[..., None] = lambda *_args: None
        self.lost: Callable[[object], None] = lambda _connection: None
        self.channel = ""
        self.probes = 0
        self.closed = False

    def add_termination_listener(self, lost: Callable[[object], None]) -> None:
        self.lost = lost

    async def add_listener(self, channel: str, hear: Callable[..., None]) -> None:
        self.channel, self.hear = channel, hear

    async def execute(self, _sql: str) -> None:
        self.probes += 1
        if self.probes > 2:
            raise OSError("silent")

    def terminate(self) -> None:
        self.closed = True


async def ends_in(waiting: Coroutine[Any, Any, None], steps: int = 10) -> bool:
    task = asyncio.create_task(waiting)
    for _ in range(steps):
        await asyncio.sleep(0)
    done = task.done()
    task.cancel()
    return done


async def connecting() -> Any:
    return Listening()


async def test_who_waits_for_a_position_that_is_known_to_be_passed_does_not_wait() -> None:
    listener = LogListener(connecting, "events")
    listener.moved_to(5)
    assert await ends_in(listener.wait(4, 60))
    assert not await ends_in(listener.wait(5, 60))
    listener.moved_to(3)
    assert not await ends_in(listener.wait(5, 60))


async def test_who_waits_is_woken_by_a_greater_position_only_or_when_time_is_up() -> None:
    listener = LogListener(connecting, "events")
    listener.moved_to(5)
    waiting = asyncio.create_task(listener.wait(5, 60))
    for position, woken in ((5, False), (4, False), (6, True)):
        await asyncio.sleep(0)
        listener.moved_to(position)
        for _ in range(10):
            await asyncio.sleep(0)
        assert waiting.done() is woken
    await asyncio.wait_for(listener.wait(99, 0.001), 5)


async def test_a_listener_wakes_who_waits_when_it_connects_and_with_what_it_hears() -> None:
    connections: list[Listening] = []

    async def connect() -> Any:
        connections.append(Listening())
        return connections[-1]

    listener = LogListener(connect, "events", probe_seconds=60)
    waiting = asyncio.create_task(listener.wait(0, 60))
    running = asyncio.create_task(listener.run())
    await asyncio.wait_for(waiting, 5)
    assert connections[0].channel == "events"
    waiting = asyncio.create_task(listener.wait(0, 60))
    await asyncio.sleep(0)
    connections[0].hear(None, 1, "events", "7")
    await asyncio.wait_for(waiting, 5)
    assert await ends_in(listener.wait(6, 60))
    connections[0].lost(None)
    await until(lambda: connections[0].closed)
    running.cancel()


async def test_a_connection_that_gives_no_sign_of_life_is_replaced() -> None:
    connections: list[Listening] = []

    async def connect() -> Any:
        connections.append(Listening())
        return connections[-1]

    running = asyncio.create_task(LogListener(connect, "events", probe_seconds=0.001).run())
    await until(lambda: len(connections) == 2)
    running.cancel()
    assert (connections[0].probes, connections[0].closed) == (3, True)


async def test_the_memory_store_answers_a_wait_as_the_others_do() -> None:
    store = MemoryEventStore()
    await store_one(store, one_event())
    assert await ends_in(store.wait_for_more(0, 60))
    assert not await ends_in(store.wait_for_more(1, 60))
