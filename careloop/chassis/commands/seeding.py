"""Clocks for what already runs: one pass over all streams, made when a build begins to keep clocks of a kind."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from msgspec.structs import replace

from careloop.chassis.backoff import Backoff
from careloop.chassis.commands.streams import Streams
from careloop.chassis.log.protocol import DueRow, Gate, GateClosed, Unit
from careloop.kernel.errors import Conflict, Unavailable
from careloop.kernel.events import CommandKind, Event, Request
from careloop.kernel.ids import PersonId, derived_id

State = TypeVar("State")
Fact = TypeVar("Fact", bound=Event)

PAGE = 500
ATTEMPTS = 5
AGAIN = Backoff(first=0.5, longest=10)


class Seeding(Generic[State, Fact]):
    """Seeds the clocks called `name`: of each stream the due rows that its state asks for, once.

    The pass may be cut off and begun again, and several processes may make it at the same time: what a stream was
    given it is not given again. What is stored from now on brings its own clocks, so a clock's `due_id` must be the
    one that the event which it belongs to would have given it.

    A pass that came to its end is remembered with the log's head at its beginning: the next one looks only at streams
    that have grown since, as they may by a build that keeps no such clocks.
    """

    def __init__(
        self, name: str, streams: Streams[State, Fact], clocks: Callable[[State, UUID], Iterable[DueRow]]
    ) -> None:
        self._name = name
        self._streams = streams
        self._clocks = clocks

    async def run(self, now: datetime) -> int:
        """How many streams this pass stored clocks for. Raises Unavailable when the store does not answer."""
        store, done = self._streams.store, await self._passed()
        head = (await store.head()).position
        seeded, after = 0, None
        while page := await store.streams(after, PAGE, since=done):
            for stream_id in page:
                seeded += await self._seed(stream_id, now)
            after = page[-1]
        if head > done:
            with suppress(GateClosed):  # another process came to the end of a pass meanwhile
                await store.commit(Unit(gate=self._gate(last=done, position=head)))
        return seeded

    async def _passed(self) -> int:
        """The position up to which a pass came to its end."""
        passed = await self._streams.store.consumed(self._consumer)
        return max(passed.values(), default=0)

    @property
    def _consumer(self) -> str:
        return f"{self._streams.service}.seeding.{self._name}"

    def _gate(self, *, last: int, position: int) -> Gate:
        return Gate(consumer=self._consumer, source=self._streams.service, partition=0, last=last, position=position)

    def work(self, clock: Callable[[], datetime]) -> Callable[[asyncio.Event], Awaitable[None]]:
        """The pass as a task of a process: tried again while the store is away; then it waits to be stopped."""

        async def run(stopping: asyncio.Event) -> None:
            passed, attempt = False, 0
            while not passed and not stopping.is_set():
                try:
                    await self.run(clock())
                    passed = True
                except (Unavailable, Conflict):
                    attempt += 1
                    await asyncio.sleep(AGAIN.pause(attempt))
            await stopping.wait()

        return run

    async def _seed(self, stream_id: UUID, now: datetime) -> bool:
        for _attempt in range(ATTEMPTS - 1):
            try:
                return await self._try(stream_id, now)
            except Conflict:
                continue  # the stream has grown: its clocks may be others now
        return await self._try(stream_id, now)

    async def _try(self, stream_id: UUID, now: datetime) -> bool:
        loaded = await self._streams.load(stream_id)
        due = tuple(self._clocks(loaded.state, stream_id))
        if not due:
            return False
        write = self._streams.write(stream_id, self._request(stream_id, loaded.version, now), (), loaded.version)
        (written,) = await self._streams.store.commit(Unit(writes=(replace(write, due=due),)))
        return not written.repeated

    def _request(self, stream_id: UUID, version: int, now: datetime) -> Request:
        service = self._streams.service
        return Request(
            request_id=f"seed:{service}.{self._name}:{stream_id}:{version}",
            kind=CommandKind.DUE,
            actor=PersonId(service),
            digest=b"",
            correlation_id=derived_id("seed", service, self._name),
            now=now,
        )
