"""A schema of the test's own in a database that the services have too, and recorders on it."""

import itertools
from collections.abc import Iterator

import pytest

from careloop.eventsourcing_store import CareloopApplicationRecorder, CareloopFactory, Datastore
from careloop.local.local_stack import LocalStack
from tests.support.library import OwnSchema, make_schema
from tests.support.stack import PostgresDatabase, fresh_database

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def database(postgres_server: LocalStack) -> Iterator[PostgresDatabase]:
    with fresh_database(postgres_server) as made:
        yield made


@pytest.fixture
def schema(database: PostgresDatabase) -> OwnSchema:
    return make_schema(database, f"shop{next(_numbers)}")


@pytest.fixture
def factory(schema: OwnSchema) -> Iterator[CareloopFactory]:
    with CareloopFactory(schema.environment) as opened:
        yield opened


@pytest.fixture
def datastore(factory: CareloopFactory) -> Datastore:
    return factory.datastore


@pytest.fixture
def recorder(factory: CareloopFactory) -> CareloopApplicationRecorder:
    return factory.application_recorder()
