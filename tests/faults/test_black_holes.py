"""A server that vanishes without closing a connection: noticed, answered in time, and over when it is back."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

import grpc
import pytest
from care.operations.v1 import operations_pb2 as operations

from tests.support.histories.care import Care
from tests.support.processes.flow import Flow, dose, enrolled, flowing
from tests.support.processes.instances import Instance, instead, serving
from tests.support.processes.running import System
from tests.support.waiting import until
from tests.support.wires.black_hole import BlackHole, broker_behind, postgres_behind

AWAY_SECONDS = 30.0
NOTICED_WITHIN_SECONDS = 10.0
BACK_WITHIN_SECONDS = 30.0
DEADLINE_SECONDS = 8.0
CALLERS = 10

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

Ending = tuple[str, float]
"""The status of a call, and after how many seconds it came."""


async def ending(care: Care) -> Ending:
    request, began = dose(), time.monotonic()
    try:
        await care.prescriber.call("monitoring", request, timeout=DEADLINE_SECONDS)
    except grpc.aio.AioRpcError as refusal:
        return refusal.code().name, time.monotonic() - began
    return "OK", time.monotonic() - began


async def endings(care: Care, seconds: float) -> list[Ending]:
    """How the calls of ten callers end that call for so long."""
    over = time.monotonic() + seconds

    async def call() -> list[Ending]:
        found = []
        while time.monotonic() < over:
            found.append(await ending(care))
        return found

    return [one for found in await asyncio.gather(*(call() for _ in range(CALLERS))) for one in found]


async def seconds_until(condition: Callable[[], Awaitable[bool]], within: float) -> float:
    began = time.monotonic()
    await until(condition, within)
    return time.monotonic() - began


async def ready(one: Instance) -> bool:
    async with grpc.aio.insecure_channel(one.address) as channel:
        return await serving(channel, "readiness")


async def broker_is(system: System, state: "operations.BrokerState.ValueType") -> bool:
    answer = await system.person("operator", "op-1").operations("monitoring", operations.GetStatusRequest())
    return bool(answer.broker == state)


async def vanished(
    flow: Flow, hole: BlackHole, noticed: Callable[[], Awaitable[bool]], over: Callable[[], Awaitable[bool]]
) -> tuple[float, list[Ending], float]:
    """After how long it was noticed, how calls ended meanwhile, and how long after the return it was over."""
    await flow.go_on(30)
    with hole.swallowing():
        noticing = asyncio.create_task(seconds_until(noticed, AWAY_SECONDS))
        ended = await endings(flow.cares[0], AWAY_SECONDS)
        after = await noticing
    back = await seconds_until(over, 60)
    await flow.go_on(30)
    return after, ended, back


def tell(capsys: pytest.CaptureFixture[str], what: str, after: float, ended: list[Ending], back: float) -> None:
    statuses = sorted({status for status, _ in ended})
    longest = max(seconds for _, seconds in ended)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{what} away for {AWAY_SECONDS:.0f} s: noticed after {after:.1f} s, "
            f"{len(ended)} calls ended {statuses}, the longest after {longest:.1f} s, "
            f"over {back:.1f} s after the return\n"
        )


async def test_a_database_that_vanishes_is_noticed_and_every_call_is_answered_in_time(
    system: System, capsys: pytest.CaptureFixture[str]
) -> None:
    cares = await enrolled(system, 6)
    async with postgres_behind(system.stack.postgres_dsn("monitoring")) as (hole, dsn):
        one = Instance(system, "monitoring", 0, environment={"CARELOOP_POSTGRES_DSN": dsn})
        async with instead(system, "monitoring", [one]):

            async def unready() -> bool:
                return not await ready(one)

            async with flowing(system, cares, pause=0.1) as flow:
                after, ended, back = await vanished(flow, hole, unready, lambda: ready(one))
            tell(capsys, "PostgreSQL", after, ended, back)
            assert after <= NOTICED_WITHIN_SECONDS
            assert {status for status, _ in ended} <= {"OK", "UNAVAILABLE"}
            assert back <= BACK_WITHIN_SECONDS
            assert not one.ended_by_itself
            await flow.check()


async def test_a_broker_that_vanishes_is_noticed_and_no_command_waits_for_it(
    system: System, capsys: pytest.CaptureFixture[str]
) -> None:
    cares = await enrolled(system, 6)
    async with broker_behind(system.stack.kafka_address) as (hole, bootstrap):
        one = Instance(system, "monitoring", 0, environment={"CARELOOP_KAFKA_BOOTSTRAP": bootstrap})
        async with instead(system, "monitoring", [one]):
            await until(lambda: broker_is(system, operations.BROKER_STATE_CONNECTED))
            async with flowing(system, cares, pause=0.1) as flow:
                after, ended, back = await vanished(
                    flow,
                    hole,
                    lambda: broker_is(system, operations.BROKER_STATE_AWAY),
                    lambda: broker_is(system, operations.BROKER_STATE_CONNECTED),
                )
            tell(capsys, "Kafka", after, ended, back)
            assert after <= NOTICED_WITHIN_SECONDS
            assert {status for status, _ in ended} == {"OK"}
            assert back <= BACK_WITHIN_SECONDS
            assert not one.ended_by_itself
            await flow.check()
