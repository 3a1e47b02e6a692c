"""One running system for all system tests: five processes on a real PostgreSQL and a real Apache Kafka."""

import os
from collections.abc import AsyncIterator, Iterator

import pytest

from careloop.cli.stack.supervisor import Supervisor
from careloop.cli.stack.unavailable import StackUnavailable
from tests.support.running import System
from tests.support.stack import run, temporary_stack

SHORT_CLOCKS = {
    "CARELOOP_NOTICE_STAT_WINDOW_SECONDS": "3",
    "CARELOOP_NOTICE_URGENT_WINDOW_SECONDS": "3",
    "CARELOOP_HEADS_INTERVAL_SECONDS": "0.5",
    "CARELOOP_EVIDENCE_MAX_AGE_SECONDS": "5",
    "CARELOOP_HOLE_PATIENCE_SECONDS": "1",
}


@pytest.fixture(scope="session")
def running_system() -> Iterator[System]:
    with temporary_stack() as stack:
        supervisor = Supervisor(stack, environment=SHORT_CLOCKS | {"CARELOOP_NOTICE_FOLDER": str(stack.home / "mail")})
        try:
            run(supervisor.start())
        except StackUnavailable as missing:
            if os.environ.get("CI"):
                raise
            pytest.skip(str(missing))
        try:
            yield System(stack, supervisor)
        finally:
            run(supervisor.stop())


@pytest.fixture
async def system(running_system: System) -> AsyncIterator[System]:
    async with running_system.open() as opened:
        yield opened
