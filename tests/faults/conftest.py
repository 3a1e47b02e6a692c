"""A system of its own for each long form, so that one form's ruins are not the next one's start."""

import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import pytest

from tests.support.processes.running import System
from tests.support.processes.starting import started_system

FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture
def own_system(request: pytest.FixtureRequest) -> Iterator[System]:
    """Of a form that fails, the logs are kept when the system goes."""
    with started_system() as system:
        yield system
        if request.node.stash.get(FAILED, False):
            kept = Path(tempfile.mkdtemp(prefix="careloop-failed-"))
            shutil.copytree(system.stack.home / "logs", kept / "logs")
            sys.stderr.write(f"\nthe logs of {request.node.name} are kept in {kept}\n")


@pytest.fixture
async def system(own_system: System) -> AsyncIterator[System]:
    async with own_system.open() as opened:
        yield opened
