"""A system of its own for each long form, so that one form's ruins are not the next one's start."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.running import System
from tests.support.starting import started_system


@pytest.fixture
def own_system() -> Iterator[System]:
    with started_system() as system:
        yield system


@pytest.fixture
async def system(own_system: System) -> AsyncIterator[System]:
    async with own_system.open() as opened:
        yield opened
