"""A rebuild in a process of its own, so that folding never holds up the calls of the service that started it."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from subprocess import PIPE, Popen, TimeoutExpired
from typing import Self

from careloop.kernel.errors import RuleViolated, Unavailable
from services.coordination.rebuilding.lines import parse
from services.coordination.rebuilding.terms import Progress, RebuildOutcome, RebuildRequest

STOP_SECONDS = 5
WORKERS_PER_PROCESSOR = 2
"""While one waits for the store another folds."""


class Rebuilds:
    """Starts rebuilds of the care view; each goes on, watched or not, until it ends or the service does.

    `environment` is this process's when not given.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = environment
        self._last: _Rebuild | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    async def run(self, request: RebuildRequest) -> AsyncGenerator[Progress | RebuildOutcome, None]:
        """How far it is, and at last what came of it. One that was asked for by the same name is not begun again.

        Raises RuleViolated when another one runs or there is nothing to turn to, Unavailable when it fails.
        """
        rebuild = self._last
        if rebuild is None or not request.name or rebuild.request != request:
            if rebuild is not None and rebuild.runs:
                raise RuleViolated("rebuild-runs", "Another rebuild runs; wait for its end.")
            rebuild = self._last = _Rebuild(request, self._environment)
        async with aclosing(rebuild.watch()) as steps:
            async for step in steps:
                yield step

    async def stop(self) -> None:
        """The one that runs, if any; its watchers hear that it failed."""
        if self._last is not None:
            await self._last.stop()


class _Rebuild:
    """One process, and the last that it said."""

    def __init__(self, request: RebuildRequest, environment: Mapping[str, str] | None) -> None:
        self.request = request
        self._process = _start(request, environment)
        self._said: list[Progress | RebuildOutcome] = []
        self._failure: Exception | None = None
        self._more = asyncio.Event()
        self._listening = asyncio.create_task(self._listen(), name="rebuild")

    @property
    def runs(self) -> bool:
        return not self._listening.done()

    async def _listen(self) -> None:
        try:
            async with aclosing(_lines(self._process)) as lines:
                async for line in lines:
                    self._said.append(line)
                    self._wake()
            if not self._said or not isinstance(self._said[-1], RebuildOutcome):
                self._failure = Unavailable("rebuild-failed", "The rebuild did not tell of its end; start it again.")
        except Exception as failure:
            self._failure = failure
        finally:
            await asyncio.to_thread(_stop, self._process)
            self._wake()

    def _wake(self) -> None:
        more, self._more = self._more, asyncio.Event()
        more.set()

    async def watch(self) -> AsyncGenerator[Progress | RebuildOutcome, None]:
        """All that it said, and what it says from now on. Raises what it failed of."""
        heard = 0
        while True:
            more = self._more
            while heard < len(self._said):
                yield self._said[heard]
                heard += 1
            if not self.runs:
                break
            waiting = asyncio.ensure_future(more.wait())
            await asyncio.wait({waiting, self._listening}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
        if self._failure is not None:
            raise self._failure

    async def stop(self) -> None:
        if self.runs:
            assert self._process.stdin is not None
            self._process.stdin.close()
            await asyncio.wait({self._listening})


def _start(request: RebuildRequest, environment: Mapping[str, str] | None) -> Popen[bytes]:
    """By this Popen and not by the loop's: that one forks, which a process that serves gRPC may not survive."""
    command = [sys.executable, "-m", "services.coordination.rebuilding", *_words(request)]
    return Popen(command, stdin=PIPE, stdout=PIPE, env=environment)  # noqa: S603 - our own module


def _words(request: RebuildRequest) -> list[str]:
    workers = request.workers or WORKERS_PER_PROCESSOR * _processors()
    return [request.mode.value, str(workers), *(["accept-differences"] if request.accept_differences else [])]


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


async def _lines(process: Popen[bytes]) -> AsyncGenerator[Progress | RebuildOutcome, None]:
    output = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(output), process.stdout
    )
    try:
        async for content in output:
            line = parse(content)
            if line.refused is not None:
                raise RuleViolated(line.refused.slug, line.refused.sentence)
            step = line.progress or line.outcome
            if step is not None:
                yield step
    finally:
        transport.close()


def _stop(process: Popen[bytes]) -> None:
    """Its standard input ends; where that is not enough it is killed."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except TimeoutExpired:
        process.kill()
        process.wait()
