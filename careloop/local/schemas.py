"""The database, its roles and one schema per service; then the migrations, run by a role that no service has."""

import asyncio
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

import careloop
from careloop.local.settings import DATABASE, MIGRATOR, SERVICES
from careloop.local.unavailable import StackUnavailable

_COMMON = Path(careloop.__file__).parent / "chassis" / "migrations"


def address(admin_url: str, *, user: str | None = None, database: str = DATABASE, password: str | None = None) -> str:
    """The same server's URL for another user and database; the administrator's password is not handed on."""
    parts = urlsplit(admin_url)
    if user is None:
        return urlunsplit(parts._replace(path=f"/{database}"))
    secret = f":{quote(password, safe='')}" if password else ""
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}{secret}@{host}", path=f"/{database}"))


Passwords = Callable[[str], str | None]
"""The password of a role; None leaves it as it is."""


async def prepare(
    admin_url: str,
    *,
    database: str = DATABASE,
    password: str | None = None,
    passwords: Passwords | None = None,
) -> None:
    """Make roles, database, schemas and grants where they are missing, and bring every schema to its newest version.

    `password` is one for all roles; `passwords` says one for each."""
    of = passwords or (lambda _role: password)
    server = await asyncpg.connect(address(admin_url, database="postgres"))
    try:
        await create_roles(server, of)
        if not await server.fetchval("select 1 from pg_database where datname = $1", database):
            await server.execute(f'create database "{database}"')
        await hand_over(server, database)
        await admit_roles(server, database)
    finally:
        await server.close()
    await create_schemas(address(admin_url, database=database))
    await migrate_all(address(admin_url, user=MIGRATOR, database=database, password=of(MIGRATOR)))


async def create_schemas(url: str, services: Sequence[str] = SERVICES) -> None:
    """In the database of `url`, which its user owns or administers: a schema for each service, and who may use it."""
    inside = await asyncpg.connect(url)
    try:
        await _create_schemas(inside, services)
    finally:
        await inside.close()


async def migrate_all(url: str, services: Sequence[str] = SERVICES) -> None:
    """Bring the schemas to their newest version, as the role of `url`, which owns them."""
    await asyncio.gather(*(asyncio.to_thread(migrate, url, service) for service in services))


async def hand_over(server: asyncpg.Connection, database: str) -> None:
    """The database is the migrator's from now on, who brings it to the next release without an administrator."""
    owner = await server.fetchval("select pg_get_userbyid(datdba) from pg_database where datname = $1", database)
    if owner == MIGRATOR:
        return
    if not await server.fetchval("select rolsuper from pg_roles where rolname = current_user"):
        await server.execute(f"grant {MIGRATOR} to current_user")
    await server.execute(f'alter database "{database}" owner to {MIGRATOR}')


async def admit_roles(server: asyncpg.Connection, database: str) -> None:
    """Let only our roles connect to a database; a copy of a template needs this again, its grants are not copied."""
    await server.execute(f'revoke all on database "{database}" from public')
    await server.execute(f'grant connect on database "{database}" to {", ".join((MIGRATOR, *SERVICES))}')


async def create_roles(server: asyncpg.Connection, passwords: Passwords) -> None:
    """Our roles, with the passwords that are said."""
    known = {row["rolname"] for row in await server.fetch("select rolname from pg_roles")}
    for role in (MIGRATOR, *SERVICES):
        if role not in known:
            await server.execute(f"create role {role} login nosuperuser nocreatedb nocreaterole noinherit")
        password = passwords(role)
        if password is not None:
            literal = await server.fetchval("select quote_literal($1::text)", password)
            await server.execute(f"alter role {role} password {literal}")
    for service in SERVICES:
        await server.execute(f"alter role {service} set search_path = {service}")


async def _create_schemas(inside: asyncpg.Connection, services: Sequence[str]) -> None:
    await inside.execute("revoke all on schema public from public")
    for service in services:
        await inside.execute(f"create schema if not exists {service} authorization {MIGRATOR}")
        await inside.execute(f"grant usage on schema {service} to {service}")
    await inside.execute(f"alter default privileges for role {MIGRATOR} revoke execute on functions from public")


def migrations_of(service: str) -> Sequence[Path]:
    """The folders of SQL files that make this service's schema: the common one, and its own."""
    spec = importlib.util.find_spec(f"services.{service}") if importlib.util.find_spec("services") else None
    own = [Path(place) / "migrations" for place in (spec.submodule_search_locations or [])] if spec else []
    return [folder for folder in (_COMMON, *own) if any(folder.glob("*.sql"))]


class MigrationFailed(Exception):
    """A migration was refused; what it changed was rolled back. The text is the migration tool's, without addresses."""


def migrate(url: str, service: str) -> None:
    """Run what is missing in this service's schema; raises MigrationFailed with the tool's message when one fails."""
    folders = migrations_of(service)
    if not folders:
        return
    joiner = "&" if "?" in url else "?"
    tls = "" if "sslmode=" in url else "&sslmode=disable"
    # In the environment and not among the words of the command, which everybody on the machine can read.
    environment = {**os.environ, "DATABASE_URL": f"{url}{joiner}search_path={service}{tls}"}
    command = [
        find_dbmate(),
        "--no-dump-schema",
        "--migration-lock",
    ]
    for folder in folders:
        command += ["--migrations-dir", str(folder)]
    done = subprocess.run(
        [*command, "migrate", "--strict"], capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode != 0:
        raise MigrationFailed(f"the migrations of {service} failed:\n{(done.stdout + done.stderr)[-2000:]}")


def find_dbmate() -> str:
    """The migration tool beside this Python, or on the PATH."""
    found = shutil.which("dbmate", path=str(Path(sys.executable).parent)) or shutil.which("dbmate")
    if found is None:
        raise StackUnavailable("migrations are run with dbmate: install `careloop[migrate]`")
    return found
