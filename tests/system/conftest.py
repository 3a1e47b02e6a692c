"""One running system for all system tests: five processes on a real PostgreSQL and a real Apache Kafka."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.collector import SAMPLED, Collector, collecting
from tests.support.processes.running import System
from tests.support.processes.starting import started_system


@pytest.fixture(scope="package")
def collector() -> Iterator[Collector]:
    """Of the traces of the shared system."""
    with collecting() as taking:
        yield taking


@pytest.fixture(scope="package")
def shared_system(collector: Collector) -> Iterator[System]:
    traces = {"CARELOOP_OTLP_ENDPOINT": collector.address, "CARELOOP_TRACE_RATIO": str(SAMPLED)}
    with started_system(settings=traces) as system:
        yield system


@pytest.fixture
def running_system(request: pytest.FixtureRequest) -> Iterator[System]:
    """The shared one; a long form has one of its own, so that its ruins are not the next one's start."""
    if request.node.get_closest_marker("faults"):
        with started_system() as system:
            yield system
    else:
        yield request.getfixturevalue("shared_system")


@pytest.fixture
async def system(running_system: System) -> AsyncIterator[System]:
    async with running_system.open() as opened:
        yield opened
