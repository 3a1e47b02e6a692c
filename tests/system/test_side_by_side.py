"""An upgrade while commands flow, and the way back: two builds on one database and one broker."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Awaitable, Iterator
from contextlib import AsyncExitStack

import pytest

from careloop.chassis.relay.broker_access import BrokerAccess
from careloop.local.local_stack import LocalStack
from careloop.local.schemas import address
from careloop.local.settings import SERVICES
from careloop.local.supervisor import Supervisor
from careloop.local.topics import create_topics, read_list
from tests.support.earlier_build import EarlierBuild, earlier_build
from tests.support.processes.flow import Flow, enrolled, flowing
from tests.support.processes.running import System
from tests.support.processes.starting import SHORT_CLOCKS
from tests.support.stack import start_or_skip, temporary_stack

pytestmark = [pytest.mark.system, pytest.mark.faults, pytest.mark.timeout(600)]

COMMANDS = 150


@pytest.fixture
def stack() -> Iterator[LocalStack]:
    """Servers, and nothing on them yet."""
    with temporary_stack() as made:
        start_or_skip(made.start_postgres())
        start_or_skip(made.start_kafka())
        yield made


@pytest.fixture
def before() -> Iterator[EarlierBuild]:
    with earlier_build() as build:
        yield build


def migrate(stack: LocalStack, program: list[str]) -> None:
    """As an operator does it, with the build that is to serve next."""
    passwords = {"CARELOOP_ROLE_PASSWORD": stack.role_password or ""}
    settings = {"CARELOOP_POSTGRES_URL": address(stack.admin_url, database="postgres"), **passwords}
    done = subprocess.run([*program, "migrate"], env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def replicas(stack: LocalStack, build: EarlierBuild | None, instance: str) -> System:
    """Five processes of a build, not started yet; None is this build."""

    def command(service: str) -> list[str]:
        module = f"services.{service}"
        return [sys.executable, "-m", module] if build is None else list(build.command(module))

    environment = SHORT_CLOCKS | {"CARELOOP_INSTANCE": instance, "CARELOOP_NOTICE_FOLDER": str(stack.home / "mail")}
    return System(stack, Supervisor(stack, environment=environment, command=command))


async def start(system: System) -> None:
    system.supervisor.assign_addresses()
    for service in SERVICES:
        system.supervisor.start_service(service)
    await asyncio.gather(*(system.supervisor.wait_healthy(service) for service in SERVICES))


async def stop(system: System) -> None:
    """As a pod is stopped."""
    codes = [await system.supervisor.kill_service(service, signal.SIGTERM) for service in SERVICES]
    assert codes == [0] * len(SERVICES)


async def flow_of(system: System, ends: AsyncExitStack) -> Flow:
    """Commands to this build's processes, until they are told to end."""
    await ends.enter_async_context(system.open())
    return await ends.enter_async_context(flowing(system, await enrolled(system)))


async def test_no_call_fails_and_nothing_is_lost_from_one_build_to_the_next_and_back(
    stack: LocalStack, before: EarlierBuild, capsys: pytest.CaptureFixture[str]
) -> None:
    migrate(stack, list(before.command("careloop.cli.main")))
    await create_topics(BrokerAccess(stack.kafka_address), read_list(), partitions=6, replicas=1)
    old, new = replicas(stack, before, "0"), replicas(stack, None, "1")
    flows: list[Flow] = []
    try:
        await start(old)
        async with AsyncExitStack() as of_old:
            flows.append(await flow_of(old, of_old))
            await flows[0].go_on(COMMANDS)
            await meanwhile(flows[0], asyncio.to_thread(migrate, stack, [sys.executable, "-m", "careloop.cli.main"]))
            await meanwhile(flows[0], start(new))
            async with AsyncExitStack() as of_new:
                flows.append(await flow_of(new, of_new))
                await asyncio.gather(*(flow.go_on(COMMANDS) for flow in flows))
                await of_old.aclose()
                await meanwhile(flows[1], stop(old))
                await flows[1].go_on(COMMANDS)
                again = replicas(stack, before, "0")
                await meanwhile(flows[1], start(again))
        async with AsyncExitStack() as of_again:
            flows.append(await flow_of(again, of_again))
            await meanwhile(flows[2], stop(new))
            await flows[2].go_on(COMMANDS)
        assert [dict(flow.refused) for flow in flows] == [{}, {}, {}]
        async with again.open():
            for flow in flows:
                flow.system, flow.cares = again, [care.elsewhere(again) for care in flow.cares]
                await flow.check()
        with capsys.disabled():
            sys.stdout.write(f"\ncalls answered: {[len(flow.acknowledged) for flow in flows]}, refused: 0\n")
    finally:
        for system in (old, new):
            await system.supervisor.stop()


async def meanwhile(flow: Flow, work: Awaitable[None]) -> None:
    """The work, while commands are answered all the time."""
    answered = len(flow.acknowledged)
    await work
    assert len(flow.acknowledged) > answered
