"""What one service says to and hears from Kafka: FastStream declares it, the inboxes do the work."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial, reduce
from itertools import count
from operator import or_
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import ConsumerStoppedError, IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import FAKE_CONSUMER, KafkaAckableMessage

from careloop.chassis.backoff import Backoff
from careloop.chassis.consuming.inbox import BatchResult, Inbox
from careloop.chassis.logs import BROKER
from careloop.chassis.relay.broker_access import BrokerAccess
from careloop.chassis.relay.client_cancellations import client_cancellations

MAX_POLL_INTERVAL_MS = 300_000
BROKER_AWAY = Backoff(first=0.1, longest=5.0)
GRACE_SECONDS = 15.0
COMMIT_SECONDS = 10.0
COMMIT_EVERY_SECONDS = 0.5
"""To Kafka a commit of offsets costs as much as a batch of records, and nothing rests on it."""
STOP_SECONDS = 20.0
SPARED_TIMES = 5
"""How often a subscription that waits for a missing record keeps its Kafka client when it stands still."""
CATCHING_UP = 20
"""A twentieth of what an inbox is glad to be given at once shows that more is there already."""
LEAST_FETCH_BYTES = 1024 * 1024
BYTES_OF_A_RECORD = 512
"""What one fetch asks of a partition goes by how many records the inbox is glad of, taken to be so large."""

FETCH_WAIT_MS = 500
"""How long the broker holds a fetch that finds nothing: so often an idle subscription asks again. What comes meanwhile
is answered at once, and read at once by a client that has handed over what it fetched before."""
POLL_MS = 60_000
"""So long a client waits for records that the broker has sent, woken by the first."""

Batch = Sequence[ConsumerRecord]


def topic_of(source: str) -> str:
    """The topic on which a service publishes."""
    return f"care.{source}.v1"


async def whole_batch(records: tuple[ConsumerRecord, ...]) -> KafkaAckableMessage:
    """The batch as it came. FastStream's own parser reads every header, and fails on one that is not UTF-8."""
    return KafkaAckableMessage(raw_message=records, body=b"", consumer=FAKE_CONSUMER)


async def undecoded(message: KafkaAckableMessage) -> Any:
    """The records themselves: decoding is the inbox's work."""
    return message.raw_message


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """`instance` is this process's own name among its replicas, the same after a restart: its static membership."""

    service: str
    instance: str = "0"


class _PatientConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka has no types
    """FastStream asks for records from time to time, and between two times is deaf; this one waits for them."""

    async def start(self) -> None:
        await super().start()
        self._fetcher._fetcher_timeout = FETCH_WAIT_MS / 1000  # it is woken for whatever it waits for

    async def getmany(self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None) -> Any:
        return await super().getmany(*partitions, timeout_ms=max(timeout_ms, POLL_MS), max_records=max_records)


class _Broker(KafkaBroker):
    """FastStream's broker, whose consumers come in by what the files of `access` hold when they are made."""

    def __init__(self, access: BrokerAccess, **options: Any) -> None:
        self._access = access
        super().__init__(access.bootstrap, **options)

    async def _connect(self) -> Callable[..., AIOKafkaConsumer]:
        make = await super()._connect()
        assert isinstance(make, partial)

        def consumer(*topics: str, **options: Any) -> AIOKafkaConsumer:
            return _PatientConsumer(*topics, **(make.keywords | options | self._access.arguments()))

        self.config.broker_config.builder = consumer
        return consumer


