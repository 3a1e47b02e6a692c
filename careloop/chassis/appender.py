"""Commands that wait go to the log together: the commit of one batch is the time in which the next one gathers."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import asyncpg

from careloop.chassis.batch_arrays import APPEND_BATCH, Outcome, batch_arrays, outcomes
from careloop.chassis.event_store import Unit, Write, Written
from careloop.chassis.lost_commit import how_it_ended
from careloop.chassis.sessions import Sessions, kernel_errors, unavailable
from careloop.kernel.errors import CareloopError, Overloaded, Unavailable

MOST_COMMANDS = 512
MOST_BYTES = 1_000_000
MOST_WAITING = 10_000


class _Lost(Exception):
    """The batch was sent and its answer did not come."""


@dataclass(slots=True, eq=False)
class _Waiting:
    write: Write
    outcome: "asyncio.Future[Outcome]"
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.size = sum(len(event.state) for event in self.write.events)


class Appender:
    """One connection and one batch at a time per process and log; other processes may append to the same log.

    No timer: an idle log stores a command at once, a busy one stores what has gathered, at most 512 commands or about
    1 MB, and of each stream at most one command. `run` must be running for anything to be stored.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._waiting: deque[_Waiting] = deque()
        self._more = asyncio.Event()
        self._connection: asyncpg.Connection | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Appends until the end of the block, and what is in hand then is finished."""
        task = asyncio.create_task(self._run(), name=f"append {self._sessions.schema}")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def append(self, write: Write) -> Written:
        """Return when it is durable. Raises Conflict, RequestIdReused, Unavailable, Overloaded.

        A caller that gives up before its batch has left leaves nothing behind.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise Overloaded(
                "too-many-commands", "Too many commands wait to be stored; retry with the same request_id."
            )
        waiting = _Waiting(write, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._more.set()
        outcome = await self._outcome(waiting)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def _outcome(self, waiting: _Waiting) -> Outcome:
        try:
            return await waiting.outcome
        except _Lost:
            unit = Unit(writes=(waiting.write,))
            (found,) = await how_it_ended(self._sessions, unit, None)
            return found

    async def _run(self) -> None:
        try:
            while True:
                await self._more.wait()
                self._more.clear()
                while batch := self._next_batch():
                    await self._store(batch)
        finally:
            self._refuse_all()
            self._hang_up()

    def _next_batch(self) -> list[_Waiting]:
        """The first of each stream, in the order in which they came; the others stay in theirs."""
        batch: list[_Waiting] = []
        later: list[_Waiting] = []
        streams = set()
        size = 0
        while self._waiting and len(batch) < MOST_COMMANDS and size < MOST_BYTES:
            waiting = self._waiting.popleft()
            if waiting.outcome.done():
                continue
            if waiting.write.stream_id in streams:
                later.append(waiting)
                continue
            streams.add(waiting.write.stream_id)
            batch.append(waiting)
            size += waiting.size
        self._waiting.extendleft(reversed(later))
        return batch

    async def _store(self, batch: Sequence[_Waiting]) -> None:
        writes = [waiting.write for waiting in batch]
        try:
            answers = await self._send(writes)
        except (_Lost, CareloopError) as failure:
            _tell(batch, [failure] * len(batch))
        except asyncio.CancelledError:
            _tell(batch, [_Lost()] * len(batch))
            raise
        except Exception as failure:
            await self._store_apart(batch, failure)
        else:
            _tell(batch, answers)

    async def _store_apart(self, batch: Sequence[_Waiting], failure: Exception) -> None:
        """What the server cannot take at all must be refused alone."""
        if len(batch) == 1:
            _tell(batch, [failure])
            return
        for waiting in batch:
            await self._store([waiting])

    async def _send(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        """Raises Unavailable when nothing was sent, _Lost when the answer did not come."""
        connection = await self._connected()
        try:
            with kernel_errors():
                answer = await connection.fetchrow(APPEND_BATCH, *batch_arrays(writes))
        except (Unavailable, asyncio.CancelledError) as lost:
            self._hang_up()
            if isinstance(lost, asyncio.CancelledError):
                raise
            raise _Lost from lost
        return outcomes(writes, answer)

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._sessions.connect("appender")
        return self._connection

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    def _refuse_all(self) -> None:
        left = [waiting for waiting in self._waiting if not waiting.outcome.done()]
        self._waiting.clear()
        _tell(left, [unavailable()] * len(left))


def _tell(batch: Sequence[_Waiting], answers: Sequence[Outcome]) -> None:
    for waiting, answer in zip(batch, answers, strict=True):
        if waiting.outcome.done():
            continue  # its caller has given up
        if isinstance(answer, Exception):
            waiting.outcome.set_exception(answer)
        else:
            waiting.outcome.set_result(answer)
