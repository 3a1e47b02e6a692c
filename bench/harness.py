"""What every module of measurements shares: its command line, its servers, its repeats, its report."""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.peering import PeerMissing
from bench.results import CheckFailed, Figure, Report
from bench.servers import NotDurable, Servers
from bench.tables import as_text
from bench.workers import WorkerFailed

Sample = Mapping[str, Any]
"""What one run came to: `value`, and whatever else is worth a median."""


class Bench:
    """One module's run: says what it does on stderr, repeats, and gathers the report."""

    def __init__(self, report: Report, servers: Servers, repeats: int) -> None:
        self.report = report
        self.servers = servers
        self.repeats = repeats
        self._began = time.monotonic()

    @property
    def quick(self) -> bool:
        return self.report.quick

    def say(self, words: str) -> None:
        print(f"{time.monotonic() - self._began:6.1f} s  {words}", file=sys.stderr, flush=True)

    async def repeated(
        self, name: str, who: str, unit: str, run: Callable[[], Awaitable[Sample]], *, repeats: int | None = None
    ) -> Figure:
        """The figure of several runs. Each run checks its own data."""
        samples = []
        for _ in range(repeats or self.repeats):
            sample = await run()
            samples.append(sample)
            self.say(f"{who}: {name}: {sample['value']:,.1f} {unit}")
        notes = {key: median(one[key] for one in samples) for key in samples[0] if key != "value"}
        figure = Figure(name=name, who=who, unit=unit, runs=tuple(one["value"] for one in samples), notes=notes)
        self.report.figures.append(figure)
        return figure

    async def peer(self, who: str, measure: Callable[[], Awaitable[Figure]]) -> Figure | None:
        """A peer's figure, or None with the reason in the report when the peer cannot be run here."""
        if who in self.report.unavailable:
            return None
        try:
            return await measure()
        except* (WorkerFailed, PeerMissing, TimeoutError) as failures:
            reason = " ".join(str(_first(failures)).split()) or type(_first(failures)).__name__
            self.report.unavailable[who] = reason[-600:]
            self.say(f"{who} could not be measured: {reason[-300:]}")
        return None


def _first(failures: BaseExceptionGroup[Any]) -> BaseException:
    failure: BaseException = failures
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return failure


Measure = Callable[[Bench], Awaitable[None]]


def main(name: str, title: str, measure: Measure, arguments: Sequence[str] | None = None) -> int:
    """Run one module; exit code 1 when a check failed, and then no figure. Data goes to stdout, words to stderr."""
    parser = argparse.ArgumentParser(prog=f"python -m bench.{name}", description=title)
    parser.add_argument("--quick", action="store_true", help="shorter runs and fewer sizes, for a first look")
    parser.add_argument("--json", metavar="FILE", help="write the report there as JSON; - is stdout")
    said = parser.parse_args(arguments)
    try:
        report = asyncio.run(_measured(Report(name=name, title=title, quick=said.quick), measure))
    except (CheckFailed, NotDurable) as failed:
        print(f"FAILED, no figure: {failed}", file=sys.stderr)
        return 1
    if said.json == "-":
        print(json.dumps(report.told(), indent=2))
        return 0
    if said.json:
        Path(said.json).write_text(json.dumps(report.told(), indent=2) + "\n", encoding="utf-8")
    print(as_text(report.told()))
    return 0


async def _measured(report: Report, measure: Measure) -> Report:
    began = time.monotonic()
    async with Servers.started() as servers:
        bench = Bench(report, servers, repeats=3)
        try:
            await measure(bench)
        except* CheckFailed as failed:
            raise _first(failed) from None
        report.settings |= await servers.versions()
        report.memory_mb |= servers.memory_mb()
    report.seconds = time.monotonic() - began
    return report
