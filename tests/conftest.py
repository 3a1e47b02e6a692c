"""What every test may ask for; marks are derived from it, so a selection by mark is a selection by need."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

from careloop.local.local_stack import LocalStack
from tests.support.sharing import OneSystemAtATime
from tests.support.stack import (
    KafkaBroker,
    PostgresDatabase,
    fresh_database,
    make_template,
    servers_named,
    start_or_skip,
    temporary_stack,
)

# How long an example takes says how busy the machine is.
settings.register_profile("no-clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no-clock")

_MARK_OF_FIXTURE = {"postgres": "postgres", "postgres_server": "postgres", "kafka": "kafka", "kafka_server": "kafka"}
_SERVER_OF_MARK = {"postgres": "postgres_server", "kafka": "kafka_server"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for fixture in _fixtures(item):
            if fixture in _MARK_OF_FIXTURE:
                item.add_marker(_MARK_OF_FIXTURE[fixture])
    # Whole systems take one of the processes longest, so they come first; before the shared one those of their own.
    items.sort(key=lambda item: (item.get_closest_marker("system") is None, "running_system" in _fixtures(item)))


def _fixtures(item: pytest.Item) -> Sequence[str]:
    return getattr(item, "fixturenames", ())


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    return OneSystemAtATime(config, log)


@pytest.fixture(autouse=True)
def _what_the_marks_need(request: pytest.FixtureRequest) -> None:
    for mark, server in _SERVER_OF_MARK.items():
        if request.node.get_closest_marker(mark):
            request.getfixturevalue(server)


@pytest.fixture(scope="session")
def session_stack() -> Iterator[LocalStack]:
    """The session's stack, of which nothing runs until a test needs it; or servers that the environment names.

    Its PostgreSQL asks nobody on this machine for a password; whole systems and `tests/local` have servers that ask.
    """
    with temporary_stack(**servers_named(), trusting=True) as stack:
        yield stack


@pytest.fixture(scope="session")
def postgres_server(session_stack: LocalStack) -> LocalStack:
    """The session's PostgreSQL, with the template that tests' databases are copied from."""
    start_or_skip(session_stack.start_postgres())
    if not servers_named():
        make_template(session_stack)
    return session_stack


@pytest.fixture(scope="session")
def kafka_server(session_stack: LocalStack) -> LocalStack:
    """The session's broker, without topics."""
    start_or_skip(session_stack.start_kafka())
    return session_stack


@pytest.fixture
def postgres(postgres_server: LocalStack) -> Iterator[PostgresDatabase]:
    """A database of the test's own."""
    with fresh_database(postgres_server) as database:
        yield database


@pytest.fixture
def kafka(kafka_server: LocalStack) -> KafkaBroker:
    """The session's broker."""
    return KafkaBroker(kafka_server.kafka_address)
