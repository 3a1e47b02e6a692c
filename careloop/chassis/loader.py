"""Streams that are asked for at the same time are read together: one query and one connection for all who wait."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from careloop.chassis.event_store import StoredEvent

MOST_STREAMS = 128
READERS = 1

Events = Sequence[StoredEvent]
ReadStreams = Callable[[list[UUID]], Awaitable[Events]]
"""The events of these streams, each stream's in the order of its versions."""


class Loader:
    """Like the appender it has no timer: what gathers while a query runs is the next query."""

    def __init__(self, read: ReadStreams) -> None:
        self._read = read
        self._wanted: dict[UUID, asyncio.Future[Events]] = {}
        self._readers: set[asyncio.Task[None]] = set()

    async def load(self, stream_id: UUID) -> Events:
        """The stream as it is at some moment after this call. Raises what the query raises."""
        wanted = self._wanted.get(stream_id)
        if wanted is None:
            wanted = self._wanted[stream_id] = asyncio.get_running_loop().create_future()
            self._start_reading()
        # Who gives up must not take the answer from the others who wait for the same stream.
        return await asyncio.shield(wanted)

    def _start_reading(self) -> None:
        if len(self._readers) < READERS:
            reader = asyncio.create_task(self._read_all(), name="load streams")
            self._readers.add(reader)
            reader.add_done_callback(self._readers.discard)

    async def _read_all(self) -> None:
        while self._wanted:
            streams = list(self._wanted)[:MOST_STREAMS]
            await self._answer({stream: self._wanted.pop(stream) for stream in streams})

    async def _answer(self, wanted: dict[UUID, "asyncio.Future[Events]"]) -> None:
        try:
            events = await self._read(list(wanted))
        except Exception as failure:
            for answer in wanted.values():
                answer.set_exception(failure)
                answer.exception()  # who waited may have given up
            return
        found: dict[UUID, list[StoredEvent]] = defaultdict(list)
        for event in events:
            found[event.meta.stream_id].append(event)
        for stream, answer in wanted.items():
            answer.set_result(found[stream])
