"""How long the long forms of a test are: `CARELOOP_FAULT_KILLS` sets how often something breaks (200)."""

import os
from typing import Any

import pytest

TIMES = int(os.environ.get("CARELOOP_FAULT_KILLS", "200"))


def long(*values: object, seconds: float) -> Any:
    """Parameters of the long form of a test, which may take so many seconds."""
    return pytest.param(*values, id="long", marks=[pytest.mark.faults, pytest.mark.timeout(seconds)])
