"""kill -9 of each service in turn, while commands flow: nothing acknowledged is lost, nothing is done twice."""

import pytest

from careloop.local.settings import SERVICES
from tests.support.processes.flow import enrolled, flowing
from tests.support.processes.running import System

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


async def test_nothing_is_lost_or_doubled_when_every_service_is_killed_in_turn(system: System) -> None:
    cares = await enrolled(system)
    for care in cares:
        await care.form_team()
    async with flowing(system, cares) as flow:
        for service in SERVICES:
            await flow.go_on(20)
            await system.restart(service)
    await flow.check()
