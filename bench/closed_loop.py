"""Clients that each wait for an answer before they send again: so many waiting at any moment, no more.

Standard library only: programs of other environments import it.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from uuid import UUID

from bench.protocol import Spec
from bench.workload import chosen, content, patient

Append = Callable[[UUID, int, bytes], None]
"""Append the event of this version to this stream; the version before it is the one expected. Raises if it cannot."""
AsyncAppend = Callable[[UUID, int, bytes], Awaitable[None]]


class Tally:
    """What was acknowledged, and when, on the clock that all processes of a machine share."""

    def __init__(self, spec: Spec) -> None:
        self.begin = time.monotonic()
        self.opens = self.begin + spec["warm_up"]
        self.closes = self.opens + spec["seconds"]
        self.acknowledged = 0
        self._inside = 0
        self._latencies: list[float] = []

    def note(self, sent: float, answered: float) -> None:
        self.acknowledged += 1
        if self.opens <= answered < self.closes:
            self._inside += 1
            self._latencies.append(answered - sent)

    def figures(self) -> dict[str, Any]:
        return {
            "acknowledged": self.acknowledged,
            "per_second": self._inside / (self.closes - self.opens),
            "p50_ms": 1000 * quantile(self._latencies, 0.50),
            "p99_ms": 1000 * quantile(self._latencies, 0.99),
        }


def quantile(values: list[float], share: float) -> float:
    """The value below which `share` of all lie; not a number when there is none."""
    if not values:
        return float("nan")
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def appends(spec: Spec, client: int) -> Iterator[tuple[UUID, int, bytes]]:
    """What one client appends, for ever: stream, version, content."""
    versions: dict[int, int] = {}
    for number in chosen(spec["patients"], client, spec["waiting"], spec["skew"]):
        version = versions[number] = versions.get(number, 0) + 1
        stream = patient(spec["worker"], number)
        yield stream, version, content(stream, version)


async def waiting_tasks(append: AsyncAppend, spec: Spec) -> Tally:
    """Run `waiting` clients as tasks until the time is over; every append that was begun is finished."""
    tally = Tally(spec)

    async def client(number: int) -> None:
        for stream, version, state in appends(spec, number):
            sent = time.monotonic()
            if sent >= tally.closes:
                return
            await append(stream, version, state)
            tally.note(sent, time.monotonic())

    await asyncio.gather(*(client(number) for number in range(spec["waiting"])))
    return tally


def waiting_threads(append_of: Callable[[int], Append], spec: Spec) -> Tally:
    """The same as threads; `append_of` makes each thread's own way to append."""
    tally, lock = Tally(spec), threading.Lock()
    failures: list[Exception] = []

    def client(number: int) -> None:
        append = append_of(number)
        for stream, version, state in appends(spec, number):
            sent = time.monotonic()
            if sent >= tally.closes or failures:
                return
            append(stream, version, state)
            with lock:
                tally.note(sent, time.monotonic())

    def guarded(number: int) -> None:
        try:
            client(number)
        except Exception as failure:
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(spec["waiting"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return tally
