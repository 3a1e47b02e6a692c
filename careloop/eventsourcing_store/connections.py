"""Connections to one schema, used on the loop only: a pool, and one LISTEN connection per followed log."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any

import asyncpg

from careloop.chassis.log.listener import LogListener
from careloop.eventsourcing_store.names import identifier

_ANSWER_SECONDS = 30.0
_CLOSE_SECONDS = 5.0
_PULL_ANYWAY_SECONDS = 30.0
_NO_POSITION = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseAddress:
    """Where the database is, and how to be connected to it. Times are in seconds; a lock timeout of 0 is none."""

    database: str
    host: str
    port: int
    user: str
    password: str | Callable[[], str]
    schema: str
    connect_timeout: float = 30
    idle_in_transaction_timeout: float = 5
    lock_timeout: float = 0
    unused_for: float = 3600
    connections: int = 15


async def _keep_session(_connection: asyncpg.Connection) -> None:
    """Pooled sessions set nothing of their own; asyncpg has already rolled back what was left open."""


class Connections:
    """Made and closed on the loop. No statement waits longer than 30 seconds for its answer."""

    def __init__(self, address: DatabaseAddress) -> None:
        self._connecting = _connecting(address)
        self._acquire_seconds = address.connect_timeout
        self._pool = asyncpg.create_pool(
            **self._connecting,
            min_size=0,
            max_size=address.connections,
            max_inactive_connection_lifetime=address.unused_for,
            reset=_keep_session,
        )
        self._listeners: dict[str, LogListener] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    @asynccontextmanager
    async def borrow(self) -> AsyncIterator[asyncpg.Connection]:
        async with self._pool.acquire(timeout=self._acquire_seconds) as connection:
            yield connection

    async def acquire(self) -> asyncpg.Connection:
        """To be given back with `release`."""
        return await self._pool.acquire(timeout=self._acquire_seconds)

    async def release(self, connection: asyncpg.Connection) -> None:
        await self._pool.release(connection)

    async def follow(self, channel: str, more: Event) -> None:
        """Set `more` now, and whenever there may be more since; once more at the end, which is cancellation."""
        listener = self._listener(channel)
        task = asyncio.current_task()
        assert task is not None
        self._keep(task)
        try:
            while True:
                # Until waiting has begun the loop does nothing else: what is heard meanwhile is heard by either.
                more.set()
                await listener.wait(_NO_POSITION, _PULL_ANYWAY_SECONDS)
        finally:
            more.set()

    def _listener(self, channel: str) -> LogListener:
        known = self._listeners.get(channel)
        if known is None:
            known = LogListener(partial(asyncpg.connect, **self._connecting), channel)
            self._listeners[channel] = known
            self._keep(asyncio.create_task(known.run(), name=f"listen {channel}"))
        return known

    def _keep(self, task: asyncio.Task[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def open(self) -> None:
        await self._pool

    async def close(self) -> None:
        tasks = self._cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # close() waits for every borrowed connection; what is still in use then is cut.
        try:
            await asyncio.wait_for(self._pool.close(), _CLOSE_SECONDS)
        except TimeoutError:
            self._pool.terminate()

    def abandon(self) -> None:
        """Close without waiting, when nobody can use them any more."""
        self._cancel()
        with suppress(asyncpg.InterfaceError):
            self._pool.terminate()

    def _cancel(self) -> list[asyncio.Task[Any]]:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        return tasks


def _connecting(address: DatabaseAddress) -> dict[str, Any]:
    return {
        "database": address.database,
        "host": address.host,
        "port": address.port,
        "user": address.user,
        "password": address.password,
        "timeout": address.connect_timeout,
        "command_timeout": _ANSWER_SECONDS,
        "server_settings": {
            "search_path": identifier(address.schema),
            "application_name": f"careloop eventsourcing {address.schema}",
            "default_transaction_isolation": "read committed",
            "standard_conforming_strings": "on",
            "idle_in_transaction_session_timeout": _milliseconds(address.idle_in_transaction_timeout),
            "lock_timeout": _milliseconds(address.lock_timeout),
        },
    }


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))
