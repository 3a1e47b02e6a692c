"""Calls to the other services: what they published is read from their own logs, with a service's token."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Self

import grpc
import grpc.aio
from care.operations.v1 import operations_pb2 as wire
from care.operations.v1.operations_pb2_grpc import OperationsServiceStub

from careloop.chassis.calls.server import LARGEST_MESSAGE
from careloop.chassis.calls.tls import PeerChannels, TlsFiles
from careloop.chassis.calls.token_signing import ServiceTokens
from careloop.chassis.events.envelope import Record, from_headers
from careloop.kernel.errors import Unavailable

READ_SECONDS = 30.0
Run = Sequence[Record]


class PeerLogs:
    """The published records of each peer. Keeps the PublishedElsewhere protocol; closes its channels at exit."""

    def __init__(
        self,
        peers: Mapping[str, str],
        tokens: ServiceTokens,
        *,
        read_seconds: float = READ_SECONDS,
        tls: TlsFiles | None = None,
    ) -> None:
        self._peers = dict(peers)
        self._tokens = tokens
        self._read_seconds = read_seconds
        self._channels = PeerChannels(tls, (("grpc.max_receive_message_length", LARGEST_MESSAGE),))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._channels.close()

    async def read_published(self, source: str, partition: int, after: int, through: int) -> Run:
        """All records that `source` published to `partition` in (after, through], in order. Raises Unavailable."""
        async with aclosing(self.read(source, partition, after, through)) as runs:
            return [record async for run in runs for record in run]

    async def read(
        self, source: str, partition: int, after: int, through: int
    ) -> AsyncGenerator[Sequence[Record], None]:
        """The same in runs; `through` 0 for all there are. Raises Unavailable when the source gives no answer."""
        while True:
            last = after
            try:
                async with aclosing(self._stream(source, partition, after, through)) as runs:
                    async for run in runs:
                        yield run
                        after = run[-1].envelope.position
                return
            except grpc.aio.AioRpcError as failure:
                # A stream ends with its token or its time; another goes on behind what it brought.
                if after == last:
                    raise Unavailable("peer-unavailable", f"{source} gave no answer: {failure.code().name}.") from None

    async def _stream(
        self, source: str, partition: int, after: int, through: int
    ) -> AsyncGenerator[Sequence[Record], None]:
        request = wire.ReadPublishedRequest(partition=partition, after=after, through=through)
        token = self._tokens.token_for(source)
        call = OperationsServiceStub(self._channel(source)).ReadPublished(
            request, timeout=self._read_seconds, metadata=(("authorization", f"Bearer {token}"),)
        )
        try:
            async for answer in call:
                if answer.records:
                    yield [_record(one) for one in answer.records]
        finally:
            call.cancel()

    def _channel(self, source: str) -> grpc.aio.Channel:
        address = self._peers.get(source)
        if address is None:
            raise Unavailable("peer-unknown", f"No address of {source} is set.")
        return self._channels.to(address)


def _record(published: wire.PublishedRecord) -> Record:
    return Record(envelope=from_headers(published.headers.items()), value=published.value)
