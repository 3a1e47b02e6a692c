"""Streams that are asked for at the same time are read together: one query for all who wait."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from careloop.chassis.log.connections import OwnConnection, kernel_errors, unavailable
from careloop.chassis.log.protocol import StoredEvent

MOST_STREAMS = 128

Events = Sequence[StoredEvent]
ReadStreams = Callable[[asyncpg.Connection, Mapping[UUID, int]], Awaitable[Events]]
"""The events of these streams after a version of each, each stream's in the order of its versions."""


@dataclass(slots=True)
class _WantedStream:
    """One stream that is asked for; `after` is the earliest version that any caller asks from."""

    after: int
    answers: list["asyncio.Future[Events]"] = field(default_factory=list)


class Loader:
    """Like the appender it has no timer: what gathers while a query runs is the next query."""

    def __init__(self, connection: OwnConnection, read: ReadStreams) -> None:
        self._connection = connection
        self._read = read
        self._wanted: dict[UUID, _WantedStream] = {}
        self._reader: asyncio.Task[None] | None = None

    async def load(self, stream_id: UUID, after: int) -> Events:
        """What follows a version of the stream, at some moment after this call. Raises what the query raises."""
        wanted = self._wanted.get(stream_id)
        if wanted is None:
            wanted = self._wanted[stream_id] = _WantedStream(after)
            if self._reader is None or self._reader.done():
                self._reader = asyncio.create_task(self._read_all(), name="load streams")
        wanted.after = min(wanted.after, after)
        answer: asyncio.Future[Events] = asyncio.get_running_loop().create_future()
        wanted.answers.append(answer)
        events = await answer
        return events if wanted.after == after else [event for event in events if event.meta.version > after]

    async def close(self) -> None:
        """Who still waits is refused."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])
        _refuse(self._wanted, unavailable())
        self._connection.hang_up()

    async def _read_all(self) -> None:
        while self._wanted:
            streams = list(self._wanted)[:MOST_STREAMS]
            await self._answer({stream: self._wanted.pop(stream) for stream in streams})

    async def _answer(self, wanted: Mapping[UUID, _WantedStream]) -> None:
        try:
            connection = await self._connection.get()
            with kernel_errors():
                after = {stream: each.after for stream, each in wanted.items()}
                events = await self._read(connection, after)
        except asyncio.CancelledError:
            _refuse(wanted, unavailable())
            raise
        except Exception as failure:
            self._connection.hang_up()
            _refuse(wanted, failure)
            return
        found: dict[int, list[StoredEvent]] = defaultdict(list)  # a UUID is hashed in Python, its number in C
        for event in events:
            found[event.meta.stream_id.int].append(event)
        for stream, each in wanted.items():
            for answer in _still_awaited(each):
                answer.set_result(found[stream.int])


def _still_awaited(wanted: _WantedStream) -> list["asyncio.Future[Events]"]:
    return [answer for answer in wanted.answers if not answer.done()]


def _refuse(wanted: Mapping[UUID, _WantedStream], failure: Exception) -> None:
    for each in wanted.values():
        for answer in _still_awaited(each):
            answer.set_exception(failure)
