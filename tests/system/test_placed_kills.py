"""Relay and projector killed at exactly one step: a proxy before the store or the broker holds them there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.support.checker.ledger import by_service, everything_arrived, journal, records
from tests.support.processes.flow import Flow, enrolled, skipped
from tests.support.processes.instances import Instance, in_place_of
from tests.support.processes.running import System
from tests.support.waiting import until
from tests.support.wires.lossy_proxy import Loss, LossyProxy, lossy_broker, lossy_proxy
from tests.support.wires.protocols import offset_commit_of, produce_to

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

MARK = "asleep at the very step"
GROUP = "coordination.care-view.monitoring"


async def test_a_relay_killed_before_or_after_the_broker_took_its_page_repeats_only_records(system: System) -> None:
    """Killed between selecting a page and its arrival at the broker, and between its arrival and the answer."""
    (care,) = await enrolled(system, 1)
    flow = Flow(system, [care])
    async with relaying_through_a_proxy(system) as (relay, proxy):
        for loss, taken, in_all in ((Loss.BEFORE, 0, 1), (Loss.AFTER, 1, 2)):
            await until(lambda: everything_arrived(system), seconds=60)
            before = await sent(system)
            held = proxy.hold(produce_to("care.monitoring.v1"), loss)
            await flow.tell(care, "monitoring", skipped(MARK))
            await asyncio.wait_for(held.wait(), 30)
            await relay.end()
            assert await sent(system) == before + taken
            relay.start()
            await until(lambda total=before + in_all: is_sent(system, total), seconds=60)  # type: ignore[misc]
    await flow.check()


@asynccontextmanager
async def relaying_through_a_proxy(system: System) -> AsyncIterator[tuple[Instance, LossyProxy]]:
    """Monitoring, which reaches the broker by the proxy."""
    async with (
        lossy_broker(system.stack.kafka_address) as (proxy, address),
        in_place_of(system, "monitoring", environment={"CARELOOP_KAFKA_BOOTSTRAP": address}) as relay,
    ):
        yield relay, proxy


async def sent(system: System) -> int:
    """How many records monitoring's topic has, each as often as it is there."""
    return len(by_service(await records(system))["monitoring"])


async def is_sent(system: System, count: int) -> bool:
    return await sent(system) == count


async def test_a_projector_killed_at_each_step_applies_each_event_once(system: System) -> None:
    """Killed before its unit reaches the store, before the store's answer reaches it, before its offsets are kept."""
    (care,) = await enrolled(system, 1)
    flow = Flow(system, [care])
    async with projecting_through_proxies(system) as (projector, store, broker):
        for loss in (Loss.BEFORE, Loss.AFTER, None):
            await until(lambda: everything_arrived(system), seconds=60)
            before = await journaled(system)
            held = store.hold(MARK.encode(), loss) if loss else broker.hold(offset_commit_of(GROUP), Loss.BEFORE)
            await flow.tell(care, "monitoring", skipped(MARK))
            await asyncio.wait_for(held.wait(), 30)
            if loss is not Loss.BEFORE:
                await until(lambda entries=before + 1: is_journaled(system, entries), seconds=60)  # type: ignore[misc]
            await projector.end()
            assert await journaled(system) == before + (loss is not Loss.BEFORE)
            projector.start()
    await flow.check()


@asynccontextmanager
async def projecting_through_proxies(system: System) -> AsyncIterator[tuple[Instance, LossyProxy, LossyProxy]]:
    """Coordination, which reaches its store and the broker by proxies."""
    async with (
        lossy_proxy(system.stack.postgres_dsn("coordination")) as (store, dsn),
        lossy_broker(system.stack.kafka_address) as (broker, address),
        in_place_of(
            system,
            "coordination",
            environment={"CARELOOP_POSTGRES_DSN": dsn, "CARELOOP_KAFKA_BOOTSTRAP": address},
        ) as projector,
    ):
        yield projector, store, broker


async def journaled(system: System) -> int:
    """How many entries of monitoring the journal has."""
    return len((await journal(system))["monitoring"])


async def is_journaled(system: System, entries: int) -> bool:
    return await journaled(system) == entries
