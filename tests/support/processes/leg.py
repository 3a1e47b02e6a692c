"""From one service's log to another's effects through a broker; either half also as a process of its own:
`python -m tests.support.processes.leg relay|consumer NAMES`."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from careloop.chassis.consuming.inbox import Inbox
from careloop.chassis.consuming.parked_records import ParkedRecords
from careloop.chassis.consuming.subscription import Identity, ServiceBroker
from careloop.chassis.events.publishing import PublishedReader
from careloop.chassis.log.postgres import PostgresEventStore
from careloop.chassis.relay.broker_access import BrokerAccess
from careloop.chassis.relay.relay import Relay
from careloop.local.processes import Child
from tests.support.histories.log import CONSUMER, SOURCE, TYPES, Noting, fill, patient, publishing, texts_of
from tests.support.stack import KafkaBroker, PostgresDatabase

PARTITIONS = 3
TARGET = "prescribing"
ROOT = Path(__file__).parents[3]
SHORTEST_SESSION_MS = 6_000
"""Which a broker allows: so long the partitions of a process that is gone wait for another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Where everything of a leg is."""

    source_dsn: str
    target_dsn: str
    bootstrap: str
    topic: str
    heads: str
    consumer: str


class OwnLog:
    """The source's log, read directly."""

    def __init__(self, store: PostgresEventStore) -> None:
        self._reader = PublishedReader(store, publishing(), PARTITIONS)

    def read(self, source: str, partition: int, after: int, through: int) -> Any:
        return self._reader.read_published(partition, after, through)


@dataclass
class Leg:
    """A source's log, its relay, and a consumer in another service, with names of their own on the broker."""

    names: Names
    source: PostgresEventStore
    target: PostgresEventStore
    handler: Noting

    def by_way_of(self, bootstrap: str) -> "Leg":
        """The same leg for whoever reaches the broker there."""
        return replace(self, names=replace(self.names, bootstrap=bootstrap))

    def relay(self) -> Relay:
        return Relay(
            self.source,
            self.source.connections,
            publishing(),
            broker=BrokerAccess(self.names.bootstrap),
            partitions=PARTITIONS,
            topic=self.names.topic,
            heads_topic=self.names.heads,
            heads_interval_seconds=0.2,
            send_deadline_seconds=3.0,
        )

    def consumer(self, instance: str = "0") -> ServiceBroker:
        inbox = Inbox(
            self.target,
            self.handler,
            parked=ParkedRecords(self.target.connections),
            elsewhere=OwnLog(self.source),
            patience_seconds=1.0,
        )
        broker = ServiceBroker(Identity(service=TARGET, instance=instance), BrokerAccess(self.names.bootstrap), TYPES)
        broker.consume(inbox, [SOURCE], topics={SOURCE: self.names.topic})
        (subscriber,) = broker.broker.subscribers
        subscriber._connection_args["session_timeout_ms"] = SHORTEST_SESSION_MS  # type: ignore[attr-defined]
        return broker

    async def applied(self) -> int:
        return (await self.target.head()).position

    async def has(self, count: int) -> bool:
        """Whether exactly so many effects are stored."""
        return await self.applied() == count

    async def on_topic(self) -> int:
        """How many records the topic holds, those that came twice counted twice."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.names.bootstrap)
        await consumer.start()
        try:
            return sum(
                (await consumer.end_offsets([TopicPartition(self.names.topic, n) for n in range(PARTITIONS)])).values()
            )
        finally:
            await consumer.stop()

    async def add(self, first: int, end: int) -> None:
        """Events first to end - 1 of ten patients in turn."""
        await fill(self.source, [(patient(n % 10), f"text {n}") for n in range(first, end)], prefix=f"{first}.")

    async def check_everything_once_in_order(self, count: int) -> None:
        for number in range(10):
            assert await texts_of(self.target, patient(number)) == [f"text {n}" for n in range(number, count, 10)]


@asynccontextmanager
async def opened(names: Names) -> AsyncIterator[Leg]:
    handler = Noting()
    handler.consumer = names.consumer
    async with AsyncExitStack() as stores:
        source = await stores.enter_async_context(PostgresEventStore.open(names.source_dsn, SOURCE))
        target = await stores.enter_async_context(PostgresEventStore.open(names.target_dsn, TARGET))
        yield Leg(names, source, target, handler)


@asynccontextmanager
async def leg_between(postgres: PostgresDatabase, kafka: KafkaBroker) -> AsyncIterator[Leg]:
    """A leg with topics and a consumer of its own."""
    names = Names(
        source_dsn=postgres.dsn(SOURCE),
        target_dsn=postgres.dsn(TARGET),
        bootstrap=kafka.bootstrap,
        topic=await kafka.topic("events", partitions=PARTITIONS),
        heads=await kafka.topic("heads", cleanup_policy="compact"),
        consumer=kafka.unique(CONSUMER),
    )
    async with opened(names) as leg:
        yield leg


@asynccontextmanager
async def running(*works: Relay | ServiceBroker) -> AsyncIterator[list["asyncio.Task[None]"]]:
    tasks = [asyncio.create_task(work.run()) for work in works]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


@asynccontextmanager
async def process(work: str, names: Names, output: Path) -> AsyncIterator[Child]:
    """The `relay` or the `consumer` of this leg as a process, which writes to `output`; killed at the end."""
    command = [sys.executable, "-m", "tests.support.processes.leg", work, json.dumps(asdict(names))]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    child = Child(work, command, output=output, env=environment, cwd=str(ROOT))
    try:
        yield child
    finally:
        await child.stop(signal.SIGKILL, 30)


async def work_for_ever(work: str, names: Names) -> None:
    async with opened(names) as leg:
        await (leg.relay() if work == "relay" else leg.consumer("process")).run()


if __name__ == "__main__":
    asyncio.run(work_for_ever(sys.argv[1], Names(**json.loads(sys.argv[2]))))
