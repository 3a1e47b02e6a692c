"""One event loop per process, in a thread of its own, on which every call of the synchronous library is carried out."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from threading import Lock, Thread
from typing import Any, TypeVar

from eventsourcing.persistence import ProgrammingError

Result = TypeVar("Result")


class LoopThread:
    """Runs coroutines for callers of any thread. The thread is a daemon: it never keeps a process alive."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = Thread(target=self.loop.run_forever, name="careloop eventsourcing store", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """False in a child process: threads do not survive a fork."""
        return self._thread.is_alive()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Carry out to the end; raises what the work raises, and ProgrammingError in a forked child."""
        if not self.is_alive:
            work.close()
        self._require_alive()
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def call_soon(self, callback: Callable[..., object], *args: object) -> None:
        """Have the loop call back soon; raises ProgrammingError in a forked child."""
        self._require_alive()
        self.loop.call_soon_threadsafe(callback, *args)

    def _require_alive(self) -> None:
        if not self.is_alive:
            raise ProgrammingError("these connections belong to the parent process; open others after the fork")


class _Current:
    """The loop thread of this process, started when first asked for."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._thread: LoopThread | None = None

    def get(self) -> LoopThread:
        with self._lock:
            if self._thread is None:
                self._thread = LoopThread()
            return self._thread

    def forget(self) -> None:
        # A thread of the parent may have held the lock when the child was forked.
        self._lock = Lock()
        self._thread = None


_current = _Current()
os.register_at_fork(after_in_child=_current.forget)


def loop_thread() -> LoopThread:
    """The one of this process."""
    return _current.get()
