"""kill -9 of everything at once, the servers too: nothing acknowledged is lost, and all is back within a minute."""

import signal
import time

import pytest

from careloop.local.settings import SERVICES
from tests.support.processes.breaking import end_server
from tests.support.processes.flow import enrolled, flowing
from tests.support.processes.running import System

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

BACK_WITHIN_SECONDS = 60


async def test_everything_killed_at_once_is_back_within_a_minute(system: System) -> None:
    async with flowing(system, await enrolled(system)) as flow:
        for _ in range(3):
            await flow.go_on(50)
            system.stack.kill()
            for service in SERVICES:
                await system.supervisor.kill_service(service)
            for server in ("postgres", "kafka"):
                await end_server(system, server, signal.SIGKILL)
            killed = time.monotonic()
            await system.supervisor.start()
            await flow.go_on(1)
            assert time.monotonic() - killed <= BACK_WITHIN_SECONDS
    await flow.check()
