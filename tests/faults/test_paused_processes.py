"""The process that relays and one that projects are stopped, again and again under load, and go on when others have
taken over.

Two processes of monitoring and two of coordination. `CARELOOP_FAULT_KILLS` sets how often (200, which is 20 times).
"""

import random
import signal
import sys
import time

import pytest

from tests.support.checker.ledger import PUBLISHED, everything_arrived, tables
from tests.support.checker.long_forms import TIMES
from tests.support.checker.tally import tally
from tests.support.processes.flow import enrolled, flowing
from tests.support.processes.instances import Instance, instead, relaying
from tests.support.processes.running import System
from tests.support.waiting import until

PAUSES = TIMES // 10
WITHIN_SECONDS = 60

pytestmark = [pytest.mark.faults, pytest.mark.timeout(PAUSES * 180 + 600)]


async def test_stopping_relay_and_projector_loses_doubles_and_reorders_nothing(
    system: System, capsys: pytest.CaptureFixture[str]
) -> None:
    chance, cares, absences = random.Random(PAUSES), await enrolled(system, 8), list[float]()
    async with (
        instead(system, "monitoring", [Instance(system, "monitoring", number) for number in range(2)]) as relays,
        instead(
            system, "coordination", [Instance(system, "coordination", number) for number in range(2)]
        ) as projectors,
    ):
        async with flowing(system, cares, pause=0.1) as flow:
            for _ in range(PAUSES):
                await flow.go_on(chance.randrange(1, 20))
                absences.append(await paused(system, await relaying(system, relays), chance.choice(projectors)))
                await flow.go_on(20)
        await until(lambda: everything_arrived(system), seconds=180)
        count = await tally(system, flow.acknowledged)
        refused = sum(one.log_has("GateClosed") for one in projectors)
        with capsys.disabled():
            sys.stdout.write(
                f"\n{PAUSES} pauses, taken over within {max(absences):.1f} s, units refused at the gate {refused}, "
                f"ended by themselves {sum(one.ended_by_itself for one in (*relays, *projectors))}\n{count}\n"
            )
        assert count.is_clean
        await flow.check()


async def paused(system: System, *stopped: Instance) -> float:
    """Stop them until the journal has what the log had, relayed and projected by others; returns the seconds."""
    began, epoch, head = time.monotonic(), await relays_so_far(system), 0
    for one in stopped:
        one.process.send(signal.SIGSTOP)
    try:
        head = await head_of_log(system)
        await until(lambda: has_changed_hands(system, epoch), WITHIN_SECONDS)
        await until(lambda: is_journaled_through(system, head), WITHIN_SECONDS)
        return time.monotonic() - began
    finally:
        for one in stopped:
            one.process.send(signal.SIGCONT)


async def relays_so_far(system: System) -> int:
    async with tables(system, "monitoring") as connection:
        found: int = await connection.fetchval("select epoch from relay_checkpoint")
    return found


async def has_changed_hands(system: System, epoch: int) -> bool:
    return await relays_so_far(system) > epoch


async def head_of_log(system: System) -> int:
    async with tables(system, "monitoring") as connection:
        found: int = await connection.fetchval("select max(notification_id) from events")
    return found


async def is_journaled_through(system: System, position: int) -> bool:
    async with tables(system, "monitoring") as connection:
        left: int = await connection.fetchval(
            """select count(*) from events e where topic = any($1) and notification_id <= $2
               and not exists (select from coordination.journal j where j.event_id = e.event_id)""",
            [name.removeprefix("care.") for name in PUBLISHED["monitoring"]],
            position,
        )
    return not left
