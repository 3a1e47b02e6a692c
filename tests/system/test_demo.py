"""The demo as a process of its own: its verdict holds over a kill -9, and it leaves nothing running."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from careloop.local.running import holder
from tests.support.stack import temporary_stack

ROOT = Path(__file__).parents[2]
LONGEST_SECONDS = 600
"""Guards against a demo that hangs; it takes about a minute, patients made anew."""

pytestmark = [pytest.mark.system, pytest.mark.postgres, pytest.mark.kafka, pytest.mark.timeout(LONGEST_SECONDS + 30)]


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
