"""One event in a thousand cannot be handled: its patient waits, and nobody else waits for that."""

import sys
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from care.operations.v1 import operations_pb2 as operations

from tests.support.checker.ledger import PUBLISHED, everything_arrived, tables
from tests.support.checker.long_forms import TIMES, long
from tests.support.histories.care import Care
from tests.support.processes.altered_service import POISON_EVERY, Poison, command
from tests.support.processes.console import careloop
from tests.support.processes.flow import enrolled, flowing
from tests.support.processes.instances import in_place_of
from tests.support.processes.running import System
from tests.support.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

CONSUMER = "coordination.care-view"
OTHERS_WAIT_AT_MOST_SECONDS = 2
HALVINGS_OF_A_BATCH = 15


@pytest.mark.parametrize(("poisons", "patients"), [(1, 12), long(TIMES // 10, TIMES // 2, seconds=TIMES * 10 + 600)])
async def test_poison_makes_its_patient_wait_and_nobody_else(
    system: System, poisons: int, patients: int, capsys: pytest.CaptureFixture[str]
) -> None:
    cares, poison = await enrolled(system, patients), Poison(system.stack.home)
    async with in_place_of(system, "coordination", command=command("poisoned", "coordination")):
        await until(lambda: everything_arrived(system), seconds=60)
        first, since = await head(system)
        poison.put()
        async with flowing(system, cares, pause=0.05) as flow:
            await until(lambda: is_past(system, (first // POISON_EVERY + poisons) * POISON_EVERY), poisons * 120)
        await until(lambda: only_the_parked_wait(system), seconds=60)
        found = await parked(system)
        waiting = {one.patient_id for one in found}
        assert 1 <= len(waiting) <= poisons
        longest, events = await longest_wait(system, since, waiting)
        with capsys.disabled():
            sys.stdout.write(f"\n{len(waiting)} of {patients} parked; {events} events of the others, {longest:.3f} s\n")
        assert longest < OTHERS_WAIT_AT_MOST_SECONDS
        assert {one.attempts for one in found} == {1}
        assert poison.tries <= poisons * HALVINGS_OF_A_BATCH
        assert await held(cares) == waiting
        await retried(system, found[:1], code=1)
        assert next(one for one in await parked(system) if one.patient_id == found[0].patient_id).attempts == 2
        poison.take_away()
        await retried(system, found, code=0)
        assert not await parked(system)
        await flow.check()


async def head(system: System) -> tuple[int, datetime]:
    """The newest position of monitoring's log, and the time of the server that keeps it."""
    async with tables(system, "monitoring") as connection:
        row = await connection.fetchrow(
            "select coalesce(max(notification_id), 0) as position, clock_timestamp() as now from events"
        )
    return row["position"], row["now"]


async def is_past(system: System, position: int) -> bool:
    return (await head(system))[0] > position


async def parked(system: System) -> list[Any]:
    answer = await system.person("operator", "on-call").operations(
        "coordination", operations.ListParkedRequest(page_size=500)
    )
    return list(answer.parked)


async def only_the_parked_wait(system: System) -> bool:
    """Whether the journal has all that the log has of everyone else."""
    async with tables(system) as connection:
        left: int = await connection.fetchval(
            """select count(*) from monitoring.events e
               where topic = any($1) and originator_id not in (select patient_id from coordination.parked)
               and not exists (select from coordination.journal j where j.event_id = e.event_id)""",
            [name.removeprefix("care.") for name in PUBLISHED["monitoring"]],
        )
    return not left


async def longest_wait(system: System, since: datetime, waiting: Collection[str]) -> tuple[float, int]:
    """Seconds between an event's place in its log and in the journal, of everyone else; and of how many events."""
    async with tables(system, "coordination") as connection:
        row = await connection.fetchrow(
            """select extract(epoch from max(journal_time - recorded_at)) as seconds, count(*) as events
               from journal where source = 'monitoring' and recorded_at > $1 and patient_id <> all($2)""",
            since,
            [UUID(one) for one in waiting],
        )
    return float(row["seconds"]), row["events"]


async def held(cares: Sequence[Care]) -> set[str]:
    """Whose view says that records of monitoring are held."""
    views = {care.patient_id: await care.view() for care in cares}
    return {
        patient
        for patient, view in views.items()
        if any(one.source == "monitoring" and one.held for one in view.freshness)
    }


async def retried(system: System, found: Sequence[Any], code: int) -> None:
    """By the command, as an operator would."""
    for one in found:
        await careloop(system, "parked", "retry", "coordination", CONSUMER, "monitoring", one.patient_id, code=code)
