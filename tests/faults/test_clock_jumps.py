"""The clock of all services jumps an hour ahead and two back, under load: order and deduplication do not care.

`CARELOOP_FAULT_MINUTES` sets how long it goes on jumping (5).
"""

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import cycle
from typing import Any

import grpc
import pytest

from tests.support.checker.ledger import tables
from tests.support.histories.care import Care
from tests.support.processes.breaking import processes
from tests.support.processes.clocked_service import ClockOf, command
from tests.support.processes.flow import dose, enrolled, flowing
from tests.support.processes.running import System
from tests.support.processes.starting import started_system

MINUTES = float(os.environ.get("CARELOOP_FAULT_MINUTES", "5"))
HOUR = 3_600.0
TOKEN_WAS_UNDER_WAY = grpc.StatusCode.UNAUTHENTICATED

pytestmark = [pytest.mark.faults, pytest.mark.timeout(MINUTES * 60 + 600)]


@pytest.fixture
def own_system() -> Iterator[System]:
    with started_system(command) as system:
        yield system


async def test_order_and_deduplication_do_not_read_the_clock(system: System) -> None:
    clock = ClockOf(system.stack.home)
    system.clock = clock
    cares, before, began = await enrolled(system, 8), processes(system), time.monotonic()
    first = await told_once(cares[0])
    async with flowing(system, cares, pause=0.1) as flow:
        for ahead in cycle((HOUR, -HOUR, 0.0)):
            clock.set_ahead(ahead)
            await flow.go_on(60)
            await first.is_answered_the_same()
            if not ahead and time.monotonic() - began > MINUTES * 60:
                break
    assert set(flow.refused) <= {TOKEN_WAS_UNDER_WAY}
    assert processes(system) == before
    await flow.check()
    assert await spread(system) >= timedelta(hours=1, minutes=59)
    assert not await out_of_order(system)


class Told:
    """A request that was answered, and its answer."""

    def __init__(self, care: Care, request: Any, answer: Any) -> None:
        self._care = care
        self._request = request
        self._answer = answer

    async def is_answered_the_same(self) -> None:
        again = await self._care.prescriber.surely("monitoring", self._request)
        assert again.receipt.repeated
        assert (again.fact_id, again.receipt.token) == (self._answer.fact_id, self._answer.receipt.token)


async def told_once(care: Care) -> Told:
    request = dose()
    request.patient_id = care.patient_id
    return Told(care, request, await care.prescriber.surely("monitoring", request))


async def spread(system: System) -> timedelta:
    """How far the times lie apart that the services gave to what happened now."""
    async with tables(system, "monitoring") as connection:
        found: timedelta = await connection.fetchval(
            "select max(occurred_at - recorded_at) - min(occurred_at - recorded_at) from events"
        )
    return found


async def out_of_order(system: System) -> int:
    """Events recorded before the one that lies before them, or whose version does not follow."""
    async with tables(system, "monitoring") as connection:
        count: int = await connection.fetchval(
            """select count(*) filter (where recorded_at <= earlier)
                 + count(*) filter (where originator_version <> coalesce(version, 0) + 1)
               from (select recorded_at, lag(recorded_at) over (order by notification_id) as earlier,
                 originator_version, lag(originator_version) over (
                   partition by originator_id order by notification_id) as version from events) log"""
        )
    return count
