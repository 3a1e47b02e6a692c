"""A TCP proxy in front of a server that loses or holds a request or its answer, as a network may."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol
from urllib.parse import urlsplit

from tests.support.wires.protocols import KafkaWire, PostgresWire, Wire


class Loss(Enum):
    """BEFORE: the request never arrives. AFTER: the server has carried it out, and its answer is lost."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True)
class _Strike:
    """What is to happen, once, at the request that `wanted` means; `happened` is set when it does."""

    wanted: bytes
    loss: Loss
    stays_open: bool
    happened: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class Delayed:
    """A request on its way: `came` is set when it is here, and it stays here until `let_go` is set."""

    wanted: bytes
    came: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)


class _Struck:
    """One connection: the request that was struck, and how."""

    def __init__(self) -> None:
        self.strike: _Strike | None = None
        self.request = b""


class LossyProxy:
    """Passes on everything until a request comes that was given to `lose`, `hold` or `delay`."""

    def __init__(self, upstream: tuple[str, int], wire: Wire) -> None:
        self._upstream = upstream
        self._wire = wire
        self._next: _Strike | None = None
        self._delayed: Delayed | None = None
        self.port = 0
        self.losses = 0

    def lose(self, request: bytes, loss: Loss) -> asyncio.Event:
        """The connection is cut, once, at the first such request; the event is set when it is."""
        return self._strike(_Strike(request, loss, stays_open=False))

    def hold(self, request: bytes, loss: Loss) -> asyncio.Event:
        """The connection stays, but the first such request, or its answer, and what follows it, comes no further than
        to this proxy; the event is set when it is here."""
        return self._strike(_Strike(request, loss, stays_open=True))

    def delay(self, request: bytes) -> Delayed:
        """The first such request waits here, however late it then arrives; other connections go on."""
        self._delayed = Delayed(request)
        return self._delayed

    def _strike(self, strike: _Strike) -> asyncio.Event:
        self._next = strike
        return strike.happened

    async def serve(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        server_in, server_out = await asyncio.open_connection(*self._upstream)
        struck = _Struck()
        ways = [
            asyncio.create_task(self._requests(client_in, server_out, struck)),
            asyncio.create_task(self._answers(server_in, client_out, struck)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for writer in (client_out, server_out):
                writer.transport.abort()

    async def _requests(self, client: asyncio.StreamReader, server: asyncio.StreamWriter, struck: _Struck) -> None:
        while data := await self._wire.piece(client):
            await self._wait(data)
            strike = self._next
            if strike is not None and self._wire.is_wanted(data, strike.wanted):
                self._next = None
                self.losses += 1
                if strike.loss is Loss.BEFORE:
                    await _swallow(strike, client)
                    return
                struck.strike, struck.request = strike, data
            server.write(data)
            await server.drain()

    async def _wait(self, data: bytes) -> None:
        delayed = self._delayed
        if delayed is not None and self._wire.is_wanted(data, delayed.wanted):
            self._delayed = None
            delayed.came.set()
            await delayed.let_go.wait()

    async def _answers(self, server: asyncio.StreamReader, client: asyncio.StreamWriter, struck: _Struck) -> None:
        while data := await self._wire.piece(server):
            if struck.strike is not None:
                if self._wire.ends(data, struck.request):
                    await _swallow(struck.strike, server)
                    return
                continue
            client.write(self._wire.passed_on(data, self.port))
            await client.drain()


async def _swallow(strike: _Strike, stream: asyncio.StreamReader) -> None:
    """Returns when the connection is to be cut."""
    strike.happened.set()
    while strike.stays_open and await stream.read(65_536):
        pass


@asynccontextmanager
async def lossy_proxy(dsn: str) -> AsyncIterator[tuple[LossyProxy, str]]:
    """The proxy, and the address that leads through it to the PostgreSQL of `dsn`."""
    parts = urlsplit(dsn)
    proxy = LossyProxy((parts.hostname or "", parts.port or 0), PostgresWire())
    async with listening(proxy):
        through = parts._replace(netloc=parts.netloc.replace(f":{parts.port}", f":{proxy.port}"))
        yield proxy, through.geturl()


@asynccontextmanager
async def lossy_broker(bootstrap: str) -> AsyncIterator[tuple[LossyProxy, str]]:
    """The proxy, and the address that leads through it to the broker of `bootstrap`."""
    host, port = bootstrap.split(":")
    proxy = LossyProxy((host, int(port)), KafkaWire(bootstrap))
    async with listening(proxy):
        yield proxy, f"{host}:{proxy.port}"


class Proxy(Protocol):
    """What is done with each connection, and the port on which it is listened for."""

    port: int

    async def serve(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None: ...


@asynccontextmanager
async def listening(proxy: Proxy) -> AsyncIterator[None]:
    """Connections to a free port are served by the proxy until the end of the block."""
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        with suppress(OSError):
            await proxy.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
