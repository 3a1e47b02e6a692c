"""kill -9 of one service after another, chosen by chance: command, relay and consumers die with it.

`CARELOOP_FAULT_KILLS` sets how often (200), `CARELOOP_FAULT_SEED` by which chance.
"""

import os
import random

import pytest

from careloop.local.settings import SERVICES
from tests.support.processes.flow import enrolled, flowing
from tests.support.processes.running import System

KILLS = int(os.environ.get("CARELOOP_FAULT_KILLS", "200"))
SEED = int(os.environ.get("CARELOOP_FAULT_SEED", "0"))

pytestmark = [pytest.mark.faults, pytest.mark.timeout(KILLS * 30 + 300)]


async def test_nothing_is_lost_or_doubled_by_many_kills(system: System) -> None:
    chance = random.Random(SEED)
    async with flowing(system, await enrolled(system), pause=0.05) as flow:
        for _ in range(KILLS):
            await flow.go_on(chance.randrange(1, 20))
            await system.restart(chance.choice(SERVICES))
    await flow.check()
