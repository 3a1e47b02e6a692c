"""One term of a relay: from the checkpoint it took over, page by page, to its first failure."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from careloop.chassis.events.envelope import Record
from careloop.chassis.events.partitioner import partition_of
from careloop.chassis.events.publishing import LogAhead, Publishing
from careloop.chassis.log.protocol import EventStore, StoredEvent
from careloop.chassis.relay.checkpoint import Leadership
from careloop.chassis.relay.heads import PublishedHead
from careloop.chassis.relay.producer import Ack, Producer
from careloop.kernel.ids import PatientId

WAIT_SECONDS = 1.0
"""The log's growth is heard of; so often it is looked for all the same."""
HEADS_AT_MOST_EVERY_SECONDS = 0.25
"""Every service reads every head: sending them after each page would cost more than sending the page."""
SHORTEST_WAIT_SECONDS = 0.01
CANCEL_SECONDS = 1.0


class LogBroken(Exception):
    """Positions of the log are not contiguous; nothing beyond the gap may be published."""


def require_contiguous(page: Sequence[StoredEvent], after: int) -> None:
    """Raises LogBroken unless the page is what follows position `after` without a gap."""
    for expected, stored in enumerate(page, start=after + 1):
        if stored.meta.position != expected:
            raise LogBroken(f"position {expected} is missing")


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayPace:
    """How much is read at once, after how many seconds an idle relay sends its heads again, how many pages may be
    handed to the producer beyond those that are acknowledged and in the checkpoint, and the seconds between two pages
    that are not full."""

    page: int
    heads_interval: float
    pages_ahead: int = 4
    gathering: float = 0.008


@dataclass(frozen=True, slots=True)
class PageUnderWay:
    """A page under way to the broker: what acknowledges it, and how far the log is sent when all of it is."""

    acks: Sequence[Ack]
    position: int
    last_published: list[int]
    recorded_at: datetime


class Term:
    """Sends what the log holds beyond the checkpoint, and says how far it has come. `moved` hears each position.

    Full pages are handed to the producer in order while those before them are under way, `pages_ahead` at most; it
    keeps one batch of a partition in flight. What is less than a page waits until all before it is acknowledged, and at
    least `gathering` seconds: the time in which the next page gathers. The checkpoint moves over what is acknowledged,
    several pages in one step when acknowledgements come faster than the store can keep it.
    """

    def __init__(
        self,
        store: EventStore,
        publishing: Publishing,
        leadership: Leadership,
        producer: Producer,
        *,
        pace: RelayPace,
        moved: Callable[[int], None],
        published: Callable[[str], None] = lambda _type_name: None,
    ) -> None:
        self._store = store
        self._publishing = publishing
        self._leadership = leadership
        self._producer = producer
        self._pace = pace
        self._moved = moved
        self._published = published
        self._position = leadership.checkpoint.position
        self._last_published = list(leadership.checkpoint.last_published)
        self._under_way: asyncio.Queue[PageUnderWay] = asyncio.Queue(pace.pages_ahead)
        self._acknowledged = asyncio.Event()
        self._acknowledged.set()
        self._handed_at = self._heads_sent_at = float("-inf")
        self._known_through: datetime | None = None

    async def follow(self) -> None:
        """Never returns; raises Unavailable, Fenced, LogBroken or what the broker's absence shows itself as.

        LogAhead is raised when all before it is sent, so that a newer build can take over; msgspec.DecodeError too, for
        an event that nobody can read.
        """
        works = [asyncio.create_task(self._send()), asyncio.create_task(self._settle())]
        try:
            ended, _others = await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
            for work in ended:
                work.result()
        finally:
            for work in works:
                work.cancel()
            await asyncio.wait(works, timeout=CANCEL_SECONDS)

    async def _send(self) -> None:
        try:
            await self._send_all()
        except (LogAhead, msgspec.DecodeError):
            await self._under_way.join()
            raise

    async def _send_all(self) -> None:
        page = await self._next_page()
        while True:
            if page:
                page = await self._relay(page)
            else:
                await asyncio.sleep(self._handed_at + self._pace.gathering - time.monotonic())
                await self._acknowledged.wait()
                await self._store.wait_for_more(self._position, WAIT_SECONDS)
                page = await self._next_page()

    async def _next_page(self) -> Sequence[StoredEvent]:
        return self._publishing.known_part(await self._store.after(self._position, self._pace.page))

    async def _relay(self, page: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
        """Hand a page to the producer while the next one is read, if there is more than this one."""
        require_contiguous(page, self._position)
        self._position = page[-1].meta.position
        reading = asyncio.create_task(self._next_page()) if len(page) == self._pace.page else None
        try:
            acks = await self._producer.accept(self._records(page))
            self._handed_at = time.monotonic()
            at = page[-1].meta.recorded_at
            self._acknowledged.clear()
            await self._under_way.put(PageUnderWay(acks, self._position, list(self._last_published), at))
            return () if reading is None else await reading
        finally:
            if reading is not None:
                reading.cancel()

    def _records(self, page: Sequence[StoredEvent]) -> dict[int, list[Record]]:
        """What is published of the page, by partition."""
        runs: dict[int, list[Record]] = defaultdict(list)
        for stored in page:
            if self._publishing.is_published(stored):
                partition = partition_of(PatientId(stored.meta.stream_id), len(self._last_published))
                record = self._publishing.record(stored, self._last_published[partition])
                runs[partition].append(record)
                self._published(record.envelope.type)
                self._last_published[partition] = stored.meta.position
        return runs

    async def _settle(self) -> None:
        """Move the checkpoint over what is acknowledged, and send the heads."""
        while True:
            try:
                async with asyncio.timeout(self._seconds_to_heads()):
                    sent = [await self._under_way.get()]
            except TimeoutError:
                await self._send_heads_when_idle()
                continue
            while not self._under_way.empty():
                sent.append(self._under_way.get_nowait())
            await self._producer.delivered([ack for page in sent for ack in page.acks])
            if self._under_way.empty():
                self._acknowledged.set()
            await self._leadership.save(sent[-1].position, sent[-1].last_published)
            self._moved(sent[-1].position)
            for _ in sent:
                self._under_way.task_done()
            self._known_through = sent[-1].recorded_at
            if time.monotonic() - self._heads_sent_at >= HEADS_AT_MOST_EVERY_SECONDS:
                await self._send_heads(self._known_through)

    def _seconds_to_heads(self) -> float:
        waiting = self._pace.heads_interval if self._known_through is None else HEADS_AT_MOST_EVERY_SECONDS
        return max(SHORTEST_WAIT_SECONDS, self._heads_sent_at + waiting - time.monotonic())

    async def _send_heads_when_idle(self) -> None:
        """Those of what was just sent, if not out yet; else, from time to time, that there was nothing to send."""
        if self._known_through is not None:
            await self._send_heads(self._known_through)
            return
        quiet = await self._leadership.quiet_moment()
        if quiet.head == self._leadership.checkpoint.position:
            await self._send_heads(quiet.at)

    async def _send_heads(self, complete_through: datetime) -> None:
        await self._producer.send_heads(
            PublishedHead(
                service=self._publishing.service,
                partition=partition,
                position=position,
                complete_through=complete_through,
            )
            for partition, position in enumerate(self._leadership.checkpoint.last_published)
        )
        self._heads_sent_at = time.monotonic()
        self._known_through = None
