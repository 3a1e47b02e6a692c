"""Waiting by condition, with a deadline."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable


async def until(condition: Callable[[], object | Awaitable[object]], seconds: float = 20.0) -> None:
    """Return when `condition` holds; fails the test when it still does not after so long."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if await answer if inspect.isawaitable(answer) else answer:
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} seconds")
        await asyncio.sleep(0.02)
