"""What a system that nobody uses costs: processor time of the five services, of Kafka and of PostgreSQL."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from bench.harness import Bench, main
from bench.results import OURS, Figure, Row
from bench.servers import Servers
from careloop.local.settings import SERVICES
from careloop.local.supervisor import Supervisor

TITLE = "Idle: processor time of a system that nobody uses"
SETTLING_SECONDS = 40.0
"""Services join their groups and Kafka compiles what it runs."""
TICKS = os.sysconf("SC_CLK_TCK")


async def measure(bench: Bench) -> None:
    seconds = 20.0 if bench.quick else 60.0
    async with _running(bench.servers) as pids:
        bench.say("all five are healthy")
        await asyncio.sleep(SETTLING_SECONDS / 2 if bench.quick else SETTLING_SECONDS)
        runs = [await _shares(pids, seconds) for _ in range(1 if bench.quick else bench.repeats)]
    for name in pids:
        _figure(bench, name, (run[name] for run in runs))
    whole = _figure(bench, "the whole system", (sum(run.values()) for run in runs))
    bench.report.rows.append(
        Row(
            figure="processor while nothing happens, five services, Kafka, PostgreSQL",
            ours=whole,
            better="lower",
            target=12.0,
            goal="<= 12 % of a core",
        )
    )


def _figure(bench: Bench, name: str, runs: Iterable[float]) -> Figure:
    figure = Figure(name=f"idle: {name}", who=OURS, unit="% of a core", runs=tuple(runs))
    bench.report.figures.append(figure)
    bench.say(f"{name}: {figure.median:.2f} % of a core")
    return figure


@asynccontextmanager
async def _running(servers: Servers) -> AsyncIterator[Mapping[str, int]]:
    """The process ids of a whole system by name, of a server the one that started its others."""
    await servers.start_kafka()
    await servers.stack.prepare()
    supervisor = Supervisor(servers.stack)
    supervisor.assign_addresses()
    try:
        for service in SERVICES:
            supervisor.start_service(service)
        await asyncio.gather(*map(supervisor.wait_healthy, SERVICES))
        yield {child.name: child.pid for child in servers.stack.children} | {
            service: supervisor.pid(service) for service in SERVICES
        }
    finally:
        await asyncio.gather(*(supervisor.kill_service(service, signal.SIGTERM) for service in SERVICES))


async def _shares(pids: Mapping[str, int], seconds: float) -> Mapping[str, float]:
    """Per cent of one core that each took, with its children, over so long."""
    began, before = time.monotonic(), {name: _ticks(pid) for name, pid in pids.items()}
    await asyncio.sleep(seconds)
    took = time.monotonic() - began
    return {name: 100 * (_ticks(pid) - before[name]) / TICKS / took for name, pid in pids.items()}


def _ticks(pid: int) -> int:
    """User and system time of a process, of children that ended, and of those that run."""
    try:
        times = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[11:15]
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return 0
    return sum(map(int, times)) + sum(_ticks(int(child)) for child in children)


if __name__ == "__main__":
    sys.exit(main("idle", TITLE, measure))
