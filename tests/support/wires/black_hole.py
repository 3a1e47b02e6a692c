"""A TCP proxy behind which a server can vanish without a word: nothing is passed on, and nothing is closed."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import urlsplit

from tests.support.wires.lossy_proxy import listening
from tests.support.wires.protocols import KafkaWire, PostgresWire, Wire


class BlackHole:
    """Passes everything on, until `swallowing` holds back what comes, on connections that are there and on new ones.
    What was held back goes on afterwards, as on a network that comes back before anybody has given up."""

    def __init__(self, upstream: tuple[str, int], wire: Wire) -> None:
        self._upstream = upstream
        self._wire = wire
        self._passing = asyncio.Event()
        self._passing.set()
        self.port = 0

    @contextmanager
    def swallowing(self) -> Iterator[None]:
        self._passing.clear()
        try:
            yield
        finally:
            self._passing.set()

    async def serve(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        await self._passing.wait()
        server_in, server_out = await asyncio.open_connection(*self._upstream)
        ways = [
            asyncio.create_task(self._pass_on(client_in, server_out, 0)),
            asyncio.create_task(self._pass_on(server_in, client_out, self.port)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for writer in (client_out, server_out):
                writer.transport.abort()

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, answers_to: int) -> None:
        while data := await self._wire.piece(source):
            await self._passing.wait()
            target.write(self._wire.passed_on(data, answers_to) if answers_to else data)
            await target.drain()


@asynccontextmanager
async def postgres_behind(dsn: str) -> AsyncIterator[tuple[BlackHole, str]]:
    """The proxy, and the address that leads through it to the PostgreSQL of `dsn`."""
    parts = urlsplit(dsn)
    proxy = BlackHole((parts.hostname or "", parts.port or 0), PostgresWire())
    async with listening(proxy):
        yield proxy, parts._replace(netloc=parts.netloc.replace(f":{parts.port}", f":{proxy.port}")).geturl()


@asynccontextmanager
async def broker_behind(bootstrap: str) -> AsyncIterator[tuple[BlackHole, str]]:
    """The proxy, and the address that leads through it to the broker of `bootstrap`."""
    host, port = bootstrap.split(":")
    proxy = BlackHole((host, int(port)), KafkaWire(bootstrap))
    async with listening(proxy):
        yield proxy, f"{host}:{proxy.port}"
