"""The PostgreSQL and the Kafka of one run: a temporary state folder, 127.0.0.1, the same settings for everyone."""

import asyncio
import itertools
import os
import platform
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from bench.protocol import memory_mb
from careloop.local.folders import outside
from careloop.local.local_stack import LocalStack
from careloop.local.postgres_server import find_binaries
from careloop.local.schemas import address, admit_roles, prepare
from careloop.local.settings import StackSettings

TEMPLATE = "bench_template"

# Logical decoding is what Debezium reads by; the rest keeps checkpoints out of measurements that last seconds.
POSTGRES_SETTINGS = {
    "wal_level": "logical",
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "autovacuum_naptime": "10s",
}
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
KAFKA_HEAP = "-Xms512m -Xmx512m"

_numbers = itertools.count(1)


class NotDurable(Exception):
    """The server may forget what it acknowledged: nothing is measured on it."""


class Database:
    """One database of a run's own."""

    def __init__(self, admin_url: str, name: str) -> None:
        self._admin_url = admin_url
        self.name = name

    @property
    def dsn(self) -> str:
        """The superuser's address."""
        return address(self._admin_url, database=self.name)

    def dsn_of(self, role: str) -> str:
        """A service's address: its role, and by that its schema."""
        return address(self._admin_url, user=role, database=self.name)


class Servers:
    """PostgreSQL from the beginning, Kafka when it is asked for."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self._kafka_runs = False
        self._template_made = False

    @classmethod
    @asynccontextmanager
    async def started(cls) -> AsyncIterator["Servers"]:
        """Raises NotDurable unless an acknowledged commit is on disk."""
        home = _passable_folder()
        stack = LocalStack(
            StackSettings(
                home=home, postgres_url=None, kafka_bootstrap=None, role_password=None, kafka_heap=KAFKA_HEAP
            ),
            trusting=True,
        )
        servers = cls(stack)
        try:
            await servers._start_postgres()
            yield servers
        finally:
            await stack.stop()
            shutil.rmtree(outside(home), ignore_errors=True)
            shutil.rmtree(home, ignore_errors=True)

    async def _start_postgres(self) -> None:
        await self.stack.start_postgres()
        async with connected(self.stack.admin_url) as server:
            for name, value in POSTGRES_SETTINGS.items():
                await server.execute(f"alter system set {name} = '{value}'")
        await self.stack.stop()
        await self.stack.start_postgres()
        async with connected(self.stack.admin_url) as server:
            for name in DURABLE:
                if await server.fetchval("select current_setting($1)", name) != "on":
                    raise NotDurable(f"PostgreSQL runs with {name} off")

    @property
    def kafka(self) -> str:
        """The broker's address."""
        return self.stack.kafka_address

    async def start_kafka(self) -> None:
        """Start the broker with the topics of careloop/local/topics.yaml, once."""
        if not self._kafka_runs:
            await self.stack.start_kafka()
            self._kafka_runs = True

    @asynccontextmanager
    async def database(self, *, schemas: bool = True) -> AsyncIterator[Database]:
        """A new database, with the schemas of all services or empty; dropped afterwards."""
        name = f"bench_{next(_numbers)}"
        async with connected(self.stack.admin_url) as server:
            if schemas:
                await self._make_template()
                await server.execute(f"create database {name} template {TEMPLATE}")
                await admit_roles(server, name)
            else:
                await server.execute(f"create database {name}")
            try:
                yield Database(self.stack.admin_url, name)
            finally:
                await server.execute(f"drop database {name} with (force)")
                # What is dropped need not be written: the next run starts with the checkpoint behind it.
                await server.execute("checkpoint")

    async def _make_template(self) -> None:
        if not self._template_made:
            await prepare(self.stack.admin_url, database=TEMPLATE)
            self._template_made = True

    async def versions(self) -> dict[str, str]:
        """What a figure depends on."""
        async with connected(self.stack.admin_url) as server:
            told = {"postgresql": await server.fetchval("show server_version")}
            for name in (*DURABLE, *POSTGRES_SETTINGS):
                told[f"postgresql {name}"] = await server.fetchval("select current_setting($1)", name)
        if self._kafka_runs:
            told |= {"kafka": "4.4.0", "kafka heap": KAFKA_HEAP, "kafka acks": "all, idempotent"}
        return told | {
            "python": platform.python_version(),
            "machine": f"{platform.system()} {platform.machine()}, {_cores()} cores",
            "durable write": f"{await asyncio.to_thread(self._fdatasync)} per second (pg_test_fsync, fdatasync, 8 kB)",
        }

    def _fdatasync(self) -> str:
        """How often this disk can make a page durable in a second: what every append figure rests on."""
        place = outside(self.stack.home) / "fsync.test"
        shown = subprocess.run(
            [str(find_binaries() / "pg_test_fsync"), "-s", "1", "-f", str(place)],
            capture_output=True,
            text=True,
            check=False,
        )
        line = next((line for line in shown.stdout.splitlines() if "fdatasync" in line and "ops/sec" in line), "")
        return line.split()[1].split(".")[0] if line else "unknown"

    def memory_mb(self) -> dict[str, float]:
        """Memory of the servers now, PostgreSQL's processes together."""
        return {f"{child.name} (server)": _with_children(child.pid) for child in self.stack.children}


def _passable_folder() -> Path:
    """PostgreSQL may run as another user, who must get in."""
    home = Path(tempfile.mkdtemp(prefix="careloop-bench-"))
    home.chmod(0o711)
    return home


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _with_children(pid: int) -> float:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    total = 0.0
    for each in (str(pid), *children):
        try:
            total += memory_mb(each)
        except (OSError, StopIteration):
            continue
    return round(total, 1)


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """One connection to set things up with, or to check them."""
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()
