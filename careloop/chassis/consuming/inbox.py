"""Consuming exactly once in effect: every consumer of every service takes its records through here."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from enum import Enum
from typing import Protocol

from careloop.chassis.backoff import Backoff
from careloop.chassis.consuming.handler import Handler, KeepsState, PublishedElsewhere, WhileWaiting, nothing_at_once
from careloop.chassis.consuming.inbox_log import InboxLog, InboxObserver, Place
from careloop.chassis.consuming.parked_records import ParkedRecords
from careloop.chassis.consuming.partition import Applier, Partition
from careloop.chassis.consuming.position_gate import PositionGate
from careloop.chassis.events.envelope import MalformedEnvelope, Record, from_headers
from careloop.chassis.log.protocol import EventStore, GateClosed

AGAIN = Backoff(first=0.02, longest=2.0)

PartitionKey = tuple[str, int]
"""A partition of a source: the source's name, and the partition's number in its topic."""


class RawRecord(Protocol):
    """A record as a Kafka client hands it over."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...

    @property
    def value(self) -> bytes | None: ...


class BatchResult(Enum):
    """What became of a batch, and with it of its offsets.

    DONE: its effects are stored, so they may be committed. HELD: something before it is missing; the batch is held
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
    interval. A record that cannot be applied parks its patient; everyone else goes on. What `while_waiting` makes of
    the records that are parked or queued is stored with them.
    """

    def __init__(
        self,
        store: EventStore,
        handler: Handler,
        *,
        parked: ParkedRecords,
        elsewhere: PublishedElsewhere,
        observer: InboxObserver | None = None,
        while_waiting: WhileWaiting = nothing_at_once,
        patience_seconds: float = 5.0,
        give_up_seconds: float = 60.0,
    ) -> None:
        self.handler = handler
        self._store = store
        self._parked = parked
        self._elsewhere = elsewhere
        self._observer = observer or InboxLog()
        self._applier = Applier(store, handler, parked, self._observer, while_waiting)
        self._patience = patience_seconds
        self._give_up = give_up_seconds
        self._partitions: dict[PartitionKey, Partition] = {}
        self._locks: dict[PartitionKey, asyncio.Lock] = {}
        self._doubted: dict[PartitionKey, float] = {}

    @property
    def consumer(self) -> str:
        return self.handler.consumer

    @property
    def most_records(self) -> int:
        """How many records it is glad to be given at once."""
        return self.handler.most_records

    async def take(self, source: str, number: int, records: Sequence[RawRecord]) -> BatchResult:
        """Take a batch of one partition, in the topic's order. Raises nothing but cancellation."""
        key = (source, number)
        async with self._lock(key):
            if self._was_overtaken(key) or not await self._patiently(key, lambda: self._admit(key, records)):
                return BatchResult.AGAIN
            partition = self._partitions.get(key)
            if partition is None:  # the partition went to another owner meanwhile
                return BatchResult.AGAIN
            return BatchResult.DONE if partition.is_whole else BatchResult.HELD

    async def watch(self) -> None:
        """Fetch for ever from its source what has been missing for longer than patience allows."""
        while True:
            await asyncio.sleep(self._patience / 4)
            for key in self._overdue():
                await self._fill(key)

    def doubt(self, source: str, number: int) -> None:
        """The topic brings nothing although its source says that it has more: unless that comes in the time that
        patience allows, the source is asked for it."""
        self._doubted.setdefault((source, number), time.monotonic())

    def _overdue(self) -> list[PartitionKey]:
        missing = {key: one.missing_since for key, one in self._partitions.items() if one.missing_since is not None}
        now = time.monotonic()
        return [key for key, since in (self._doubted | missing).items() if now - since >= self._patience]

    def holds(self, source: str, number: int) -> bool:
        """Whether records of this partition wait here because one before them is missing or contradicts them."""
        partition = self._partitions.get((source, number))
        return partition is not None and not partition.is_whole

    def holds_any(self, source: str) -> bool:
        """Whether records of any partition of this source wait here for one before them."""
        return any(
            not (partition.is_whole or partition.overtaken)
            for (of, _number), partition in self._partitions.items()
            if of == source
        )

    def forget(self, source: str, number: int) -> None:
        """Another instance may own the partition now: what is remembered of it is read again when it comes back."""
        self._partitions.pop((source, number), None)
        self._doubted.pop((source, number), None)
        if isinstance(self.handler, KeepsState):
            self.handler.forget(source, number)

    def forget_all(self, source: str) -> None:
        """Of every partition of this source: records that were held here come again with a new Kafka client."""
        for of, number in list(self._partitions):
            if of == source:
                self.forget(of, number)

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

    def _was_overtaken(self, key: PartitionKey) -> bool:
        """Whether what is held of this partition must be read again, because another owner moved on meanwhile."""
        partition = self._partitions.get(key)
        if partition is None or not partition.overtaken:
            return False
        self.forget(*key)
        return True

    def _lock(self, key: PartitionKey) -> asyncio.Lock:
        return self._locks.setdefault(key, asyncio.Lock())

    async def _patiently(self, key: PartitionKey, step: Callable[[], Awaitable[None]]) -> bool:
        """Do `step` until it succeeds. False when it was given up: then the partition is forgotten."""
        give_up_at = time.monotonic() + self._give_up
        failures = 0
        while True:
            try:
                await step()
                return True
            except Exception as failure:
                failures += 1
                pause = AGAIN.pause(failures)
                self._observer.delayed(self._place(key), error=failure)
                if isinstance(failure, GateClosed) or time.monotonic() + pause > give_up_at:
                    self.forget(*key)
                    return False
            await asyncio.sleep(pause)

    async def _admit(self, key: PartitionKey, records: Sequence[RawRecord]) -> None:
        """Safe to repeat: what was admitted before is a duplicate now."""
        partition = await self._partition(key)
        new = partition.gate.admit(self._understood(partition, records))
        if new:
            self._doubted.pop(key, None)
        partition.pending += new
        await self._applier.apply(partition)
        self._look_for_trouble(partition)

    def _understood(self, partition: Partition, records: Sequence[RawRecord]) -> list[Record]:
        """A record with malformed headers counts as missing: its source can send it again."""
        understood = []
        for raw in records:
            try:
                envelope = from_headers(raw.headers)
                if envelope.source != partition.place.source:
                    raise MalformedEnvelope("ce_source")
            except MalformedEnvelope as malformed:
                partition.malformed = True
                self._observer.malformed(partition.place, header=malformed.header)
                continue
            understood.append(Record(envelope=envelope, value=raw.value or b""))
        return understood

    def _look_for_trouble(self, partition: Partition) -> None:
        if partition.gate.contradiction is not None and not partition.stopped:
            partition.stopped = True
            self._observer.stopped(partition.place, position=partition.gate.contradiction)
        if not (partition.gate.holding or partition.gate.let_go or partition.malformed):
            partition.missing_since = None
        elif partition.missing_since is None:
            partition.missing_since = time.monotonic()

    async def _fill(self, key: PartitionKey) -> None:
        async with self._lock(key):
            partition = self._partitions.get(key)
            if key not in self._doubted and (partition is None or partition.missing_since is None):
                return
            if partition is not None and partition.overtaken:
                return
            try:
                partition = await self._partition(key)
                if partition.missing_since is not None:
                    await self._fetch_missing(partition)
                else:
                    await self._fetch_rest(partition)
                self._doubted.pop(key, None)
            except GateClosed:
                self._doubted.pop(key, None)
                if partition is not None:
                    partition.overtaken = True
            except Exception as failure:
                self._observer.delayed(self._place(key), error=failure)

    async def _fetch_missing(self, partition: Partition) -> None:
        self._observer.hole(partition.place, position=partition.gate.last, waiting=partition.gate.holding)
        partition.missing_since = time.monotonic()
        everything = partition.malformed or partition.gate.let_go
        await self._fetch(partition, 0 if everything else partition.gate.hole_ends)
        if everything:
            partition.malformed = partition.gate.let_go = False
        self._look_for_trouble(partition)

    async def _fetch_rest(self, partition: Partition) -> None:
        last = partition.gate.last
        await self._fetch(partition, 0)
        if partition.gate.last > last:
            self._observer.hole(partition.place, position=last, waiting=0)
        self._look_for_trouble(partition)

    async def _fetch(self, partition: Partition, through: int) -> None:
        place = partition.place
        await self._applier.apply(partition)  # what an earlier attempt fetched and could not store
        async for run in self._elsewhere.read(place.source, place.partition, partition.gate.last, through):
            partition.pending += partition.gate.admit(run)
            await self._applier.apply(partition)

    async def _partition(self, key: PartitionKey) -> Partition:
        partition = self._partitions.get(key)
        if partition is None:
            stored = (await self._store.consumed(self.consumer)).get(key, 0)
            any_parked = await self._parked.any(self.consumer, key[0])
            gate = PositionGate(stored)
            partition = Partition(place=self._place(key), gate=gate, stored=stored, any_parked=any_parked)
            self._partitions[key] = partition
        return partition

    def _place(self, key: PartitionKey) -> Place:
        return Place(consumer=self.consumer, source=key[0], partition=key[1])
