"""kill -9 of the relay and of the projector, again and again under load, the broker killed each minute besides.

Three processes of monitoring, so that two relays are alive at every moment; each time it is the one that sends that is
killed. Two processes of coordination share the projector's partitions; each time chance says which one is killed, and
which of the two kinds goes first. What ends by itself is started again, and counted. `CARELOOP_FAULT_KILLS` sets how
many of each kind (200), `CARELOOP_FAULT_SEED` by which chance.
"""

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest

from tests.support.checker.ledger import everything_arrived, tables
from tests.support.checker.missing import explained
from tests.support.checker.tally import tally
from tests.support.processes.breaking import end_server
from tests.support.processes.flow import Flow, enrolled, flowing
from tests.support.processes.instances import Instance, instead, relaying
from tests.support.processes.running import System
from tests.support.waiting import until

KILLS = int(os.environ.get("CARELOOP_FAULT_KILLS", "200"))
SEED = int(os.environ.get("CARELOOP_FAULT_SEED", "0"))
BOUNCE_EVERY_SECONDS = 60.0
PROCESSES = {"monitoring": 3, "coordination": 2, "assessment": 1, "prescribing": 1, "notifications": 1}

pytestmark = [pytest.mark.faults, pytest.mark.timeout(KILLS * 30 + 900)]


async def test_killing_relay_and_projector_loses_doubles_and_reorders_nothing(
    system: System, capsys: pytest.CaptureFixture[str]
) -> None:
    chance, cares, began = random.Random(SEED), await enrolled(system, 24), time.monotonic()
    async with kept_running(system) as kept:
        first_epoch = await epoch(system)
        async with flowing(system, cares, pause=0.2) as flow, bounced(system) as bounces, explaining(system, flow):
            for _ in range(KILLS):
                await flow.go_on(chance.randrange(1, 20), within=180)
                await kill_one_of_each(system, chance, kept["monitoring"], kept["coordination"])
        with suppress(AssertionError):  # what has not arrived is counted
            await until(lambda: everything_arrived(system), seconds=180)
        count, epochs = await tally(system, flow.acknowledged), await epoch(system) - first_epoch
        by_themselves = sum(one.ended_by_itself for instances in kept.values() for one in instances)
        why = "" if count.is_clean else await explained(system, flow.acknowledged)
        with capsys.disabled():
            sys.stdout.write(
                f"\nkills {KILLS} of the relay, {KILLS} of the projector  bounces {len(bounces)}  "
                f"relay epochs {epochs}  ended by themselves {by_themselves}  "
                f"seconds {time.monotonic() - began:.0f}\n{count}\n{why}\n"
            )
        assert count.is_clean, why
        assert epochs >= KILLS
        await flow.check()


@asynccontextmanager
async def kept_running(system: System) -> AsyncIterator[Mapping[str, Sequence[Instance]]]:
    """The processes of all services, each started again when it ends by itself."""
    async with AsyncExitStack() as stack:
        yield {
            service: await stack.enter_async_context(
                instead(system, service, [Instance(system, service, number) for number in range(processes)])
            )
            for service, processes in PROCESSES.items()
        }


@asynccontextmanager
async def explaining(system: System, flow: Flow) -> AsyncIterator[None]:
    """What ends the load too early is told with where everything stands."""
    try:
        yield
    except Exception as failure:
        failure.add_note(await explained(system, flow.acknowledged))
        raise


async def kill_one_of_each(
    system: System, chance: random.Random, relays: Sequence[Instance], projectors: Sequence[Instance]
) -> None:
    for one in (*relays, *projectors):
        await one.answers(within=180)
    victims = [await relaying(system, relays), chance.choice(projectors)]
    chance.shuffle(victims)
    async with asyncio.TaskGroup() as group:
        for victim in victims:
            group.create_task(victim.restart())


async def epoch(system: System) -> int:
    """How often the relay of monitoring changed hands."""
    async with tables(system, "monitoring") as connection:
        found: int = await connection.fetchval("select epoch from relay_checkpoint")
    return found


@asynccontextmanager
async def bounced(system: System) -> AsyncIterator[Sequence[float]]:
    """Meanwhile the broker is killed and started each minute; when it was."""
    over, times = asyncio.Event(), list[float]()

    async def bounce() -> None:
        while not over.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), BOUNCE_EVERY_SECONDS)
                break
            times.append(time.monotonic())
            await end_server(system, "kafka", signal.SIGKILL)
            await system.stack.start_kafka()

    bouncing = asyncio.create_task(bounce())
    try:
        yield times
    finally:
        over.set()
        await bouncing
