"""How far each source has come, as the sources themselves say on one compacted topic."""

import asyncio
import time
from bisect import insort
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from careloop.chassis.backoff import Backoff
from careloop.chassis.events.codec import ENCODER
from careloop.chassis.logs import BROKER
from careloop.chassis.relay.broker_access import BrokerAccess
from careloop.chassis.relay.client_cancellations import client_cancellations
from careloop.kernel.events import Instant

HEADS_TOPIC = "care.heads.v1"
HISTORY = 256
"""Heads remembered per (source, partition): a consumer further behind than that counts as older than it is."""
SILENCE_SECONDS = 8.0
START_SECONDS = 10.0
STOP_SECONDS = 5.0
AGAIN = Backoff(first=0.1, longest=5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedHead:
    """Everything `service` recorded up to `complete_through` for this partition is at or below `position`."""

    service: str
    partition: int
    position: int
    complete_through: Instant

    @property
    def key(self) -> bytes:
        return f"{self.service}:{self.partition}".encode()

    def encode(self) -> bytes:
        return ENCODER.encode(self)


_DECODER = msgspec.json.Decoder(PublishedHead)


class HeadsView:
    """The newest heads, and enough earlier ones to say how fresh a consumer is that has not come to the newest."""

    def __init__(self) -> None:
        self._heads: dict[tuple[str, int], list[tuple[int, datetime]]] = defaultdict(list)

    def note(self, head: PublishedHead) -> None:
        """Every head that was sent stays true, in whatever order it arrives; only the newest of a position matters."""
        history = self._heads[head.service, head.partition]
        entry = (head.position, head.complete_through)
        same = next((old for old in reversed(history) if old[0] == head.position), None)
        if same is not None:
            if same >= entry:
                return
            history.remove(same)
        insort(history, entry)
        del history[:-HISTORY]

    def head(self, source: str, partition: int) -> int:
        """The source's last published position in this partition; 0 when nothing is known."""
        history = self._heads.get((source, partition))
        return history[-1][0] if history else 0

    def fresh_as_of(self, source: str, partition: int, consumed_position: int) -> datetime | None:
        """The moment up to which everything the source recorded was consumed; None when that is not known."""
        history = self._heads.get((source, partition), ())
        return max((through for position, through in history if position <= consumed_position), default=None)

    def note_all(self, values: Iterable[bytes | None]) -> None:
        """Values of the heads topic; what is not a head is passed over."""
        for value in values:
            try:
                self.note(_DECODER.decode(value or b""))
            except msgspec.MsgspecError:
                structlog.get_logger().error("malformed head")


class HeadsReader:
    """Keeps a HeadsView from the heads topic: without a group, every partition, from the beginning."""

    def __init__(self, broker: BrokerAccess, view: HeadsView, topic: str = HEADS_TOPIC) -> None:
        self.view = view
        self._broker = broker
        self._topic = topic
        self._heard_at = float("-inf")

    @property
    def connected(self) -> bool:
        """Whether any head came lately; sources send theirs every few seconds, so silence means no broker."""
        return time.monotonic() - self._heard_at < SILENCE_SECONDS

    async def run(self) -> None:
        """Read for ever. A broker that is away makes the view old and never ends this; a client that hears nothing is
        replaced, since all that stands still is found by what is heard here."""
        silences = 0
        while True:
            try:
                with client_cancellations():
                    await self._read()
            except (KafkaError, OSError) as away:
                BROKER.away(type(away).__name__)
            silences = 0 if self.connected else silences + 1
            await asyncio.sleep(AGAIN.pause(1 + silences))

    async def _read(self) -> None:
        consumer = AIOKafkaConsumer(
            self._topic, **self._broker.arguments(), enable_auto_commit=False, auto_offset_reset="earliest"
        )
        try:
            await asyncio.wait_for(consumer.start(), START_SECONDS)
            began = time.monotonic()
            while time.monotonic() - max(began, self._heard_at) < SILENCE_SECONDS:
                batches = await consumer.getmany(timeout_ms=1000)
                for records in batches.values():
                    self._heard_at = time.monotonic()
                    self.view.note_all(record.value for record in records)
        finally:
            with suppress(TimeoutError):
                await asyncio.wait_for(consumer.stop(), STOP_SECONDS)
