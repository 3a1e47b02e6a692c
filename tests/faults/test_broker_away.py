"""The broker away for minutes: commands are accepted all the while, and it is all caught up faster than it came.

`CARELOOP_FAULT_MINUTES` sets how long (5).
"""

import os
import signal
import time

import pytest

from tests.support.checker.ledger import everything_arrived
from tests.support.processes.breaking import end_server
from tests.support.processes.flow import enrolled, flowing
from tests.support.processes.running import System
from tests.support.waiting import until

MINUTES = float(os.environ.get("CARELOOP_FAULT_MINUTES", "5"))

pytestmark = [pytest.mark.faults, pytest.mark.timeout(MINUTES * 60 + 600)]


async def test_a_long_absence_of_the_broker_is_caught_up_at_three_times_the_arrival(system: System) -> None:
    async with flowing(system, await enrolled(system, 8), pause=0.5) as flow:
        await end_server(system, "kafka", signal.SIGKILL)
        before, away = len(flow.acknowledged), time.monotonic()
        await until(lambda: time.monotonic() - away > MINUTES * 60, seconds=MINUTES * 60 + 30)
    backlog, absence = len(flow.acknowledged) - before, time.monotonic() - away
    assert not flow.refused
    back = time.monotonic()
    await system.stack.start_kafka()
    await until(lambda: everything_arrived(system), seconds=absence)
    assert backlog / (time.monotonic() - back) >= 3 * backlog / absence
    await flow.check()
