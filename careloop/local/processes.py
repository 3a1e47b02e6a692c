"""Child processes that never outlive the process that started them."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

_LAUNCH = str(Path(__file__).with_name("launch.py"))

NOBODY = 65534
"""The user and group that servers run as when we are root; PostgreSQL refuses to run as root."""

LineSink = Callable[[str], None]


def opened_private(file: Path) -> int:
    """A descriptor to append to this file, which is its owner's alone if it is made."""
    return os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)


def dying_with_us(command: Sequence[str], death_signal: signal.Signals, *, as_nobody: bool) -> list[str]:
    """The command behind the program that ties its life to this thread's, so start it from the main one."""
    user = str(NOBODY) if as_nobody else "-"
    return [sys.executable, "-E", "-S", _LAUNCH, str(os.getpid()), str(death_signal.value), user, *command]


class Child:
    """One child process in its own session, its output written to a file or handed on line by line."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        output: Path | LineSink,
        env: Mapping[str, str] | None = None,
        as_nobody: bool = False,
        death_signal: signal.Signals = signal.SIGKILL,
        cwd: str = "/",
    ) -> None:
        self.name = name
        self.output = output
        target = os.fdopen(opened_private(output), "ab") if isinstance(output, Path) else subprocess.PIPE
        try:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                dying_with_us(command, death_signal, as_nobody=as_nobody),
                stdin=subprocess.DEVNULL,
                stdout=target,
                stderr=subprocess.STDOUT,
                env=dict(env) if env is not None else None,
                cwd=cwd,
                start_new_session=True,
                umask=0o077,
            )
        finally:
            if not isinstance(target, int):
                target.close()
        if self._process.stdout is not None and callable(output):
            threading.Thread(
                target=_forward, args=(self._process.stdout, output), name=f"{name}-log", daemon=True
            ).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative when a signal ended it."""
        return self._process.poll()

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens when the process has already ended."""
        self._process.send_signal(number)

    async def ended(self, within: float) -> bool:
        """Whether the process ends within so many seconds."""
        return await until(lambda: self.exit_code is not None, within)

    async def stop(self, number: signal.Signals, grace: float) -> None:
        """Ask it to end; kill it when it has not within `grace` seconds."""
        self.send(number)
        if not await self.ended(grace):
            self.send(signal.SIGKILL)
            await self.ended(10)

    def last_words(self, lines: int = 8) -> str:
        """The end of its log file, for the message that says why a start failed."""
        if not isinstance(self.output, Path) or not self.output.exists():
            return ""
        return "\n".join(self.output.read_text(errors="replace").splitlines()[-lines:])


def _forward(stream: IO[bytes], sink: LineSink) -> None:
    with stream:
        for line in stream:
            sink(line.decode(errors="replace").rstrip("\n"))


async def until(condition: Callable[[], bool], within: float, every: float = 0.02) -> bool:
    """Whether the condition comes true within so many seconds."""
    deadline = asyncio.get_running_loop().time() + within
    while not condition():
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(every)
    return True
