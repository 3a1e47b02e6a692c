"""A backup of all schemas at one moment, and a database made of it.

The dump and the positions noted beside it are of one snapshot, so what a restore came to can be compared with them.
"""

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg

from careloop.local.postgres_server import find_binaries
from careloop.local.schemas import Passwords, address, admit_roles, create_roles, create_schemas, hand_over, migrate_all
from careloop.local.settings import DATABASE, MIGRATOR, SERVICES
from careloop.local.unavailable import StackUnavailable

FORM = 1
CHUNK = 256 * 1024
_VARIABLES = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY"}


class BackupFailed(Exception):
    """Nothing of use was written, or the file that was given cannot be used; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup holds: `positions` is the newest position of each service's log in it."""

    taken_at: str
    release: str
    positions: Mapping[str, int]
    size: int
    sha256: str
    form: int = FORM


def manifest_of(file: Path) -> Path:
    """Where a backup's manifest lies: beside it."""
    return file.with_name(f"{file.name}.json")


def client(name: str) -> str:
    """A program of PostgreSQL's own, of the major version that is needed. Raises StackUnavailable."""
    try:
        found = find_binaries() / name
        if found.exists():
            return str(found)
    except StackUnavailable:
        pass
    on_path = shutil.which(name)
    if on_path is None:
        raise StackUnavailable(f"{name} is needed: install PostgreSQL's client programs, or `careloop[local]`")
    return on_path


def environment(url: str) -> dict[str, str]:
    """The address as libpq's variables: anyone on the machine could read a password among a program's arguments."""
    parts = urlsplit(url)
    given = {
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port or 5432),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": parts.path.lstrip("/"),
    }
    query = {_VARIABLES[name]: values[-1] for name, values in parse_qs(parts.query).items() if name in _VARIABLES}
    return {**os.environ, **{name: value for name, value in (given | query).items() if value}}


async def positions(connection: asyncpg.Connection) -> dict[str, int]:
    """The newest position of each service's log."""
    found = {}
    for service in SERVICES:
        found[service] = await connection.fetchval(f"select coalesce(max(notification_id), 0) from {service}.events")  # noqa: S608
    return found


async def back_up(url: str, file: Path, *, bytes_a_second: float | None = None) -> Manifest:
    """Write the database of `url` into `file`, and its manifest beside it. Raises BackupFailed; then neither is there.

    Commands go on meanwhile; without a limit it takes a processor and half of what commands can come to.
    """
    unfinished = file.with_name(f"{file.name}.unfinished")
    try:
        async with _snapshot(url) as (snapshot, found):
            size, digest = await asyncio.to_thread(_dump, url, snapshot, unfinished, bytes_a_second)
        manifest = Manifest(
            taken_at=datetime.now(UTC).isoformat(timespec="seconds"),
            release=version("careloop"),
            positions=found,
            size=size,
            sha256=digest,
        )
        manifest_of(file).write_text(json.dumps(asdict(manifest), indent=2) + "\n")
        unfinished.replace(file)
        return manifest
    finally:
        unfinished.unlink(missing_ok=True)


@asynccontextmanager
async def _snapshot(url: str) -> AsyncIterator[tuple[str, dict[str, int]]]:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield await connection.fetchval("select pg_export_snapshot()"), await positions(connection)
    except asyncpg.PostgresError as refused:
        raise BackupFailed(f"PostgreSQL refused: {refused.args[0]}") from None
    finally:
        await connection.close()


def _dump(url: str, snapshot: str, file: Path, bytes_a_second: float | None) -> tuple[int, str]:
    command = [client("pg_dump"), "--format=custom", f"--snapshot={snapshot}"]
    # What it holds is patients' data: nobody else may read it, at no moment.
    with open(file, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as target:
        with subprocess.Popen(command, env=environment(url), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as dumping:
            assert dumping.stdout is not None
            assert dumping.stderr is not None
            size, digest = _copy(dumping.stdout, target, bytes_a_second)
            said = dumping.stderr.read().decode(errors="replace")
        target.flush()
        os.fsync(target.fileno())
    if dumping.returncode != 0:
        raise BackupFailed(f"pg_dump failed: {said.strip().splitlines()[-1] if said.strip() else dumping.returncode}")
    return size, digest


def _copy(source: IO[bytes], target: IO[bytes], bytes_a_second: float | None) -> tuple[int, str]:
    digest, size, began = hashlib.sha256(), 0, time.monotonic()
    while chunk := source.read(CHUNK):
        target.write(chunk)
        digest.update(chunk)
        size += len(chunk)
        if bytes_a_second is not None:
            time.sleep(max(0.0, began + size / bytes_a_second - time.monotonic()))
    return size, digest.hexdigest()


def parsed_manifest(file: Path) -> Manifest:
    """What a manifest says. Raises BackupFailed when it cannot be read, or is of another form."""
    try:
        manifest = Manifest(**json.loads(file.read_text()))
        if datetime.fromisoformat(manifest.taken_at).tzinfo is None:
            raise ValueError
    except (OSError, ValueError, TypeError) as unreadable:
        raise BackupFailed(f"{file.name} cannot be read: {type(unreadable).__name__}") from None
    if manifest.form != FORM:
        raise BackupFailed(f"{file.name} is of another form: use the release that wrote it")
    return manifest


def read_manifest(file: Path) -> Manifest:
    """What lies beside the backup, if the backup is what it says. Raises BackupFailed."""
    manifest = parsed_manifest(manifest_of(file))
    with file.open("rb") as stored:
        if hashlib.file_digest(stored, "sha256").hexdigest() != manifest.sha256:
            raise BackupFailed(f"{file.name} is not what its manifest says: it was changed, or cut short")
    return manifest


async def restore(admin_url: str, file: Path, *, database: str = DATABASE, passwords: Passwords) -> Manifest:
    """Make `database` of the backup, with its roles, and bring its schemas to their newest version.

    Relays will send their whole logs again, for topics that are made again. Raises BackupFailed when the database
    exists, the file is not whole, or what came out is not what the manifest says.
    """
    manifest = read_manifest(file)
    server = await asyncpg.connect(address(admin_url, database="postgres"))
    try:
        if await server.fetchval("select 1 from pg_database where datname = $1", database):
            raise BackupFailed(f"the database {database} exists: nothing is restored over it")
        await create_roles(server, passwords)
        await server.execute(f'create database "{database}"')
        await hand_over(server, database)
        await admit_roles(server, database)
    finally:
        await server.close()
    inside = address(admin_url, database=database)
    await asyncio.to_thread(_restore, inside, file)
    await create_schemas(inside)
    await migrate_all(address(admin_url, user=MIGRATOR, database=database, password=passwords(MIGRATOR)))
    await _compare(inside, manifest)
    return manifest


def _restore(url: str, file: Path) -> None:
    command = [client("pg_restore"), "--exit-on-error", "--dbname", urlsplit(url).path.lstrip("/"), str(file)]
    done = subprocess.run(command, env=environment(url), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = done.stderr.strip().splitlines()
        raise BackupFailed(f"pg_restore failed: {words[0] if words else done.returncode}")


async def _compare(url: str, manifest: Manifest) -> None:
    connection: Any = await asyncpg.connect(url)
    try:
        if await positions(connection) != dict(manifest.positions):
            raise BackupFailed("the restored logs do not end where the manifest says")
        for service in SERVICES:
            await connection.execute(f"delete from {service}.relay_checkpoint")  # noqa: S608
    finally:
        await connection.close()
