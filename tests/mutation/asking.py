"""Ask the tests about a tree: run some of them in a process of its own, with a deadline, and learn what they said."""

import contextlib
import gc
import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import Phase, settings

from tests.mutation.plugins import Chosen

OURS = ("careloop", "services", "care", "tests")
FIRST = """
    aiokafka.admin asyncpg faststream.kafka google.rpc.error_details_pb2 grpc.aio grpc_health.v1.health
    grpc_status.rpc_status joserfc.jwt msgspec prometheus_client psycopg pydantic_settings rich.table structlog
    typer yaml
"""
"""What most tests import and no change touches: read once here instead of in every process."""


QUIETLY = (
    "-q",
    "--no-header",
    "--tb=short",
    "-p",
    "no:cacheprovider",
    "-m",
    "not system and not faults",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What pytest said; `code` is None when it had to be ended at its deadline."""

    code: int | None
    failed: tuple[str, ...]
    seconds: float


def get_ready() -> None:
    """Read what every test process needs; to be called once, before the first question."""
    for name in FIRST.split():
        importlib.import_module(name)
    settings.register_profile(
        "changed-code", phases=(Phase.explicit, Phase.generate), derandomize=True, database=None, deadline=None
    )
    settings.load_profile("changed-code")
    gc.collect()
    gc.freeze()


@dataclass(frozen=True, slots=True)
class Question:
    """These tests, in this order; how long each may take, and how long all may."""

    tests: Sequence[str]
    each: float
    deadline: float


def ask(tree: Path, question: Question, folder: Path, *, environment: dict[str, str]) -> Answer:
    """Whether these tests pass in this tree, up to the first that does not."""
    files = sorted({test.partition("::")[0] for test in question.tests})
    folder.mkdir(parents=True, exist_ok=True)
    told = folder / "told.json"
    told.unlink(missing_ok=True)
    started = time.monotonic()
    code = in_child(
        lambda: pytest.main(
            [*QUIETLY, "-x", f"--timeout={question.each}", *files], plugins=[Chosen(question.tests, told)]
        ),
        tree,
        folder / "output.txt",
        deadline=question.deadline,
        environment={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    failed = json.loads(told.read_text())["failed"] if told.exists() else ()
    return Answer(code, tuple(failed), time.monotonic() - started)


def in_child(
    work: Callable[[], int], tree: Path, output: Path, *, deadline: float, environment: dict[str, str]
) -> int | None:
    """The exit code of the work done in a fork that sees this tree instead of ours; None when it was ended."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code: Any = 70
        try:
            _see(tree, output, environment)
            code = work()
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(int(code))
    try:
        return _ended(child, deadline)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)


def _ended(child: int, deadline: float) -> int | None:
    def too_late(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, too_late)
    signal.setitimer(signal.ITIMER_REAL, deadline)
    try:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    except TimeoutError:
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _see(tree: Path, output: Path, environment: dict[str, str]) -> None:
    os.setsid()
    os.closerange(3, 1024)  # or servers that end with our input would outlive us
    for stream in (sys.stdout, sys.stderr):
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        os.dup2(descriptor, stream.fileno())
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    ours = str(Path.cwd())
    os.chdir(tree)
    paths = [str(tree), str(tree / "proto")]
    outer = [*paths, *filter(None, [environment.get("PYTHONPATH")])]
    os.environ.update({**environment, "PYTHONPATH": os.pathsep.join(outer), "CI": "true"})
    sys.dont_write_bytecode = "PYTHONDONTWRITEBYTECODE" in environment
    here = {"", ours, f"{ours}/proto"}
    sys.path[:] = [*paths, *(path for path in sys.path if path not in here)]
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
    importlib.invalidate_caches()
