"""What an operator looks at first, from real tables."""

from collections.abc import AsyncIterator

import pytest

from careloop.chassis.log.postgres import PostgresEventStore
from careloop.chassis.log.protocol import Gate, Unit
from careloop.chassis.operations.status import ServiceFigures
from careloop.chassis.relay.broker_access import BrokerAccess
from careloop.chassis.relay.heads import HeadsReader, HeadsView, PublishedHead
from careloop.chassis.relay.relay import Relay
from tests.support.histories.log import CONSUMER, NOON, SOURCE, fill, patient, publishing
from tests.support.stack import PostgresDatabase


@pytest.fixture
async def store(postgres: PostgresDatabase) -> AsyncIterator[PostgresEventStore]:
    async with PostgresEventStore.open(postgres.dsn("prescribing"), "prescribing") as opened:
        yield opened


async def test_figures_come_from_the_store_and_from_the_heads(store: PostgresEventStore) -> None:
    view = HeadsView()
    view.note(PublishedHead(service=SOURCE, partition=1, position=7, complete_through=NOON))
    view.note(PublishedHead(service=SOURCE, partition=0, position=0, complete_through=NOON))
    await fill(store, [(patient(1), "a"), (patient(2), "b")])
    await store.commit(Unit(gate=Gate(consumer=CONSUMER, source=SOURCE, partition=1, last=0, position=5)))
    figures = ServiceFigures(
        "prescribing",
        store,
        lambda: NOON,
        relay=Relay(store, store.connections, publishing(), broker=BrokerAccess("127.0.0.1:1"), partitions=2),
        heads=HeadsReader(BrokerAccess("127.0.0.1:1"), view),
        consumers={CONSUMER: [SOURCE]},
        partitions=2,
    )
    status = await figures.status()
    first, _second = await store.after(0, 2)
    assert (status.head_position, status.relayed_position, status.parked) == (2, 0, 0)
    assert status.unrelayed_since == first.meta.recorded_at
    assert not status.broker_connected
    idle, behind = status.consumers
    assert (idle.consumed_position, idle.lag_positions, idle.fresh_as_of) == (0, 0, NOON)
    assert (behind.consumed_position, behind.lag_positions, behind.fresh_as_of) == (5, 2, None)
