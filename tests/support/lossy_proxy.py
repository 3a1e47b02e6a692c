"""A TCP proxy in front of PostgreSQL that loses a request or its answer, as a network may."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import Enum
from urllib.parse import urlsplit

_READY_FOR_QUERY = b"Z\x00\x00\x00\x05I"


class Loss(Enum):
    """BEFORE: the request never arrives. AFTER: the server has carried it out, and its answer is lost."""

    BEFORE = "before"
    AFTER = "after"


class LossyProxy:
    """Passes bytes on until a request holds the bytes given to `lose`; that connection is then cut, once."""

    def __init__(self, upstream: tuple[str, int]) -> None:
        self._upstream = upstream
        self._wanted: tuple[bytes, Loss] | None = None
        self.port = 0
        self.losses = 0

    def lose(self, request: bytes, loss: Loss) -> None:
        self._wanted = (request, loss)

    async def serve(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        server_in, server_out = await asyncio.open_connection(*self._upstream)
        cut = asyncio.Event()
        ways = [
            asyncio.create_task(self._requests(client_in, server_out, cut)),
            asyncio.create_task(self._answers(server_in, client_out, cut)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for writer in (client_out, server_out):
                writer.transport.abort()

    async def _requests(self, client: asyncio.StreamReader, server: asyncio.StreamWriter, cut: asyncio.Event) -> None:
        while data := await client.read(65_536):
            if self._wanted is not None and self._wanted[0] in data:
                loss = self._wanted[1]
                self._wanted = None
                self.losses += 1
                if loss is Loss.BEFORE:
                    return
                cut.set()
            server.write(data)
            await server.drain()

    async def _answers(self, server: asyncio.StreamReader, client: asyncio.StreamWriter, cut: asyncio.Event) -> None:
        while data := await server.read(65_536):
            if cut.is_set():
                if data.endswith(_READY_FOR_QUERY):
                    return
                continue
            client.write(data)
            await client.drain()


@asynccontextmanager
async def lossy_proxy(dsn: str) -> AsyncIterator[tuple[LossyProxy, str]]:
    """The proxy, and the address that leads through it to the server of `dsn`."""
    parts = urlsplit(dsn)
    proxy = LossyProxy((parts.hostname or "", parts.port or 0))
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        with suppress(OSError):
            await proxy.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    through = parts._replace(netloc=parts.netloc.replace(f":{parts.port}", f":{proxy.port}"))
    try:
        yield proxy, through.geturl()
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
