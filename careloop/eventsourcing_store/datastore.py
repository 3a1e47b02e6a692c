"""One schema of one database for synchronous callers of any thread."""

import weakref
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self, TypeVar

import asyncpg
from eventsourcing.persistence import ConnectionPoolClosedError, PersistenceError, ProgrammingError

from careloop.eventsourcing_store.connections import Connections, DatabaseAddress
from careloop.eventsourcing_store.loop_thread import LoopThread, loop_thread
from careloop.eventsourcing_store.server_errors import library_errors

Result = TypeVar("Result")

# Tables that the first migration of every service makes.
_SERVICE_TABLES = ["consumed_positions", "relay_checkpoint"]


class Transaction:
    """An open transaction, for the thread that opened it. Arguments are named `$1`, `$2`, ... in the statement."""

    def __init__(self, datastore: "Datastore", connection: asyncpg.Connection) -> None:
        self._datastore = datastore
        self._connection = connection

    def execute(self, sql: str, *args: Any) -> str:
        """Run a statement, or without arguments several; answers the status of the last."""
        status: str = self._datastore.run(lambda: self._connection.execute(sql, *args))
        return status

    def fetch(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = self._datastore.run(lambda: self._connection.fetch(sql, *args))
        return rows

    def fetchval(self, sql: str, *args: Any) -> Any:
        """The first value of the first row, or None."""
        return self._datastore.run(lambda: self._connection.fetchval(sql, *args))


class Datastore:
    """Raises the library's own errors only. Opening connects to nothing; the first statement does.

    After `close` every call raises ConnectionPoolClosedError, in a forked child ProgrammingError.
    """

    def __init__(self, address: DatabaseAddress) -> None:
        self.schema = address.schema
        self.loop_thread = loop_thread()
        self.connections = self.loop_thread.run(_opened(address))
        self._closed = False
        self._checked = False
        self._finalizer = weakref.finalize(self, _abandon, self.loop_thread, self.connections)
        self._finalizer.atexit = False

    def run(self, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Carry out on the loop, to the end."""
        self.require_open()
        with library_errors():
            return self.loop_thread.run(work())

    def require_open(self) -> None:
        if self._closed:
            raise ConnectionPoolClosedError("the datastore is closed")

    def fetch(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        async def rows() -> list[asyncpg.Record]:
            async with self.connections.borrow() as connection:
                found: list[asyncpg.Record] = await connection.fetch(sql, *args)
                return found

        return self.run(rows)

    def fetchval(self, sql: str, *args: Any) -> Any:
        """The first value of the first row, or None."""
        rows = self.fetch(sql, *args)
        return rows[0][0] if rows else None

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Commits at the end of the block, rolls back if it raises. How a lost COMMIT ended is not found out."""
        connection = self.run(self.connections.acquire)
        try:
            transaction = connection.transaction()
            self.run(transaction.start)
            try:
                yield Transaction(self, connection)
            except BaseException:
                # On a lost connection there is nothing left to roll back.
                with suppress(PersistenceError):
                    self.run(transaction.rollback)
                raise
            self.run(transaction.commit)
        finally:
            self.run(lambda: self.connections.release(connection))

    def refuse_service_schema(self) -> None:
        """Raises ProgrammingError in the schema of a service: its log is written by that service alone."""
        if self._checked:
            return
        if self.fetchval(
            """select exists (select from pg_catalog.pg_class c
               join pg_catalog.pg_namespace n on n.oid = c.relnamespace
               where n.nspname = $1 and c.relname = any($2))""",
            self.schema,
            _SERVICE_TABLES,
        ):
            raise ProgrammingError(f"schema {self.schema!r} holds the log of a service; use a schema of your own")
        self._checked = True

    def close(self) -> None:
        if not self._closed and self.loop_thread.is_alive:
            self._closed = True
            self._finalizer.detach()
            self.loop_thread.run(self.connections.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


async def _opened(address: DatabaseAddress) -> Connections:
    connections = Connections(address)
    await connections.open()
    return connections


def _abandon(thread: LoopThread, connections: Connections) -> None:
    if thread.is_alive:
        thread.call_soon(connections.abandon)
