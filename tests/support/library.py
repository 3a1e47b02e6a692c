"""Schemas and roles beside the services', for applications of the eventsourcing library."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import psycopg
from eventsourcing.persistence import ApplicationRecorder, InfrastructureFactory, StoredEvent

from tests.support.stack import PostgresDatabase

MODULE = "careloop.eventsourcing_store"


@dataclass(frozen=True, slots=True)
class OwnSchema:
    """A schema that its login role owns, in a database that the services share."""

    database: PostgresDatabase
    name: str

    @property
    def role(self) -> str:
        return f"{self.database.name}_{self.name}"

    @property
    def environment(self) -> dict[str, str]:
        return environment(self.database.dsn(self.role), self.name)

    def execute(self, sql: str) -> None:
        """As the superuser."""
        with psycopg.connect(self.database.admin_dsn, autocommit=True) as server:
            server.execute(sql.encode())

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """As the superuser."""
        with psycopg.connect(self.database.admin_dsn) as server:
            return server.execute(sql.encode()).fetchall()


def make_schema(database: PostgresDatabase, name: str) -> OwnSchema:
    """Make schema and role; neither exists before."""
    schema = OwnSchema(database, name)
    schema.execute(f'create role "{schema.role}" login')
    schema.execute(f'grant connect on database "{database.name}" to "{schema.role}"')
    schema.execute(f'create schema "{name}" authorization "{schema.role}"')
    return schema


def environment(dsn: str, schema: str, *, module: str = MODULE) -> dict[str, str]:
    """What an application of the library is told."""
    address = urlsplit(dsn)
    return {
        "PERSISTENCE_MODULE": module,
        "POSTGRES_DBNAME": address.path.removeprefix("/"),
        "POSTGRES_HOST": address.hostname or "",
        "POSTGRES_PORT": str(address.port),
        "POSTGRES_USER": address.username or "",
        "POSTGRES_PASSWORD": address.password or "",
        "POSTGRES_SCHEMA": schema,
    }


def bare(version: int, stream: UUID | None = None, *, topic: str = "topic1", state: bytes = b"state") -> StoredEvent:
    """An event as the library hands it over."""
    return StoredEvent(originator_id=stream or uuid4(), originator_version=version, topic=topic, state=state)


def write_streams(told: dict[str, str], threads: int, inserts: int) -> None:
    """What a process of its own does: each thread appends to a stream of its own, one to three events at a time."""

    def write(recorder: ApplicationRecorder) -> None:
        stream, version = uuid4(), 0
        for n in range(inserts):
            count = n % 3 + 1
            recorder.insert_events([bare(version + i, stream) for i in range(count)])
            version += count

    with InfrastructureFactory.construct(told) as factory, ThreadPoolExecutor(threads) as pool:
        recorder = factory.application_recorder()
        for done in [pool.submit(write, recorder) for _ in range(threads)]:
            done.result()
