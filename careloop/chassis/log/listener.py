"""Hearing that the log has grown, from this process or another, without polling."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg

from careloop.chassis.log.connections import NO_ANSWER
from careloop.kernel.errors import Unavailable

_RECONNECT_SECONDS = 0.25


class LogListener:
    """Keeps one LISTEN connection. Waiters are woken by a notification, by an own commit and after a reconnect.

    Every `probe_seconds` it asks the server for a sign of life: a network that went silent gives no notice.
    """

    def __init__(
        self, connect: Callable[[], Awaitable[asyncpg.Connection]], channel: str, *, probe_seconds: float = 5
    ) -> None:
        self._connect = connect
        self._channel = channel
        self._probe_seconds = probe_seconds
        self._head = 0
        self._moved = asyncio.Event()

    def moved_to(self, position: int) -> None:
        """The log's head is at least at `position`."""
        if position > self._head:
            self._head = position
            self._wake()

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    async def wait(self, position: int, timeout_seconds: float) -> None:
        """Return when the head is known to be past `position`, when that is uncertain, or after the timeout."""
        if self._head > position:
            return
        try:
            await asyncio.wait_for(self._moved.wait(), timeout_seconds)
        except TimeoutError:
            return

    async def run(self) -> None:
        """Listen for ever, connecting again whenever the connection is lost."""
        while True:
            try:
                await self._listen_until_lost()
            except (*NO_ANSWER, asyncpg.PostgresError, Unavailable):
                await asyncio.sleep(_RECONNECT_SECONDS)

    async def _listen_until_lost(self) -> None:
        connection = await self._connect()
        lost = asyncio.Event()
        try:
            # Without it a dead LISTEN connection stays silent for ever.
            connection.add_termination_listener(lambda _connection: lost.set())
            await connection.add_listener(self._channel, self._heard)
            self._wake()  # what was committed before LISTEN was not announced to us
            while not await _set_within(lost, self._probe_seconds):
                await connection.execute("select")
        finally:
            connection.terminate()

    def _heard(self, _connection: asyncpg.Connection, _pid: int, _channel: str, payload: str) -> None:
        self.moved_to(int(payload))


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
