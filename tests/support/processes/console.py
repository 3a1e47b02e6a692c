"""The console's commands against a running system."""

import asyncio
import sys
from asyncio.subprocess import PIPE

from tests.support.processes.running import System


async def careloop(system: System, *words: str, code: int = 0) -> str:
    """What the command prints; it must end with this code."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "careloop.cli.main", *words, "--home", str(system.stack.home)),
        stdout=PIPE,
        stderr=PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode == code, err.decode() or out.decode()
    return out.decode()