class ServiceBroker:
    """The published types and the subscriptions of one service.

    `types` are its contracts by wire type. Each subscription has a group of its own, and its offsets are committed by
    hand after the unit they belong to.
    """

    def __init__(self, identity: Identity, access: BrokerAccess, types: Mapping[str, type]) -> None:
        self.identity = identity
        self.inboxes: list[Inbox] = []
        self._subscriptions: dict[tuple[str, str], Subscription] = {}
        self.broker = _Broker(
            access,
            logger=None,
            graceful_timeout=GRACE_SECONDS,
            apply_types=False,
            consumer_only=True,
            allow_auto_create_topics=False,
        )
        self.broker.publisher(
            topic_of(identity.service),
            title=f"{identity.service}-events",
            description=f"What the {identity.service} service publishes.",
            schema=reduce(or_, types.values()),
        )

    def consume(self, inbox: Inbox, sources: Iterable[str], *, topics: Mapping[str, str] | None = None) -> None:
        """Feed `inbox` from the topic of every source; `topics` names those that are called otherwise."""
        self.inboxes.append(inbox)
        for source in sources:
            subscription = Subscription(inbox, source)
            subscription.declare(self.broker, self.identity, (topics or {}).get(source))
            self._subscriptions[inbox.consumer, source] = subscription

    def revive(self, consumer: str, source: str) -> None:
        """A new Kafka client for a subscription that stands still. One that waits for a hole is spared a while."""
        self._subscriptions[consumer, source].revive()

    async def run(self) -> None:
        """Consume until cancelled, then finish what is in hand. A broker that is away is waited for."""
        try:
            await _started(self.broker)
            async with asyncio.TaskGroup() as group:
                for inbox in self.inboxes:
                    group.create_task(inbox.watch(), name=f"watch {inbox.consumer}")
                for subscription in self._subscriptions.values():
                    group.create_task(subscription.keep(), name=f"keep {subscription.group}")
        finally:
            await self.broker.stop()
            await asyncio.gather(*(subscription.finish() for subscription in self._subscriptions.values()))


async def _started(endpoint: Any) -> None:
    """Start a broker or a subscriber, again and again until the broker answers."""
    for failures in count(1):
        try:
            with client_cancellations():
                await endpoint.start()
        except (KafkaError, OSError) as away:
            BROKER.away(type(away).__name__)
            with suppress(Exception), client_cancellations():  # what did not start may not stop either, and is replaced
                await endpoint.stop()
        else:
            return
        await asyncio.sleep(BROKER_AWAY.pause(failures))


