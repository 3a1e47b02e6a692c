"""A process that is stopped in mid-work and goes on when another has taken over: what it still says comes too late."""

import asyncio
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.histories.log import SOURCE
from tests.support.processes.leg import Leg, leg_between, process, running
from tests.support.stack import KafkaBroker, PostgresDatabase
from tests.support.waiting import until
from tests.support.wires.lossy_proxy import lossy_broker, lossy_proxy
from tests.support.wires.protocols import produce_to


@pytest.fixture
async def leg(postgres: PostgresDatabase, kafka: KafkaBroker) -> AsyncIterator[Leg]:
    async with leg_between(postgres, kafka) as made:
        yield made


async def test_a_stopped_relay_is_replaced_and_its_late_page_has_no_effect(leg: Leg, tmp_path: Path) -> None:
    """Its page is on the way when it is stopped, and arrives behind those that its successor sent."""
    async with (
        lossy_broker(leg.names.bootstrap) as (broker, through),
        process("relay", leg.by_way_of(through).names, tmp_path / "relay.log") as holder,
        running(leg.consumer()),
    ):
        await leg.add(0, 50)
        await until(lambda: leg.has(50), seconds=60)
        page = broker.delay(produce_to(leg.names.topic))
        await leg.add(50, 100)
        await asyncio.wait_for(page.came.wait(), 30)
        holder.send(signal.SIGSTOP)
        successor = leg.relay()
        async with running(successor):
            await leg.add(100, 150)
            await until(lambda: leg.has(150), seconds=60)
            assert (successor.status().leading, await leg.on_topic()) == (True, 150)
            page.let_go.set()
            holder.send(signal.SIGCONT)
            await until(lambda: has_repeats(leg, 150), seconds=60)
            await leg.add(150, 200)
            await until(lambda: leg.has(200), seconds=60)
            assert (successor.status().leading, await epoch(leg)) == (True, 2)
    await leg.check_everything_once_in_order(200)


async def has_repeats(leg: Leg, published: int) -> bool:
    return await leg.on_topic() > published


async def epoch(leg: Leg) -> int:
    """How often the log found another relay."""
    found: int = await leg.source.connections.fetchval("select epoch from relay_checkpoint")
    return found


async def test_a_stopped_consumer_loses_its_partitions_and_its_late_unit_is_refused(leg: Leg, tmp_path: Path) -> None:
    """Its unit is on the way when it is stopped, and arrives when another has applied the same and more."""
    log = tmp_path / "consumer.log"
    async with (
        lossy_proxy(leg.names.target_dsn) as (store, dsn),
        process("consumer", replace(leg.names, target_dsn=dsn), log) as zombie,
        running(leg.relay()),
    ):
        await leg.add(0, 50)
        await until(lambda: leg.has(50), seconds=60)
        unit = store.delay(b"text 75")
        await leg.add(50, 100)
        await asyncio.wait_for(unit.came.wait(), 30)
        zombie.send(signal.SIGSTOP)
        async with running(leg.consumer("another")):
            await leg.add(100, 150)
            await until(lambda: leg.has(150), seconds=60)
            unit.let_go.set()
            zombie.send(signal.SIGCONT)
            await until(lambda: "GateClosed" in log.read_text(), seconds=60)
            await leg.add(150, 200)
            await until(lambda: leg.has(200), seconds=60)
    assert await leg.target.consumed(leg.names.consumer) == await last_published(leg)
    await leg.check_everything_once_in_order(200)


async def last_published(leg: Leg) -> dict[tuple[str, int], int]:
    """How far the relay has sent each partition."""
    last: list[int] = await leg.source.connections.fetchval("select last_published from relay_checkpoint")
    return {(SOURCE, partition): position for partition, position in enumerate(last)}
