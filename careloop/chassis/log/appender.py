"""Commands that wait go to the log together: the commit of one batch is the time in which the next one gathers."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from careloop.chassis.log.appender_call import WriteOutcome, append_call, outcomes
from careloop.chassis.log.connections import Connections, OwnConnection, conflict, kernel_errors, unavailable
from careloop.chassis.log.lost_commit import how_it_ended
from careloop.chassis.log.protocol import Chain, Unit, Write, Written
from careloop.kernel.errors import CareloopError, Overloaded, Unavailable

MOST_COMMANDS = 128
"""Enough that the flush of one commit is a small part of the work, few enough that both writers have some."""
FEW_COMMANDS = 32
"""So few are not worth a commit of their own while another is under way."""
MOST_BYTES = 1_000_000
MOST_WAITING = 10_000
MOST_SECONDS = 2.0
"""Who would have to wait behind one that waits for so long already is refused at once: an answer that comes when its
caller has given up is work for nothing, and the more so the more there is to do."""
WRITERS = 2
"""While the server stores one batch, the next one is on its way."""


class _Lost(Exception):
    """The batch was sent and its answer did not come."""


@dataclass(slots=True, eq=False)
class _WaitingWrite:
    write: Write
    outcome: "asyncio.Future[WriteOutcome]"
    since: float


class Appender:
    """All that one process appends to one log. Other processes may append to the same log.

    No timer: an idle log stores a command at once, a busy one stores what has gathered, at most 128 commands or about
    1 MB together. Commands on one stream keep their order: of each stream one is on its way, or several of one chain
    together.
    """

    def __init__(self, connections: Connections, moved_to: Callable[[int], None]) -> None:
        """`moved_to` gets the log's new head after every batch."""
        self._connections = connections
        self._moved_to = moved_to
        self._waiting: deque[_WaitingWrite] = deque()
        self._under_way: set[int] = set()  # streams by number: a UUID is hashed in Python, its number in C
        self._more = asyncio.Event()
        self._answered_at = float("-inf")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Appends until the end of the block; who still waits then is refused."""
        writers = [
            asyncio.create_task(self._serve(_BatchWriter(self._connections, self._stored))) for _ in range(WRITERS)
        ]
        try:
            yield
        finally:
            for writer in writers:
                writer.cancel()
            await asyncio.gather(*writers, return_exceptions=True)
            _answer(self._waiting, [unavailable()] * len(self._waiting))

    async def append(self, write: Write) -> Written:
        """Return when it is durable. Raises Conflict, RequestIdReused, Unavailable, Overloaded.

        A caller that gives up before its batch has left leaves nothing behind.
        """
        loop = asyncio.get_running_loop()
        if len(self._waiting) >= MOST_WAITING or self._is_late(loop.time()):
            raise Overloaded("too-many-commands", "Too many commands wait; retry later with the same request_id.")
        waiting = _WaitingWrite(write, loop.create_future(), loop.time())
        self._waiting.append(waiting)
        self._more.set()
        try:
            outcome = await waiting.outcome
        except _Lost:
            (outcome,) = await how_it_ended(self._connections, Unit(writes=(write,)), None)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _is_late(self, now: float) -> bool:
        """Whether the first that waits, and has not given up, waits too long. Raises Unavailable when nothing is stored
        meanwhile: then it is not for too much work."""
        while self._waiting and self._waiting[0].outcome.done():
            self._waiting.popleft()
        if not self._waiting or now - self._waiting[0].since < MOST_SECONDS:
            return False
        if now - self._answered_at >= 2 * MOST_SECONDS:
            raise unavailable()
        return True

    async def _serve(self, writer: "_BatchWriter") -> None:
        try:
            while True:
                batch = self._next_batch()
                if batch:
                    await self._store(writer, batch)
                else:
                    self._more.clear()
                    await self._more.wait()
        finally:
            writer.connection.hang_up()

    def _next_batch(self) -> list[_WaitingWrite]:
        """The first of each stream that has none under way, and what follows it in its chain, in their order; others
        stay in theirs."""
        batch: list[_WaitingWrite] = []
        later: list[_WaitingWrite] = []
        chains: dict[int, Chain] = {}
        size = 0
        if self._under_way and len(self._waiting) < FEW_COMMANDS:
            return []
        most = MOST_COMMANDS if self._under_way else self._share()
        while self._waiting and len(batch) < most and size < MOST_BYTES:
            waiting = self._waiting.popleft()
            if waiting.outcome.done():
                _break(waiting)
                continue
            chain = waiting.write.chain
            if chain is not None and chain.broken:
                _answer([waiting], [conflict()])
                continue
            stream = waiting.write.stream_id.int
            if stream in self._under_way and (chain is None or chains.get(stream) is not chain):
                later.append(waiting)
                continue
            self._under_way.add(stream)
            if chain is not None:
                chains[stream] = chain
            batch.append(waiting)
            size += sum([len(event.state) for event in waiting.write.events])
        self._waiting.extendleft(reversed(later))
        return batch

    def _share(self) -> int:
        """With nothing under way: half of many, so that the other writer has work while the server stores these."""
        return min(MOST_COMMANDS, max(FEW_COMMANDS, len(self._waiting) // 2))

    async def _store(self, writer: "_BatchWriter", batch: Sequence[_WaitingWrite]) -> None:
        try:
            await writer.store(batch)
        finally:
            self._under_way.difference_update([waiting.write.stream_id.int for waiting in batch])
            self._more.set()

    def _stored(self, position: int) -> None:
        self._answered_at = asyncio.get_running_loop().time()
        self._moved_to(position)


class _BatchWriter:
    """One connection, one batch at a time."""

    def __init__(self, connections: Connections, stored: Callable[[int], None]) -> None:
        """`stored` gets the newest position of every batch that the server answered, 0 if it stored nothing."""
        self.connection = OwnConnection(connections, "appender")
        self._stored = stored

    async def store(self, batch: Sequence[_WaitingWrite]) -> None:
        """Whatever becomes of it, everyone in the batch gets an answer."""
        try:
            answers = await self._sent([waiting.write for waiting in batch])
        except asyncio.CancelledError:
            _answer(batch, [_Lost()] * len(batch))
            raise
        except (_Lost, CareloopError) as failure:
            _answer(batch, [failure] * len(batch))
        except Exception as failure:
            await self._store_apart(batch, failure)
        else:
            _answer(batch, answers)

    async def _store_apart(self, batch: Sequence[_WaitingWrite], failure: Exception) -> None:
        """What the server cannot take at all must not take others with it."""
        if len(batch) == 1:
            _answer(batch, [failure])
            return
        for waiting in batch:
            await self.store([waiting])

    async def _sent(self, writes: Sequence[Write]) -> Sequence[WriteOutcome]:
        """Raises Unavailable when nothing was sent, _Lost when the answer did not come."""
        connection = await self.connection.get()
        try:
            with kernel_errors():
                statement, arguments = append_call(writes)
                answer = await connection.fetchrow(statement, *arguments)
        except Unavailable as lost:
            self.connection.hang_up()
            raise _Lost from lost
        found = outcomes(writes, answer)
        self._stored(max([each.command.last_position for each in found if isinstance(each, Written)], default=0))
        return found


def _break(waiting: _WaitingWrite) -> None:
    if waiting.write.chain is not None:
        waiting.write.chain.broken = True


def _answer(batch: Sequence[_WaitingWrite], answers: Sequence[WriteOutcome]) -> None:
    for waiting, answer in zip(batch, answers, strict=True):
        if isinstance(answer, Exception) or answer.repeated:
            _break(waiting)  # before anybody can send what follows it
        if waiting.outcome.done():
            continue  # its caller has given up
        if isinstance(answer, Exception):
            waiting.outcome.set_exception(answer)
        else:
            waiting.outcome.set_result(answer)
