"""A rebuild in a process of its own, so that folding never holds up the calls of the service that started it."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from subprocess import PIPE, Popen, TimeoutExpired

from careloop.kernel.errors import RuleViolated, Unavailable
from services.coordination.rebuilding.lines import parse
from services.coordination.rebuilding.terms import Progress, RebuildOutcome, RebuildRequest

STOP_SECONDS = 5
WORKERS_PER_PROCESSOR = 2
"""While one waits for the store another folds."""


class Rebuilds:
    """Starts rebuilds of the care view. `environment` is this process's when not given."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = environment

    async def run(self, request: RebuildRequest) -> AsyncGenerator[Progress | RebuildOutcome, None]:
        """How far it is, and at last what came of it; it is stopped when nobody asks for more.

        Raises RuleViolated when another one runs or there is nothing to turn to, Unavailable when it fails.
        """
        process = self._start(request)
        try:
            ended = False
            async with aclosing(_lines(process)) as lines:
                async for line in lines:
                    ended = isinstance(line, RebuildOutcome)
                    yield line
            if not ended:
                raise Unavailable("rebuild-failed", "The rebuild did not tell of its end; start it again.")
        finally:
            await asyncio.to_thread(_stop, process)

    def _start(self, request: RebuildRequest) -> Popen[bytes]:
        """By this Popen and not by the loop's: that one forks, which a process that serves gRPC may not survive."""
        command = [sys.executable, "-m", "services.coordination.rebuilding", *_words(request)]
        return Popen(command, stdin=PIPE, stdout=PIPE, env=self._environment)  # noqa: S603 - our own module


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
