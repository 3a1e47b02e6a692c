"""Records to Kafka: whole batches per partition, acknowledged by all replicas, each send with a deadline of its own."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from careloop.chassis.events.envelope import Record, to_headers
from careloop.chassis.relay.broker_access import BrokerAccess
from careloop.chassis.relay.client_cancellations import client_cancellations
from careloop.chassis.relay.heads import PublishedHead
from careloop.chassis.tracing.path import TRACEPARENT, Publication, traceparent
from careloop.chassis.tracing.spans import is_on as is_traced

BATCH_BYTES = 256 * 1024
STOP_SECONDS = 1.0
BROKER_TROUBLE = (KafkaError, OSError)
"""What a broker that is away, restarting or confused shows itself as; TimeoutError is an OSError."""


Ack = asyncio.Future[Any]
"""What ends when the broker has a batch."""


class Producer:
    """One producer's life. After any failure it is thrown away: an idempotent producer that missed an answer may
    refuse every later batch (aiokafka #1017), and what is known to be sent is what the checkpoint says."""

    def __init__(self, broker: BrokerAccess, topic: str, heads_topic: str, *, deadline_seconds: float) -> None:
        self._client = AIOKafkaProducer(
            **broker.arguments(),
            acks="all",
            enable_idempotence=True,
            max_batch_size=BATCH_BYTES,
            request_timeout_ms=int(deadline_seconds * 1000),
        )
        self._topic = topic
        self._heads_topic = heads_topic
        self._deadline = deadline_seconds

    async def start(self) -> int:
        """Connect, and answer how many partitions the topic has. Raises BROKER_TROUBLE."""
        async with asyncio.timeout(self._deadline):
            await self._client.start()
            return len(await self._client.partitions_for(self._topic))

    async def close(self) -> None:
        """Let go of everything at once; batches that were not acknowledged are abandoned."""
        try:
            with client_cancellations():
                await asyncio.wait_for(self._client.stop(), STOP_SECONDS)
        except (TimeoutError, *BROKER_TROUBLE):
            # stop() waits for batches that never expire; its parts can be closed without.
            for part in (self._client._sender, self._client.client):
                with suppress(TimeoutError, *BROKER_TROUBLE), client_cancellations():
                    await asyncio.wait_for(part.close(), STOP_SECONDS)

    async def accept(self, runs: Mapping[int, Sequence[Record]]) -> list[Ack]:
        """Hand over each partition's records, after all that were handed over before. Raises BROKER_TROUBLE.

        The producer keeps one batch of a partition in flight and numbers them, so none can overtake.
        """
        async with asyncio.timeout(self._deadline):
            taken = await asyncio.gather(*(self._accept_in(partition, run) for partition, run in runs.items()))
        return [ack for acks in taken for ack in acks]

    async def _accept_in(self, partition: int, run: Sequence[Record]) -> list[Ack]:
        acks: list[Ack] = []
        start = 0
        while start < len(run):
            first, batch = start, self._client.create_batch()
            while start < len(run) and _appended(batch, run[start]):
                start += 1
            acks.append(await self._client.send_batch(batch, self._topic, partition=partition))
            if is_traced():
                acks[-1].add_done_callback(partial(_publication_ends, Publication(self._topic), run[first:start]))
        return acks

    async def delivered(self, acks: Sequence[Ack]) -> None:
        """Return when all are acknowledged. Raises BROKER_TROUBLE."""
        async with asyncio.timeout(self._deadline):
            await asyncio.gather(*acks)

    async def send_heads(self, heads: Iterable[PublishedHead]) -> None:
        async with asyncio.timeout(self._deadline):
            acks = [await self._client.send(self._heads_topic, head.encode(), key=head.key) for head in heads]
            await asyncio.gather(*acks)


def _publication_ends(publication: Publication, run: Sequence[Record], ack: "asyncio.Future[Any]") -> None:
    failure = ack.exception() if not ack.cancelled() else asyncio.CancelledError()
    publication.ended([record.envelope for record in run], failure)


def _appended(batch: Any, record: Record) -> bool:
    """False when the batch is full."""
    envelope = record.envelope
    headers = to_headers(envelope)
    if is_traced():
        headers.append((TRACEPARENT, traceparent(envelope)))
    added = batch.append(
        key=str(envelope.patient_id).encode(),
        value=record.value,
        timestamp=int(envelope.recorded_at.timestamp() * 1000),
        headers=headers,
    )
    return added is not None
