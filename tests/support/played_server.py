"""A PostgreSQL that a test plays: sessions and connections whose every statement the test answers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from careloop.chassis.log.connections import Timeouts, kernel_errors
from careloop.chassis.log.protocol import CommandRecord, Gate, Write
from careloop.kernel.errors import Unavailable
from tests.support.histories.writes import NOON, new_event, write

FIRST, SECOND = UUID(int=1), UUID(int=2)
TICK = timedelta(microseconds=1)


class Connection:
    """A connection to a server that a test plays: `answer` is asked for every statement that is sent."""

    def __init__(self, answer: Callable[[str, tuple[Any, ...]], Any]) -> None:
        self._answer = answer
        self.closed = False

    async def _ask(self, sql: str, args: tuple[Any, ...]) -> Any:
        answer = self._answer(sql, args)
        return await answer if asyncio.iscoroutine(answer) else answer

    async def fetchrow(self, sql: str, *args: Any) -> Any:
        return await self._ask(sql, args)

    async def fetch(self, sql: str, *args: Any) -> Any:
        return await self._ask(sql, args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        return await self._ask(sql, args)

    async def execute(self, sql: str, *args: Any) -> Any:
        return await self._ask(sql, args)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        yield

    def is_closed(self) -> bool:
        return self.closed

    def terminate(self) -> None:
        self.closed = True


class Server:
    """Sessions of a server that a test plays. `refused` connections are refused before any statement is sent."""

    timeouts = Timeouts(acquire=0.1, statement=0.2, resolve=0.2)

    def __init__(self, answer: Callable[[str, tuple[Any, ...]], Any]) -> None:
        self._answer = answer
        self.connections: list[Connection] = []
        self.purposes: list[str] = []
        self.refused = 0

    async def set_clock(self, _connection: Connection) -> None:
        """The time of this server is everybody's."""

    async def connect(self, purpose: str) -> Connection:
        if self.refused:
            self.refused -= 1
            raise Unavailable("store-unavailable", "away")
        self.purposes.append(purpose)
        self.connections.append(Connection(self._answer))
        return self.connections[-1]

    @asynccontextmanager
    async def borrow(self) -> AsyncIterator[Connection]:
        with kernel_errors():
            yield await self.connect("pool")


def row(record: CommandRecord) -> dict[str, Any]:
    """The record as the server's table of commands has it."""
    key = record.key
    found = {name: getattr(record, name) for name in record.__struct_fields__ if name != "key"}
    return found | {"id": key.command_id, "stream": key.stream_id, "caller": key.caller, "kind": str(key.kind)}


def record_of(asked: Write, **changes: Any) -> CommandRecord:
    told: dict[str, Any] = {
        "key": asked.key,
        "digest": asked.digest,
        "last_position": 7,
        "events": len(asked.events),
        "recorded_at": NOON,
    }
    return CommandRecord(**{**told, **changes})


def gate(partition: int = 0, last: int = 0, position: int = 1, consumer: str = "c", source: str = "s") -> Gate:
    return Gate(consumer=consumer, source=source, partition=partition, last=last, position=position)


def one_event(stream: UUID | None = None, **changes: Any) -> Write:
    return write(stream or uuid4(), 0, new_event(), **changes)
