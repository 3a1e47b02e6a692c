"""A schema and a role of one's own beside the services', for applications of the eventsourcing library."""

from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg

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
    def dsn(self) -> str:
        return self.database.dsn(self.role)

    @property
    def environment(self) -> dict[str, str]:
        return environment(self.database, self.role, self.name)


def make_schema(database: PostgresDatabase, name: str = "shop") -> OwnSchema:
    """Make schema and role; neither exists before."""
    schema = OwnSchema(database, name)
    with psycopg.connect(database.admin_dsn, autocommit=True) as server:
        server.execute(f'create role "{schema.role}" login'.encode())
        server.execute(f'grant connect on database "{database.name}" to "{schema.role}"'.encode())
        server.execute(f'create schema "{name}" authorization "{schema.role}"'.encode())
    return schema


def environment(database: PostgresDatabase, role: str, schema: str, *, module: str = MODULE) -> dict[str, str]:
    """What an application of the library is told."""
    address = urlsplit(database.dsn(role))
    return {
        "PERSISTENCE_MODULE": module,
        "POSTGRES_DBNAME": address.path.removeprefix("/"),
        "POSTGRES_HOST": address.hostname or "",
        "POSTGRES_PORT": str(address.port),
        "POSTGRES_USER": role,
        "POSTGRES_PASSWORD": "not-asked-for",
        "POSTGRES_SCHEMA": schema,
    }
