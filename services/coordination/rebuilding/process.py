"""A rebuild in a process of its own, so that folding never holds up the calls of the service that started it."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from careloop.kernel.errors import RuleViolated, Unavailable
from services.coordination.rebuilding.rebuild import Mode, Outcome, Progress
from services.coordination.rebuilding.telling import Refused, parse

STOP_SECONDS = 5
WORKERS_PER_PROCESSOR = 2
"""While one waits for the store another folds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a rebuild is to come to, and how many processes fold; 0: as many as the machine can use."""

    mode: Mode
    workers: int = 0
    accept_differences: bool = False


class Rebuilds:
    """Starts rebuilds of the care view. `environment` is this process's when not given."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = environment

    async def run(self, asked: Asked) -> AsyncGenerator[Progress | Outcome, None]:
        """How far it is, and at last what came of it; it is stopped when nobody asks for more.

        Raises RuleViolated when another one runs or there is nothing to turn to, Unavailable when it fails.
        """
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.coordination.rebuilding", *_words(asked)),
            stdin=PIPE,
            stdout=PIPE,
            env=self._environment,
        )
        try:
            ended = False
            async for told in _told(process):
                ended = isinstance(told, Outcome)
                yield told
            if not ended:
                raise Unavailable("rebuild-failed", "The rebuild did not tell of its end; start it again.")
        finally:
            await _stop(process)


def _words(asked: Asked) -> list[str]:
    workers = asked.workers or WORKERS_PER_PROCESSOR * _processors()
    return [asked.mode.value, str(workers), *(["accept-differences"] if asked.accept_differences else [])]


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


async def _told(process: Process) -> AsyncIterator[Progress | Outcome]:
    assert process.stdout is not None
    async for content in process.stdout:
        line = parse(content)
        if line.refused is not None:
            raise _refusal(line.refused)
        told = line.progress or line.outcome
        if told is not None:
            yield told


def _refusal(refused: Refused) -> RuleViolated:
    return RuleViolated(refused.slug, refused.sentence)


async def _stop(process: Process) -> None:
    """Its standard input ends; where that is not enough it is killed."""
    assert process.stdin is not None
    process.stdin.close()
    with suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    if process.returncode is None:
        process.kill()
        await process.wait()
