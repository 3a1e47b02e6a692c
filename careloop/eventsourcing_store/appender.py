"""Inserts of many threads go to the log together: what waits while one batch commits is the next batch."""

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from uuid import UUID

from eventsourcing.persistence import (
    IntegrityError,
    InterfaceError,
    OperationalError,
    StoredEvent,
    Tracking,
)

from careloop.eventsourcing_store.connections import Connections
from careloop.eventsourcing_store.loop_thread import LoopThread
from careloop.eventsourcing_store.server_errors import in_library_words

_MOST_INSERTS = 512
_MOST_BYTES = 1_000_000


@dataclass(slots=True, eq=False, kw_only=True)
class Insert:
    """Events of one call, stored together or not at all. Offered again under the same id it is stored once.

    `streams` and `event_ids` hold one element per event. `answer` becomes the events' positions.
    """

    insert_id: UUID
    events: Sequence[StoredEvent]
    streams: Sequence[UUID]
    event_ids: Sequence[UUID]
    tracking: Tracking | None
    answer: Future[Sequence[int]] = field(default_factory=Future)
    keys: frozenset[object] = field(init=False)
    size: int = field(init=False)

    def __post_init__(self) -> None:
        # What no two inserts of one batch may share: places in streams, and the name tracked.
        tracked = {self.tracking.application_name} if self.tracking else set()
        versions = (event.originator_version for event in self.events)
        self.keys = frozenset({*zip(self.streams, versions, strict=True), *tracked})
        self.size = sum(len(event.state) for event in self.events)


class Appender:
    """Stores inserts through one function of the log, one batch at a time, in the order in which they came.

    An insert waits for a later batch when it shares a key with one of this batch, so that each is judged alone.
    """

    def __init__(self, thread: LoopThread, connections: Connections, function: str) -> None:
        self._thread = thread
        self._connections = connections
        # The name is quoted; see names.py.
        self._call = f"select * from {function}($1, $2, $3, $4, $5, $6, $7, $8, $9)"  # noqa: S608
        self._waiting: deque[Insert] = deque()
        self._storing: asyncio.Task[None] | None = None
        self._is_awake = False

    def insert(self, insert: Insert) -> Sequence[int]:
        """The positions, once they are committed. Raises IntegrityError when a place in a stream is taken.

        Raises OperationalError or InterfaceError when it cannot be known what became of it: offer it again.
        """
        self._waiting.append(insert)
        # The task that falls asleep looks for waiting inserts once more after saying so; see _wake.
        if not self._is_awake:
            self._thread.call_soon(self._wake)
        return insert.answer.result()

    def _wake(self) -> None:
        if not self._is_awake:
            self._is_awake = True
            self._storing = asyncio.get_running_loop().create_task(self._store_all())

    async def _store_all(self) -> None:
        while self._waiting:
            await self._store(self._next_batch())
        self._is_awake = False
        if self._waiting:
            self._wake()

    def _next_batch(self) -> list[Insert]:
        batch: list[Insert] = []
        later: list[Insert] = []
        taken: set[object] = set()
        size = 0
        while self._waiting and len(batch) < _MOST_INSERTS and size < _MOST_BYTES:
            insert = self._waiting.popleft()
            if taken.isdisjoint(insert.keys):
                batch.append(insert)
                taken |= insert.keys
                size += insert.size
            else:
                later.append(insert)
        self._waiting.extendleft(reversed(later))
        return batch

    async def _store(self, batch: list[Insert]) -> None:
        try:
            async with self._connections.borrow() as connection:
                (row,) = await connection.fetch(self._call, *_arrays(batch))
        except Exception as error:
            # Those who wait must hear of it, whatever it is.
            await self._refuse(batch, in_library_words(error))
        else:
            _answer(batch, row["head"], row["stored"], row["known"])

    async def _refuse(self, batch: list[Insert], error: Exception) -> None:
        """A batch that the server refuses is offered insert by insert, to refuse only what it is about."""
        if len(batch) > 1 and not isinstance(error, OperationalError | InterfaceError):
            for insert in batch:
                await self._store([insert])
            return
        for insert in batch:
            insert.answer.set_exception(type(error)(*error.args))


def _arrays(batch: list[Insert]) -> tuple[list[object], ...]:
    placed = [(n, insert, i) for n, insert in enumerate(batch, 1) for i in range(len(insert.events))]
    return (
        [insert.insert_id for insert in batch],
        [insert.tracking and insert.tracking.application_name for insert in batch],
        [insert.tracking and insert.tracking.notification_id for insert in batch],
        [n for n, _, _ in placed],
        [insert.streams[i] for _, insert, i in placed],
        [insert.events[i].originator_version for _, insert, i in placed],
        [insert.events[i].topic for _, insert, i in placed],
        [insert.events[i].state for _, insert, i in placed],
        [insert.event_ids[i] for _, insert, i in placed],
    )


def _answer(batch: list[Insert], head: int, stored: list[bool], known: list[int | None]) -> None:
    for insert, is_stored, first in zip(batch, stored, known, strict=True):
        count = len(insert.events)
        if first is not None:
            insert.answer.set_result(range(first, first + count))
        elif is_stored:
            insert.answer.set_result(range(head + 1, head + 1 + count))
            head += count
        else:
            insert.answer.set_exception(IntegrityError("an event or position of this insert is already recorded"))