class Subscription:
    """One source's topic, read for one inbox."""

    def __init__(self, inbox: Inbox, source: str) -> None:
        self.group = f"{inbox.consumer}.{source}"
        self._inbox = inbox
        self._source = source
        self.subscriber: Any = None
        self._stands_still = asyncio.Event()
        self._spared = 0
        self._assignments = 0
        self._undone: dict[TopicPartition, int] = {}
        self._done: dict[TopicPartition, int] = {}
        self._committing: asyncio.Task[None] | None = None
        self._working: dict[TopicPartition, asyncio.Task[None]] = {}
        self._under_way = 0
        self._room = asyncio.Event()
        self._gathered: dict[TopicPartition, list[ConsumerRecord]] = {}

    def revive(self) -> None:
        """Called for as long as nothing moves, also while records are held: what they wait for may be on the topic."""
        if self._inbox.holds_any(self._source) and self._spared < SPARED_TIMES:
            self._spared += 1
        else:
            self._spared = 0
            self._stands_still.set()

    async def keep(self) -> None:
        """For ever: whenever asked to, leave the Kafka client to itself and take a new one, as the same member. Where
        that one brings nothing either, the topic itself may have lost what comes next."""
        while True:
            await self._stands_still.wait()
            client = self.subscriber.consumer
            places = client.assignment() if client else ()
            structlog.get_logger().warning("subscription restarted", consumer=self._inbox.consumer, source=self._source)
            with suppress(TimeoutError, KafkaError, OSError), client_cancellations():
                await asyncio.wait_for(self.subscriber.stop(), STOP_SECONDS)
            # A client that is stopped revokes nothing, and the next one may get other partitions.
            self.assignment_ended()
            self._inbox.forget_all(self._source)
            await _started(self.subscriber)
            for place in places:
                self._inbox.doubt(self._source, place.partition)
            self._stands_still.clear()

    def declare(self, broker: KafkaBroker, identity: Identity, topic: str | None) -> None:
        self.subscriber = broker.subscriber(
            topic or topic_of(self._source),
            group_id=self.group,
            group_instance_id=f"{self.group}.{identity.instance}",
            batch=True,
            ack_policy=AckPolicy.MANUAL,
            parser=whole_batch,
            decoder=undecoded,
            auto_offset_reset="earliest",
            batch_timeout_ms=10,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            max_records=self._inbox.most_records,
            max_partition_fetch_bytes=max(LEAST_FETCH_BYTES, self._inbox.most_records * BYTES_OF_A_RECORD),
            max_poll_interval_ms=MAX_POLL_INTERVAL_MS,
            listener=_ForgetRevoked(self),
            title=self.group,
            description=f"What {self._inbox.consumer} takes from {self._source}; its publisher documents the payloads.",
        )
        self.subscriber(self.take)

    def revoked(self, partitions: Iterable[int]) -> None:
        self.assignment_ended()
        for partition in partitions:
            self._inbox.forget(self._source, partition)

    def assignment_ended(self) -> None:
        """The next one begins at the committed offsets, whatever was read under this one."""
        self._assignments += 1
        self._undone.clear()
        for place in list(self._gathered):
            self._let_go(place)

    async def take(self, records: Any) -> None:
        """Begin with these: partitions side by side, each in its order; then the offsets of those that are done.

        Who catches up reads on while these are under way, so that the next are folded while the store commits, until
        the inbox has in hand what it is glad to be given at once; what comes for a partition that is at work gathers.
        Few records are all there is: when they are done, more will have come.
        """
        most = self._inbox.most_records if len(records) * CATCHING_UP >= self._inbox.most_records else 1
        self._under_way += len(records)
        for record in records:
            self._gathered.setdefault(TopicPartition(record.topic, record.partition), []).append(record)
        for place in [place for place, work in self._working.items() if work.done()]:
            self._working.pop(place).result()
        for place in self._gathered.keys() - self._working.keys():
            self._working[place] = asyncio.create_task(self._work(place), name=f"{self.group} {place.partition}")
        while self._under_way >= most:
            self._room.clear()
            await self._room.wait()

    async def finish(self) -> None:
        """End what is under way, for as long as there is grace."""
        if self._working:
            _done, late = await asyncio.wait(self._working.values(), timeout=GRACE_SECONDS)
            for task in late:
                task.cancel()

    async def _work(self, place: TopicPartition) -> None:
        """A partition's records, one batch after the other, until nothing has gathered."""
        while batch := self._gathered.pop(place, None):
            assignment = self._assignments
            try:
                outcome = await self._inbox.take(self._source, place.partition, batch)
                if assignment == self._assignments:
                    self._settle(place, batch, outcome)
            finally:
                self._has_room_for(len(batch))

    def _let_go(self, place: TopicPartition) -> None:
        """What has gathered comes again."""
        self._has_room_for(len(self._gathered.pop(place, ())))

    def _has_room_for(self, records: int) -> None:
        self._under_way -= records
        self._room.set()

    def _settle(self, place: TopicPartition, batch: Batch, outcome: BatchResult) -> None:
        """Note what is done, or go back to the first record that is not where it must be delivered again."""
        first = min(batch[0].offset, self._undone.get(place, batch[0].offset))
        self._undone[place] = first
        if outcome is BatchResult.AGAIN:
            self._let_go(place)
            with suppress(IllegalStateError):  # no longer ours: its new owner reads it
                self.subscriber.consumer.seek(place, first)
        if outcome is not BatchResult.HELD:
            del self._undone[place]
        if outcome is BatchResult.DONE:
            self._done[place] = batch[-1].offset + 1
            if self._committing is None or self._committing.done():
                self._committing = asyncio.create_task(self._commit_all())

    async def _commit_all(self) -> None:
        """Beside the work, since nothing rests on it: what is stored again after a restart is dropped as known."""
        while self._done:
            offsets, self._done = self._done, {}
            await self._commit(offsets)
            await asyncio.sleep(COMMIT_EVERY_SECONDS)

    async def _commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """A lost commit only means that records come again; a client that has ended has nothing to commit with."""
        client = self.subscriber.consumer
        if client is None:
            return
        try:
            await asyncio.wait_for(client.commit(dict(offsets)), COMMIT_SECONDS)
        except (KafkaError, IllegalStateError, ConsumerStoppedError, OSError) as lost:
            structlog.get_logger().warning(
                "offsets not committed",
                consumer=self._inbox.consumer,
                source=self._source,
                error_type=type(lost).__name__,
            )


class _ForgetRevoked(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """What an inbox remembers of a partition ends with its assignment."""

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._subscription.revoked(place.partition for place in revoked)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Positions are read when the first record comes."""
