"""The demo as a process of its own: its verdict holds over a kill -9, and its last lines work as pasted."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from careloop.local.running import holder
from tests.support.stack import temporary_stack

ROOT = Path(__file__).parents[2]
LONGEST_SECONDS = 600
"""Guards against a demo that hangs; it takes about a minute, patients made anew."""

pytestmark = [pytest.mark.system, pytest.mark.timeout(LONGEST_SECONDS + 30)]


def test_the_verdict_holds() -> None:
    with temporary_stack() as stack:
        environment = {**os.environ, "CARELOOP_HOME": str(stack.home)}
        done = subprocess.run(
            [sys.executable, "-m", "careloop.cli.main", "demo", "--json"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-4000:]
        told = json.loads(done.stdout)
        assert told["holds"]
        assert [check["name"] for check in told["checks"] if check["wrong"]] == []
        assert "coordination was killed (-9, exit code -9)" in done.stderr
        assert "+ open side effects: tremor" in done.stderr
        assert "declined, contraindicated" in done.stderr
        assert "why: More serotonin acts" in done.stderr
        assert "gone on with: will-monitor: level in five days" in done.stderr
        assert "unknown-drug (zelvoritine 20 MG Oral Tablet)" in done.stderr
        assert "checked in full" in done.stderr
        assert "prescribing: orders checked again = as decided" in [check["name"] for check in told["checks"]]
        assert holder(stack.home / "demo") is None
        the_last_lines_work(done.stderr)


def the_last_lines_work(said: str) -> None:
    """The demo's last lines, and those that `careloop up` prints when it is started by the first of them."""
    up, caseload, view, decisions = pasted(said.split("== What to do next")[1])
    with served(up) as introduction:
        status, _, token, call = pasted(introduction)
        assert "akathisia" in shell(view)
        assert "declined, contraindicated" in shell(decisions)
        assert "same-day" in shell(caseload)
        assert "coordination" in shell(status)
        assert '"urgency"' in shell(f"{token}\n{call}")


def pasted(text: str) -> list[str]:
    """The indented command lines, continued ones joined."""
    return re.findall(r"^  ((?:/|TOKEN=).*)$", text.replace("\\\n", " "), re.MULTILINE)


def bare() -> dict[str, str]:
    """What a reader's shell has: nothing of this checkout."""
    kept = {name: os.environ[name] for name in ("HOME", "CARELOOP_CACHE") if name in os.environ}
    return {"PATH": os.defpath, **kept}


def shell(line: str) -> str:
    done = subprocess.run(
        ["/bin/sh", "-c", line], cwd="/", env=bare(), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def served(line: str) -> Iterator[str]:
    """What it printed until it was ready; stopped at the end."""
    command = ["/bin/sh", "-c", f"exec {line}"]
    with subprocess.Popen(
        command, cwd="/", env=bare(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        printed = []
        try:
            for text in process.stdout:
                printed.append(text)
                if text.startswith("Careloop is ready."):
                    break
            yield "".join(printed)
        finally:
            process.terminate()
        assert process.wait(timeout=60) == 0
