"""One `up` per state folder, and how `down` finds it."""

import asyncio
import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from careloop.local.processes import opened_private, until


class AlreadyRunning(Exception):
    """Another process runs the system of this state folder."""


class NotUp(Exception):
    """Nobody said where the services answer, or nothing can sign a token for them."""


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Hold the state folder; the system releases it when this process ends, however it ends."""
    home.mkdir(parents=True, exist_ok=True)
    with os.fdopen(opened_private(_lock_file(home)), "a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(f"the system in {home} is already up, as process {holder(home)}") from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def holder(home: Path) -> int | None:
    """The process that holds the state folder, or None."""
    file = _lock_file(home)
    if not file.exists():
        return None
    with file.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(lock.read().strip() or 0) or None
    return None


def stop_holder(home: Path, within: float = 90) -> bool:
    """Ask the holder to stop everything and wait until it has; False when nothing ran.

    Raises TimeoutError when it still holds the folder after so many seconds.
    """
    process = holder(home)
    if process is None:
        return False
    os.kill(process, signal.SIGTERM)
    if not asyncio.run(until(lambda: holder(home) is None, within, every=0.1)):
        raise TimeoutError(f"process {process} has not stopped after {within:g} s")
    return True


def _lock_file(home: Path) -> Path:
    return home / "up.lock"
