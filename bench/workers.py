"""Measured processes, as the harness sees them: started, told, released together, heard."""

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Self

from bench.protocol import Spec
from careloop.local.processes import dying_with_us

ROOT = Path(__file__).parents[1]
PREPARING_SECONDS = 180
LINE = 64 * 1024 * 1024


class WorkerFailed(Exception):
    """A measured process ended without an answer. The text is the end of what it wrote."""


def ours(module: str) -> list[str]:
    """The command of a program of ours."""
    return [sys.executable, "-m", module]


class Worker:
    """One process that speaks bench.protocol. It ends with the harness, whatever happens."""

    def __init__(self, command: Sequence[str], spec: Spec) -> None:
        self._command = command
        self._spec = spec
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *dying_with_us(self._command, signal.SIGKILL, as_nobody=False),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._errors,
            cwd=ROOT,
            env={**os.environ, "NODE_NO_WARNINGS": "1"},
            limit=LINE,
        )
        await self._say(json.dumps(self._spec))
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._running.returncode is None:
            self._running.kill()
        await self._running.wait()
        self._errors.close()

    @property
    def _running(self) -> asyncio.subprocess.Process:
        assert self._process is not None
        return self._process

    @property
    def pid(self) -> int:
        return self._running.pid

    async def ready(self) -> dict[str, Any]:
        """Wait until it is prepared; what it says of itself then."""
        async with asyncio.timeout(PREPARING_SECONDS):
            return await self._hear()

    async def go(self) -> None:
        await self._say("go")

    async def answer(self, within: float) -> dict[str, Any]:
        """Its figures. Raises WorkerFailed, also when they do not come in time."""
        try:
            async with asyncio.timeout(within):
                return await self._hear()
        except TimeoutError:
            raise WorkerFailed(f"{' '.join(self._command[-2:])}: no answer in {within:.0f} s") from None

    async def _say(self, words: str) -> None:
        assert self._running.stdin is not None
        self._running.stdin.write(f"{words}\n".encode())
        await self._running.stdin.drain()

    async def _hear(self) -> dict[str, Any]:
        assert self._running.stdout is not None
        line = await self._running.stdout.readline()
        if not line:
            self._errors.seek(0)
            words = self._errors.read().decode(errors="replace").strip()
            raise WorkerFailed(words[-1500:] or "no answer")
        heard: dict[str, Any] = json.loads(line)
        return heard


async def measured_together(commands: Sequence[tuple[Sequence[str], Spec]], within: float) -> list[dict[str, Any]]:
    """Run processes side by side, released at one moment; their figures in the order given."""
    async with asyncio.TaskGroup() as group:
        workers = [Worker(command, spec) for command, spec in commands]
        gate = asyncio.Barrier(len(workers))
        tasks = [group.create_task(_measured(worker, gate, within)) for worker in workers]
    return [task.result() for task in tasks]


async def _measured(worker: Worker, gate: asyncio.Barrier, within: float) -> dict[str, Any]:
    async with worker:
        await worker.ready()
        await gate.wait()
        await worker.go()
        return await worker.answer(within)
