"""`careloop up` as a process of its own: ready, asked to stop, or a child dying, it leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from careloop.local.running import AlreadyRunning, alone, holder, stop_holder
from tests.support.stack import temporary_stack

ROOT = Path(__file__).parents[2]

# The command line's own function, over processes that only answer health.
UP = """
import asyncio, sys
from careloop.local.local_stack import LocalStack
from careloop.local.running import alone
from careloop.local.settings import StackSettings
from careloop.local.supervisor import Supervisor
from careloop.cli.commands.up import run_until_asked

stack = LocalStack(StackSettings(home=sys.argv[1]))
command = [sys.executable, "-m", "tests.support.processes.health_program"]
with alone(stack.home):
    asyncio.run(run_until_asked(Supervisor(stack, command=lambda service: command)))
"""

pytestmark = [pytest.mark.postgres, pytest.mark.kafka]


@contextmanager
def started(home: Path) -> Iterator[subprocess.Popen[str]]:
    """The process, after it has said that it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-c", UP, str(home)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if line.startswith("Careloop is ready."):
                    break
            yield process
        finally:
            process.kill()


def descendants(process: int) -> list[int]:
    children = [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return children + [below for child in children for below in descendants(child)]


def running(processes: list[int]) -> list[str]:
    """Names of those that still run."""
    found = [Path(f"/proc/{process}/status") for process in processes]
    texts = [file.read_text() for file in found if file.exists()]
    return [text.splitlines()[0] for text in texts if not re.search(r"^State:\s+Z", text, re.MULTILINE)]


def test_down_stops_everything_and_a_second_up_is_refused_meanwhile() -> None:
    with temporary_stack() as stack, started(stack.home) as process:
        family = descendants(process.pid)
        assert len(family) > 6
        assert holder(stack.home) == process.pid
        with pytest.raises(AlreadyRunning, match=f"already up, as process {process.pid}"), alone(stack.home):
            pass
        assert stop_holder(stack.home)
        assert process.wait(timeout=30) == 0
        assert running(family) == []
        assert not stop_holder(stack.home)


def test_a_dying_child_ends_it_all_with_an_error_that_names_it() -> None:
    with temporary_stack() as stack, started(stack.home) as process:
        family = descendants(process.pid)
        kafka = next(child for child in family if b"kafka.Kafka" in Path(f"/proc/{child}/cmdline").read_bytes())
        os.kill(kafka, signal.SIGKILL)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "kafka ended with exit code -9" in said
        assert running(family) == []
