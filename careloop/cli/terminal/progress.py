"""How far a long command is, on standard error: a bar on a terminal, else a plain line now and then."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from careloop.cli.terminal.tables import console

EVERY_SECONDS = 2.0


class Shown(Protocol):
    def at(self, phase: str, done: int, of: int | None = None) -> None:
        """So much is done in this phase, of so much if that is known."""
        ...


class PlainLines:
    """One line every two seconds, and one at the end of each phase."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._clock = RateOfPhase()
        self._printed_at = 0.0

    def at(self, phase: str, done: int, of: int | None = None) -> None:
        rate = self._clock.rate(phase, done)
        now = time.monotonic()
        if done != of and now - self._printed_at < EVERY_SECONDS:
            return
        self._printed_at = now
        left = f", {max(0, of - done) / rate:.0f} s left" if of and rate else ""
        print(f"{phase}: {done:,}{f' of {of:,}' if of else ''}{self._unit}, {rate:,.0f}/s{left}", file=sys.stderr)


class Bar:
    """One bar for each phase."""

    def __init__(self, bars: Progress, unit: str) -> None:
        self._bars = bars
        self._unit = unit
        self._clock = RateOfPhase()
        self._tasks: dict[str, TaskID] = {}

    def at(self, phase: str, done: int, of: int | None = None) -> None:
        if phase not in self._tasks:
            self._tasks[phase] = self._bars.add_task(phase, total=of, shown="")
        shown = f"{done:,}{self._unit}, {self._clock.rate(phase, done):,.0f}/s"
        self._bars.update(self._tasks[phase], completed=done, total=of, shown=shown)


class RateOfPhase:
    """The rate of the phase that runs, from its first word on."""

    def __init__(self) -> None:
        self._phase, self._since, self._from = "", 0.0, 0

    def rate(self, phase: str, done: int) -> float:
        now = time.monotonic()
        if phase != self._phase:
            self._phase, self._since, self._from = phase, now, done
        return (done - self._from) / (now - self._since) if now > self._since else 0.0


@contextmanager
def progress(unit: str = "") -> Iterator[Shown]:
    """Shows how far it is as long as the block lasts; `unit` names what is counted, if it is always the same."""
    unit = unit and f" {unit}"
    if not sys.stderr.isatty():
        yield PlainLines(unit)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[shown]}"), TimeRemainingColumn())
    with Progress(*columns, console=console(err=True)) as bars:
        yield Bar(bars, unit)
