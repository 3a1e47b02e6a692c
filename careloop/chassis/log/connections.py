"""Connections to one service's schema: every wait has a deadline, every failure becomes one of the kernel's errors."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Self

import asyncpg

from careloop.chassis.log.protocol import GateClosed
from careloop.chassis.secret_files import read_password
from careloop.kernel.errors import Conflict, RequestIdReused, Unavailable

# A read-only or full server is as unavailable as one that is gone. Losing a connection shows as InterfaceError too.
NO_ANSWER = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.TransactionRollbackError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)

_LOG_CONSTRAINTS = frozenset(
    {"events_pkey", "events_notification_id_key", "events_event_id_key", "decided_commands_pkey"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds. `acquire` < `statement` < the caller's own deadline; `resolve` bounds finding out how a commit ended."""

    acquire: float = 2
    statement: float = 5
    resolve: float = 2

    def __post_init__(self) -> None:
        if not self.acquire < self.statement:
            raise ValueError("acquiring must time out before a statement does")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolUse:
    """Connections that are borrowed, that wait to be, and that might still be made."""

    used: int
    idle: int
    free: int


@contextmanager
def kernel_errors() -> Iterator[None]:
    """What PostgreSQL and its client raise, in the kernel's words. Texts of the server are not passed on."""
    try:
        yield
    except asyncpg.PostgresError as error:
        known = _refusal(error)
        if known is None:
            raise
        raise known from None
    except NO_ANSWER as error:
        raise unavailable() from error


def _refusal(error: asyncpg.PostgresError) -> Exception | None:
    if error.sqlstate == "CLG01":
        return GateClosed()
    if error.sqlstate == "CLR01":
        return reused()
    if error.sqlstate == "CLC01" or error.constraint_name in _LOG_CONSTRAINTS:
        return conflict()
    return unavailable() if isinstance(error, NO_ANSWER) else None


def unavailable() -> Unavailable:
    return Unavailable("store-unavailable", "The store did not answer in time; retry with the same request_id.")


def conflict() -> Conflict:
    return Conflict("stream-changed", "This record was changed at the same time; read it again and retry.")


def reused() -> RequestIdReused:
    return RequestIdReused("request-id-reused", "This request_id was used for another request.", field="request_id")


async def _keep_settings(_connection: asyncpg.Connection) -> None:
    """Pooled sessions set nothing of their own; asyncpg has already rolled back what was left open."""


_SET_AHEAD = "select set_config('careloop.ahead', $1, false)"

Ahead = Callable[[], timedelta]
"""How far the clock of a local stack is ahead of the machine."""


class Connections:
    """A pool of connections whose search path is one schema.

    Where the clock of a local stack can be set, sessions are given how far it is `ahead` before they are used: the
    functions of the store add it to the server's time.
    """

    def __init__(
        self,
        dsn: str,
        schema: str,
        *,
        timeouts: Timeouts,
        size: int,
        password_file: Path | None = None,
        ahead: Ahead | None = None,
    ) -> None:
        self.schema = schema
        self.timeouts = timeouts
        self._ahead = ahead
        self._connecting: dict[str, Any] = {
            "dsn": dsn,
            # Read for every new connection, as asyncpg does with the certificates that the address names.
            **({} if password_file is None else {"password": partial(read_password, password_file)}),
            "timeout": timeouts.acquire,
            "command_timeout": timeouts.statement + 1,
            "server_settings": _server_settings(schema, timeouts),
        }
        self._pool = asyncpg.create_pool(**self._connecting, min_size=0, max_size=size, reset=_keep_settings)

    async def __aenter__(self) -> Self:
        await self._pool
        return self

    async def __aexit__(self, *_error: object) -> None:
        # close() waits for every borrowed connection; what a dead server holds is cut instead.
        try:
            await asyncio.wait_for(self._pool.close(), self.timeouts.statement)
        except TimeoutError:
            self._pool.terminate()

    def use(self) -> PoolUse:
        """How the pool stands now."""
        size, idle = self._pool.get_size(), self._pool.get_idle_size()
        return PoolUse(used=size - idle, idle=idle, free=self._pool.get_max_size() - size)

    async def connect(self, purpose: str = "own connection") -> asyncpg.Connection:
        """A connection of one's own, outside the pool; the server's list of sessions shows its purpose."""
        named = {**self._connecting["server_settings"], "application_name": f"careloop {self.schema} {purpose}"}
        with kernel_errors():
            connection = await asyncpg.connect(**{**self._connecting, "server_settings": named})
        await self.set_clock(connection)
        return connection

    async def set_clock(self, connection: asyncpg.Connection) -> None:
        """Gives the session the time as it is now, where that is not the server's. Raises Unavailable."""
        if self._ahead is not None and (ahead := self._ahead()):
            with kernel_errors():
                await connection.execute(_SET_AHEAD, f"{ahead.total_seconds():.6f} seconds")

    @asynccontextmanager
    async def borrow(self) -> AsyncIterator[asyncpg.Connection]:
        """Borrow a connection. Raises Unavailable when none is free in time or the server is lost while it is used."""
        with kernel_errors():
            async with self._pool.acquire(timeout=self.timeouts.acquire) as connection:
                await self.set_clock(connection)
                yield connection

    async def fetch(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        async with self.borrow() as connection:
            rows: list[asyncpg.Record] = await connection.fetch(sql, *args)
            return rows

    async def fetchrow(self, sql: str, *args: Any) -> asyncpg.Record | None:
        async with self.borrow() as connection:
            return await connection.fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        async with self.borrow() as connection:
            return await connection.fetchval(sql, *args)


class OwnConnection:
    """A connection of one's own that is made when it is needed, and made again after it was lost."""

    def __init__(self, connections: Connections, purpose: str) -> None:
        self._connections = connections
        self._purpose = purpose
        self._connection: asyncpg.Connection | None = None

    async def get(self) -> asyncpg.Connection:
        """Raises Unavailable."""
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connections.connect(self._purpose)
        else:
            await self._connections.set_clock(self._connection)
        return self._connection

    def hang_up(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


def _server_settings(schema: str, timeouts: Timeouts) -> dict[str, str]:
    milliseconds = str(int(timeouts.statement * 1000))
    return {
        "search_path": schema,
        "application_name": f"careloop {schema}",
        "default_transaction_isolation": "read committed",
        # Every statement is a probe by key or a page in key order, whatever its arguments: planning it for them each
        # time took as long as running it.
        "plan_cache_mode": "force_generic_plan",
        "statement_timeout": milliseconds,
        # A process that stops between two statements must not keep the log's lock.
        "idle_in_transaction_session_timeout": milliseconds,
        "client_connection_check_interval": "1000",
    }
