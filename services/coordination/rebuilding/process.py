"""A rebuild in a process of its own, so that folding never holds up the calls of the service that started it."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from subprocess import PIPE, Popen, TimeoutExpired

from careloop.kernel.errors import RuleViolated, Unavailable
from services.coordination.rebuilding.rebuild import Mode, Progress, RebuildOutcome
from services.coordination.rebuilding.telling import parse

STOP_SECONDS = 5
WORKERS_PER_PROCESSOR = 2
"""While one waits for the store another folds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildRequest:
    """What a rebuild is to come to, and how many processes fold; 0: as many as the machine can use."""

    mode: Mode
    workers: int = 0
    accept_differences: bool = False


class Rebuilds:
    """Starts rebuilds of the care view. `environment` is this process's when not given."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = environment

    async def run(self, asked: RebuildRequest) -> AsyncGenerator[Progress | RebuildOutcome, None]:
        """How far it is, and at last what came of it; it is stopped when nobody asks for more.

        Raises RuleViolated when another one runs or there is nothing to turn to, Unavailable when it fails.
        """
        process = self._start(asked)
        try:
            ended = False
            async with aclosing(_told(process)) as lines:
                async for told in lines:
                    ended = isinstance(told, RebuildOutcome)
                    yield told
            if not ended:
                raise Unavailable("rebuild-failed", "The rebuild did not tell of its end; start it again.")
        finally:
            await asyncio.to_thread(_stop, process)

    def _start(self, asked: RebuildRequest) -> Popen[bytes]:
        """By this Popen and not by the loop's: that one forks, which a process that serves gRPC may not survive."""
        command = [sys.executable, "-m", "services.coordination.rebuilding", *_words(asked)]
        return Popen(command, stdin=PIPE, stdout=PIPE, env=self._environment)  # noqa: S603 - our own module


def _words(asked: RebuildRequest) -> list[str]:
    workers = asked.workers or WORKERS_PER_PROCESSOR * _processors()
    return [asked.mode.value, str(workers), *(["accept-differences"] if asked.accept_differences else [])]


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


async def _told(process: Popen[bytes]) -> AsyncGenerator[Progress | RebuildOutcome, None]:
    lines = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), process.stdout
    )
    try:
        async for content in lines:
            line = parse(content)
            if line.refused is not None:
                raise RuleViolated(line.refused.slug, line.refused.sentence)
            told = line.progress or line.outcome
            if told is not None:
                yield told
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
