"""Consuming exactly once in effect: every consumer of every service takes its records through here."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from enum import Enum
from typing import Protocol

from careloop.chassis.consuming.handler import Handler, KeepsState, PublishedElsewhere
from careloop.chassis.consuming.inbox_log import InboxLog, InboxObserver, Place
from careloop.chassis.consuming.parked_records import ParkedRecords
from careloop.chassis.consuming.partition import Applier, Lane
from careloop.chassis.consuming.position_gate import PositionGate
from careloop.chassis.events.envelope import MalformedEnvelope, Record, from_headers
from careloop.chassis.log.protocol import EventStore, GateClosed

FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 2.0
MOST_RECORDS = 1_000

Key = tuple[str, int]


class RawRecord(Protocol):
    """A record as a Kafka client hands it over."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...

    @property
    def value(self) -> bytes | None: ...


class Taken(Enum):
    """What became of a batch, and with it of its offsets.

    DONE: its effects are stored, so they may be committed. HELD: something before it is missing; the batch is kept
    here, and its offsets must not be committed. AGAIN: it was let go and must be delivered again.
    """

    DONE = "done"
    HELD = "held"
    AGAIN = "again"


class Inbox:
    """Takes one consumer's records, in any order and however often, and applies each once, in order, without a hole.

    What is missing is waited for `patience_seconds`, then fetched from the source by `watch`; a missing last record,
    which none after it shows, once the partition is doubted. A unit that fails for a
    passing reason is tried again for at most `give_up_seconds`, which must be less than Kafka's maximum poll
    interval. A record that cannot be applied parks its patient; everyone else goes on.
    """

    def __init__(
        self,
        store: EventStore,
        handler: Handler,
        *,
        parked: ParkedRecords,
        elsewhere: PublishedElsewhere,
        observer: InboxObserver | None = None,
        patience_seconds: float = 5.0,
        give_up_seconds: float = 60.0,
    ) -> None:
        self.handler = handler
        self._store = store
        self._parked = parked
        self._elsewhere = elsewhere
        self._observer = observer or InboxLog()
        self._applier = Applier(store, handler, parked, self._observer)
        self._patience = patience_seconds
        self._give_up = give_up_seconds
        self._lanes: dict[Key, Lane] = {}
        self._locks: dict[Key, asyncio.Lock] = {}
        self._doubted: dict[Key, float] = {}

    @property
    def consumer(self) -> str:
        return self.handler.consumer

    @property
    def most_records(self) -> int:
        """How many records it is glad to be given at once."""
        return int(getattr(self.handler, "most_records", MOST_RECORDS))

    async def take(self, source: str, partition: int, records: Sequence[RawRecord]) -> Taken:
        """Take a batch of one partition, in the topic's order. Raises nothing but cancellation."""
        key = (source, partition)
        async with self._lock(key):
            if self._was_overtaken(key) or not await self._patiently(key, lambda: self._admit(key, records)):
                return Taken.AGAIN
            lane = self._lanes.get(key)
            if lane is None:  # the partition went to another owner meanwhile
                return Taken.AGAIN
            return Taken.DONE if lane.is_whole else Taken.HELD

    async def watch(self) -> None:
        """Fetch for ever from its source what has been missing for longer than patience allows."""
        while True:
            await asyncio.sleep(self._patience / 4)
            for key in self._overdue():
                await self._fill(key)

    def doubt(self, source: str, partition: int) -> None:
        """The topic brings nothing although its source says that it has more: unless that comes in the time that
        patience allows, the source is asked for it."""
        self._doubted.setdefault((source, partition), time.monotonic())

    def _overdue(self) -> list[Key]:
        missing = {key: lane.missing_since for key, lane in self._lanes.items() if lane.missing_since is not None}
        now = time.monotonic()
        return [key for key, since in (self._doubted | missing).items() if now - since >= self._patience]

    def holds(self, source: str, partition: int) -> bool:
        """Whether records of this partition wait here because one before them is missing or contradicts them."""
        lane = self._lanes.get((source, partition))
        return lane is not None and not lane.is_whole

    def holds_any(self, source: str) -> bool:
        """Whether records of any partition of this source wait here for one before them."""
        return any(
            not (lane.is_whole or lane.overtaken) for (of, _partition), lane in self._lanes.items() if of == source
        )

    def forget(self, source: str, partition: int) -> None:
        """Another instance may own the partition now: what is remembered of it is read again when it comes back."""
        self._lanes.pop((source, partition), None)
        self._doubted.pop((source, partition), None)
        if isinstance(self.handler, KeepsState):
            self.handler.forget(source, partition)

    def forget_all(self, source: str) -> None:
        """Of every partition of this source: records that were held here come again with a new Kafka client."""
        for of, partition in list(self._lanes):
            if of == source:
                self.forget(of, partition)

    @asynccontextmanager
    async def paused(self, source: str) -> AsyncIterator[None]:
        """Nothing of `source` is applied meanwhile; afterwards what is remembered of it is read again."""
        async with AsyncExitStack() as locks:
            keys = sorted(key for key in self._locks if key[0] == source)
            for key in keys:
                await locks.enter_async_context(self._locks[key])
            yield
            for key in keys:
                self.forget(*key)

    def _was_overtaken(self, key: Key) -> bool:
        """Whether what is held of this partition must be read again, because another owner moved on meanwhile."""
        lane = self._lanes.get(key)
        if lane is None or not lane.overtaken:
            return False
        self.forget(*key)
        return True

    def _lock(self, key: Key) -> asyncio.Lock:
        return self._locks.setdefault(key, asyncio.Lock())

    async def _patiently(self, key: Key, step: Callable[[], Awaitable[None]]) -> bool:
        """Do `step` until it succeeds. False when it was given up: then the lane is forgotten."""
        give_up_at = time.monotonic() + self._give_up
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                await step()
                return True
            except Exception as failure:
                self._observer.delayed(self._place(key), error=failure)
                if isinstance(failure, GateClosed) or time.monotonic() + pause > give_up_at:
                    self.forget(*key)
                    return False
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _admit(self, key: Key, records: Sequence[RawRecord]) -> None:
        """Safe to repeat: what was admitted before is a duplicate now."""
        lane = await self._lane(key)
        new = lane.gate.admit(self._understood(lane, records))
        if new:
            self._doubted.pop(key, None)
        lane.pending += new
        await self._applier.apply(lane)
        self._look_for_trouble(lane)

    def _understood(self, lane: Lane, records: Sequence[RawRecord]) -> list[Record]:
        """A record with malformed headers counts as missing: its source can tell it again."""
        understood = []
        for raw in records:
            try:
                envelope = from_headers(raw.headers)
                if envelope.source != lane.place.source:
                    raise MalformedEnvelope("ce_source")
            except MalformedEnvelope as malformed:
                lane.malformed = True
                self._observer.malformed(lane.place, header=malformed.header)
                continue
            understood.append(Record(envelope=envelope, value=raw.value or b""))
        return understood

    def _look_for_trouble(self, lane: Lane) -> None:
        if lane.gate.contradiction is not None and not lane.stopped:
            lane.stopped = True
            self._observer.stopped(lane.place, position=lane.gate.contradiction)
        if not (lane.gate.holding or lane.gate.let_go or lane.malformed):
            lane.missing_since = None
        elif lane.missing_since is None:
            lane.missing_since = time.monotonic()

    async def _fill(self, key: Key) -> None:
        async with self._lock(key):
            lane = self._lanes.get(key)
            if key not in self._doubted and (lane is None or lane.missing_since is None):
                return
            if lane is not None and lane.overtaken:
                return
            try:
                lane = await self._lane(key)
                if lane.missing_since is not None:
                    await self._fetch_missing(lane)
                else:
                    await self._fetch_rest(lane)
                self._doubted.pop(key, None)
            except GateClosed:
                self._doubted.pop(key, None)
                if lane is not None:
                    lane.overtaken = True
            except Exception as failure:
                self._observer.delayed(self._place(key), error=failure)

    async def _fetch_missing(self, lane: Lane) -> None:
        self._observer.hole(lane.place, position=lane.gate.last, waiting=lane.gate.holding)
        lane.missing_since = time.monotonic()
        everything = lane.malformed or lane.gate.let_go
        await self._fetch(lane, 0 if everything else lane.gate.hole_ends)
        if everything:
            lane.malformed = lane.gate.let_go = False
        self._look_for_trouble(lane)

    async def _fetch_rest(self, lane: Lane) -> None:
        last = lane.gate.last
        await self._fetch(lane, 0)
        if lane.gate.last > last:
            self._observer.hole(lane.place, position=last, waiting=0)
        self._look_for_trouble(lane)

    async def _fetch(self, lane: Lane, through: int) -> None:
        place = lane.place
        await self._applier.apply(lane)  # what an earlier attempt fetched and could not store
        async for run in self._elsewhere.read(place.source, place.partition, lane.gate.last, through):
            lane.pending += lane.gate.admit(run)
            await self._applier.apply(lane)

    async def _lane(self, key: Key) -> Lane:
        lane = self._lanes.get(key)
        if lane is None:
            stored = (await self._store.consumed(self.consumer)).get(key, 0)
            any_parked = await self._parked.any(self.consumer, key[0])
            lane = Lane(place=self._place(key), gate=PositionGate(stored), stored=stored, any_parked=any_parked)
            self._lanes[key] = lane
        return lane

    def _place(self, key: Key) -> Place:
        return Place(consumer=self.consumer, source=key[0], partition=key[1])
