"""How a proxy tells the requests and answers of a protocol apart, without reading more of them than that."""

import asyncio
from typing import Protocol

_READY_FOR_QUERY = b"Z\x00\x00\x00\x05I"
_PRODUCE = b"\x00\x00"
_OFFSET_COMMIT = b"\x00\x08"


def produce_to(topic: str) -> bytes:
    """Means a request that brings records to this topic."""
    return _PRODUCE + topic.encode()


def offset_commit_of(group: str) -> bytes:
    """Means a request that keeps how far this consumer group has read."""
    return _OFFSET_COMMIT + group.encode()


class Wire(Protocol):
    """What a proxy must know of a protocol."""

    async def piece(self, stream: asyncio.StreamReader) -> bytes:
        """What may be passed on next; empty when the other side has closed."""

    def is_wanted(self, request: bytes, wanted: bytes) -> bool:
        """Whether the request is one that `wanted` means."""

    def ends(self, answer: bytes, request: bytes) -> bool:
        """Whether with this the answer to the request is complete."""

    def passed_on(self, answer: bytes, port: int) -> bytes:
        """The answer as a client of the proxy on this port gets it."""


class PostgresWire:
    """A request is wanted when it holds the bytes, in its text or its parameters."""

    async def piece(self, stream: asyncio.StreamReader) -> bytes:
        return await stream.read(65_536)

    def is_wanted(self, request: bytes, wanted: bytes) -> bool:
        return wanted in request

    def ends(self, answer: bytes, request: bytes) -> bool:
        return answer.endswith(_READY_FOR_QUERY)

    def passed_on(self, answer: bytes, port: int) -> bytes:
        return answer


class KafkaWire:
    """A request is wanted when it is of the wanted kind and names what is wanted. `bootstrap` is the broker behind the
    proxy: where it tells its own address, a client gets the proxy's, and so never goes round it."""

    def __init__(self, bootstrap: str) -> None:
        host, port = bootstrap.split(":")
        self._host = host.encode()
        self._port = int(port)

    async def piece(self, stream: asyncio.StreamReader) -> bytes:
        try:
            size = await stream.readexactly(4)
            return size + await stream.readexactly(int.from_bytes(size, "big"))
        except asyncio.IncompleteReadError:
            return b""

    def is_wanted(self, request: bytes, wanted: bytes) -> bool:
        return request[4:6] == wanted[:2] and wanted[2:] in request

    def ends(self, answer: bytes, request: bytes) -> bool:
        """Both carry the number of the request."""
        return answer[4:8] == request[8:12]

    def passed_on(self, answer: bytes, port: int) -> bytes:
        return answer.replace(self._host + self._port.to_bytes(4, "big"), self._host + port.to_bytes(4, "big"))
