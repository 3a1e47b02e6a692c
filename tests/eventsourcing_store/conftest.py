"""A schema of the test's own, and recorders on it."""

from collections.abc import Iterator

import pytest

from careloop.eventsourcing_store import CareloopFactory, Datastore
from tests.support.library import OwnSchema, make_schema
from tests.support.stack import PostgresDatabase


@pytest.fixture
def schema(postgres: PostgresDatabase) -> OwnSchema:
    return make_schema(postgres)


@pytest.fixture
def factory(schema: OwnSchema) -> Iterator[CareloopFactory]:
    with CareloopFactory(schema.environment) as opened:
        yield opened


@pytest.fixture
def datastore(factory: CareloopFactory) -> Datastore:
    return factory.datastore
