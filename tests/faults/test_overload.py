"""More than can be done: what is done stays near the most that can be, the rest is refused in time, memory is bounded.

The store is made the narrow place, so that the callers beside it on the same processors are not: the log is locked most
of the time.
"""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
from care.monitoring.v1.monitoring_pb2_grpc import MonitoringServiceStub

from tests.support.checker.ledger import everything_arrived, tables, times_stored
from tests.support.processes.flow import dose, enrolled, flowing
from tests.support.processes.running import Person, System
from tests.support.waiting import until

HELD_SECONDS, FREE_SECONDS = 1.0, 0.05
PEAK_CALLERS = 200
PEAK_SECONDS = 15.0
TIMES_THE_PEAK = 5
OVERLOAD_SECONDS = 20.0
DEADLINE_SECONDS = 8.0
TICK_SECONDS = 0.02
MOST_MORE_MEMORY = 300 * 1024 * 1024
SLOW_SECONDS = 60.0

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


@dataclass
class Load:
    """Doses of ever new patients, and how each call ended."""

    system: System
    person: Person
    endings: Counter[str] = field(default_factory=Counter)
    acknowledged: list[str] = field(default_factory=list)
    longest: float = 0.0

    def __post_init__(self) -> None:
        self._stub = MonitoringServiceStub(self.system.channels["monitoring"])
        self._metadata = self.person.metadata()

    async def call(self) -> None:
        request, began = dose(), time.monotonic()
        try:
            await self._stub.RecordDose(request, timeout=DEADLINE_SECONDS, metadata=self._metadata)
        except grpc.aio.AioRpcError as refusal:
            self.endings[refusal.code().name] += 1
        else:
            self.endings["OK"] += 1
            self.acknowledged.append(request.request_id)
        self.longest = max(self.longest, time.monotonic() - began)

    async def closed(self, callers: int, seconds: float) -> float:
        """So many callers, each with one call at a time; OK per second."""
        over = time.monotonic() + seconds

        async def caller() -> None:
            while time.monotonic() < over:
                await self.call()

        began = time.monotonic()
        await asyncio.gather(*(caller() for _ in range(callers)))
        return self.endings["OK"] / (time.monotonic() - began)

    async def open(self, per_second: float, seconds: float) -> float:
        """So many new calls a second, whatever becomes of those before; OK per second."""
        began, calls = time.monotonic(), set[asyncio.Task[None]]()
        started = 0
        while (passed := time.monotonic() - began) < seconds:
            for _ in range(int(per_second * passed) - started):
                started += 1
                calls.add(call := asyncio.create_task(self.call()))
                call.add_done_callback(calls.discard)
            await asyncio.sleep(TICK_SECONDS)
        good = self.endings["OK"] / seconds
        await asyncio.gather(*calls)
        return good


@asynccontextmanager
async def slowed(system: System, service: str, key: str) -> AsyncIterator[None]:
    """Meanwhile the lock of this service's log (`log_key`) or journal (`journal_key`) is held most of the time."""
    over = asyncio.Event()

    async def hold() -> None:
        async with tables(system, service) as connection:
            while not over.is_set():
                async with connection.transaction():
                    await connection.execute(f"select pg_advisory_xact_lock({key}())")
                    await asyncio.sleep(HELD_SECONDS)
                await asyncio.sleep(FREE_SECONDS)

    holding = asyncio.create_task(hold())
    try:
        yield
    finally:
        over.set()
        await holding


def memory(process: int, field: str = "VmRSS") -> int:
    """Resident bytes of a process now, or (`VmHWM`) at most."""
    (line,) = [one for one in Path(f"/proc/{process}/status").read_text().splitlines() if one.startswith(field)]
    return int(line.split()[1]) * 1024


async def test_five_times_what_can_be_done(system: System, capsys: pytest.CaptureFixture[str]) -> None:
    process, person = system.supervisor.pid("monitoring"), system.person("psychiatrist", "dr-1")
    async with slowed(system, "monitoring", "log_key"):
        at_peak, over = Load(system, person), Load(system, person)
        peak = await at_peak.closed(PEAK_CALLERS, PEAK_SECONDS)
        before = memory(process)
        good = await over.open(TIMES_THE_PEAK * peak, OVERLOAD_SECONDS)
        more = memory(process, "VmHWM") - before
    with capsys.disabled():
        sys.stdout.write(
            f"\npeak {peak:.0f}/s; at {TIMES_THE_PEAK} times that {good:.0f}/s ({good / peak:.0%}), "
            f"{dict(over.endings)}, the longest call {over.longest:.1f} s, {more / 1e6:.0f} MB more\n"
        )
    assert set(at_peak.endings) == {"OK"}
    assert set(over.endings) <= {"OK", "RESOURCE_EXHAUSTED", "UNAVAILABLE"}
    assert over.longest <= DEADLINE_SECONDS + 0.5
    assert good >= 0.8 * peak
    assert more <= MOST_MORE_MEMORY
    acknowledged = at_peak.acknowledged + over.acknowledged
    assert await times_stored(system, acknowledged) == dict.fromkeys(acknowledged, 1)
    await until(lambda: everything_arrived(system), seconds=60)


async def test_a_slow_consumer_costs_nobody_else_and_no_memory(
    system: System, capsys: pytest.CaptureFixture[str]
) -> None:
    cares, process = await enrolled(system, 24), system.supervisor.pid("coordination")
    before = memory(process)
    async with slowed(system, "coordination", "journal_key"):
        async with flowing(system, cares, pause=0) as flow:
            over = time.monotonic() + SLOW_SECONDS
            await until(lambda: time.monotonic() > over, SLOW_SECONDS + 60)
        behind = not await everything_arrived(system)
    began = time.monotonic()
    await until(lambda: everything_arrived(system), seconds=120)
    more = memory(process, "VmHWM") - before
    with capsys.disabled():
        sys.stdout.write(
            f"\nconsumer slowed for {SLOW_SECONDS:.0f} s: {len(flow.acknowledged)} commands "
            f"({len(flow.acknowledged) / SLOW_SECONDS:.0f}/s), behind {behind}, refused {dict(flow.refused)}, "
            f"caught up in {time.monotonic() - began:.1f} s, {more / 1e6:.0f} MB more\n"
        )
    assert not flow.refused
    assert more <= MOST_MORE_MEMORY
    await flow.check()
