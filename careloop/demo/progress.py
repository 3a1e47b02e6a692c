"""How far the demo is, on standard error: one line that changes on a terminal, else a line now and then."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

EVERY_SECONDS = 10.0
ON_A_TERMINAL_EVERY_SECONDS = 1.0
CLEARED = "\r\033[K"


@asynccontextmanager
async def progress(how_far: Callable[[], str]) -> AsyncIterator[None]:
    """As long as the block runs, `how_far` says now and then what is being done and how much of it is done."""
    began, on_terminal = time.monotonic(), sys.stderr.isatty()

    async def say() -> None:
        while True:
            await asyncio.sleep(ON_A_TERMINAL_EVERY_SECONDS if on_terminal else EVERY_SECONDS)
            line = f"   ... {time.monotonic() - began:.0f} s: {how_far()}"
            sys.stderr.write(f"{CLEARED}{line}" if on_terminal else f"{line}\n")
            sys.stderr.flush()

    saying = asyncio.create_task(say())
    try:
        yield
    finally:
        saying.cancel()
        if on_terminal:
            sys.stderr.write(CLEARED)
            sys.stderr.flush()
