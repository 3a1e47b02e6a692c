"""Records to Kafka: whole batches per partition, acknowledged by all replicas, each send with a deadline of its own."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from careloop.chassis.envelope import Record, to_headers
from careloop.chassis.heads import PublishedHead
from careloop.chassis.partitioner import partition_of

BATCH_BYTES = 256 * 1024
STOP_SECONDS = 1.0
BROKER_TROUBLE = (KafkaError, OSError)
"""What a broker that is away, restarting or confused shows itself as; TimeoutError is an OSError."""


class Sender:
    """One producer's life. After any failure it is thrown away: an idempotent producer that missed an answer may
    refuse every later batch (aiokafka #1017), and what is known to be sent is what the checkpoint says."""

    def __init__(
        self, bootstrap: str, topic: str, heads_topic: str, *, partitions: int, deadline_seconds: float
    ) -> None:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            acks="all",
            enable_idempotence=True,
            max_batch_size=BATCH_BYTES,
            request_timeout_ms=int(deadline_seconds * 1000),
        )
        self._topic = topic
        self._heads_topic = heads_topic
        self._partitions = partitions
        self._deadline = deadline_seconds

    async def start(self) -> int:
        """Connect, and answer how many partitions the topic has. Raises BROKER_TROUBLE."""
        async with asyncio.timeout(self._deadline):
            await self._producer.start()
            return len(await self._producer.partitions_for(self._topic))

    async def close(self) -> None:
        """Let go of everything at once; batches that were not acknowledged are abandoned."""
        try:
            await asyncio.wait_for(self._producer.stop(), STOP_SECONDS)
        except (TimeoutError, *BROKER_TROUBLE):
            # stop() waits for batches that never expire; its parts can be closed without.
            await self._producer._sender.close()
            await self._producer.client.close()

    async def send(self, records: Iterable[Record]) -> None:
        """Return when all are acknowledged; order is kept within a partition. Raises BROKER_TROUBLE."""
        by_partition: dict[int, list[Record]] = defaultdict(list)
        for record in records:
            by_partition[partition_of(record.envelope.patient_id, self._partitions)].append(record)
        async with asyncio.timeout(self._deadline):
            await asyncio.gather(*(self._send_to(partition, run) for partition, run in by_partition.items()))

    async def _send_to(self, partition: int, run: Sequence[Record]) -> None:
        """Batch after batch: the next one leaves when the last is acknowledged, so none can overtake."""
        start = 0
        while start < len(run):
            batch = self._producer.create_batch()
            while start < len(run) and _appended(batch, run[start]):
                start += 1
            await (await self._producer.send_batch(batch, self._topic, partition=partition))

    async def send_heads(self, heads: Iterable[PublishedHead]) -> None:
        async with asyncio.timeout(self._deadline):
            acks = [await self._producer.send(self._heads_topic, head.encode(), key=head.key) for head in heads]
            await asyncio.gather(*acks)


def _appended(batch: Any, record: Record) -> bool:
    """False when the batch is full."""
    envelope = record.envelope
    added = batch.append(
        key=str(envelope.patient_id).encode(),
        value=record.value,
        timestamp=int(envelope.recorded_at.timestamp() * 1000),
        headers=to_headers(envelope),
    )
    return added is not None
