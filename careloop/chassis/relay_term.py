"""One term of a relay: from the checkpoint it took over, page by page, to its first failure."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from careloop.chassis.envelope import Record
from careloop.chassis.event_store import EventStore, StoredEvent
from careloop.chassis.heads import PublishedHead
from careloop.chassis.partitioner import partition_of
from careloop.chassis.published import Publishing
from careloop.chassis.relay_checkpoint import Leadership
from careloop.chassis.sending import Sender
from careloop.kernel.ids import PatientId

WAIT_SECONDS = 0.25
HEADS_AT_MOST_EVERY_SECONDS = 0.05


class LogBroken(Exception):
    """Positions of the log are not contiguous; nothing beyond the gap may be published."""


def require_contiguous(page: Sequence[StoredEvent], after: int) -> None:
    """Raises LogBroken unless the page is what follows position `after` without a gap."""
    for expected, stored in enumerate(page, start=after + 1):
        if stored.meta.position != expected:
            raise LogBroken(f"position {expected} is missing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much is read at once, and the seconds after which an idle relay tells its heads again."""

    page: int
    heads_interval: float


class Term:
    """Sends what the log holds beyond the checkpoint, and tells how far it has come. `moved` hears each position."""

    def __init__(
        self,
        store: EventStore,
        publishing: Publishing,
        leadership: Leadership,
        sender: Sender,
        *,
        pace: Pace,
        moved: Callable[[int], None],
    ) -> None:
        self._store = store
        self._publishing = publishing
        self._leadership = leadership
        self._sender = sender
        self._pace = pace
        self._moved = moved
        self._position = leadership.checkpoint.position
        self._last_published = list(leadership.checkpoint.last_published)
        self._heads_told_at = float("-inf")
        self._known_through: datetime | None = None

    async def follow(self) -> None:
        """Never returns; raises Unavailable, Fenced, LogBroken or what the broker's absence shows itself as."""
        page = await self._next_page()
        while True:
            if page:
                page = await self._relay(page)
            else:
                await self._tell_when_idle()
                await self._store.wait_for_more(self._position, self._wait_seconds())
                page = await self._next_page()

    def _wait_seconds(self) -> float:
        until_heads = self._heads_told_at + self._pace.heads_interval - time.monotonic()
        return min(WAIT_SECONDS, max(0.01, until_heads))

    async def _next_page(self) -> Sequence[StoredEvent]:
        return await self._store.after(self._position, self._pace.page)

    async def _relay(self, page: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
        """Send a page while the next one is read; the checkpoint moves when all is acknowledged."""
        require_contiguous(page, self._position)
        self._position = page[-1].meta.position
        reading = asyncio.create_task(self._next_page())
        try:
            await self._sender.send(self._records(page))
            await self._leadership.save(self._position, list(self._last_published))
            self._moved(self._position)
            self._known_through = page[-1].meta.recorded_at
            if time.monotonic() - self._heads_told_at >= HEADS_AT_MOST_EVERY_SECONDS:
                await self._tell(self._known_through)
            return await reading
        finally:
            reading.cancel()

    def _records(self, page: Sequence[StoredEvent]) -> list[Record]:
        records = []
        for stored in page:
            if self._publishing.is_published(stored):
                partition = partition_of(PatientId(stored.meta.stream_id), len(self._last_published))
                records.append(self._publishing.record(stored, self._last_published[partition]))
                self._last_published[partition] = stored.meta.position
        return records

    async def _tell_when_idle(self) -> None:
        """What was just sent, at once; else, from time to time, that there was nothing to send."""
        if time.monotonic() - self._heads_told_at >= self._pace.heads_interval:
            quiet = await self._leadership.quiet_moment()
            if quiet.head == self._position:
                await self._tell(quiet.at)
        elif self._known_through is not None:
            await self._tell(self._known_through)

    async def _tell(self, complete_through: datetime) -> None:
        await self._sender.send_heads(
            PublishedHead(
                service=self._publishing.service,
                partition=partition,
                position=position,
                complete_through=complete_through,
            )
            for partition, position in enumerate(self._last_published)
        )
        self._heads_told_at = time.monotonic()
        self._known_through = None
