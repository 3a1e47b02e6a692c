"""Real PostgreSQL and real Apache Kafka for tests that need them, started once per session when first asked for."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import psycopg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import for_code

from careloop.local.folders import outside
from careloop.local.local_stack import LocalStack
from careloop.local.schemas import address, prepare
from careloop.local.settings import MIGRATOR, SERVICES, StackSettings
from careloop.local.unavailable import StackUnavailable

TEMPLATE = "careloop_template"

POSTGRES_OF_THE_TESTS = "CARELOOP_TEST_POSTGRES_URL"
KAFKA_OF_THE_TESTS = "CARELOOP_TEST_KAFKA_BOOTSTRAP"
"""Name servers that already run, the database server with its template, for the session's stack to use as its own."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class PostgresDatabase:
    """A database of one test's own, with every service's schema at its newest version."""

    admin_url: str
    name: str
    password: str | None = None

    def dsn(self, role: str) -> str:
        """The address by which a service's role (or `migrator`) reaches this database."""
        return address(self.admin_url, user=role, database=self.name, password=self.password)

    @property
    def admin_dsn(self) -> str:
        """The address by which the superuser reaches this database."""
        return address(self.admin_url, database=self.name)


@dataclass(frozen=True, slots=True)
class KafkaBroker:
    """The session's broker; tests share it, so each names its topics and groups with `unique`."""

    bootstrap: str

    def unique(self, name: str) -> str:
        """A name that no other test, process or run uses."""
        return f"{name}.{uuid4().hex[:12]}"

    async def create_topic(self, name: str, partitions: int = 1, **config: str) -> None:
        """Make a topic; settings are given with underscores, as `cleanup_policy="compact"`."""
        settings = {key.replace("_", "."): value for key, value in config.items()}
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            answer = await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=settings)])
            for topic, code, *_ in answer.topic_errors:
                if code:
                    raise for_code(code)(topic)
        finally:
            await admin.close()

    async def topic(self, name: str = "topic", partitions: int = 1, **config: str) -> str:
        """Make a topic with a unique name, and return that."""
        made = self.unique(name)
        await self.create_topic(made, partitions, **config)
        return made


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run to the end on a loop of its own, leaving the test's loop alone."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


def start_or_skip(work: Coroutine[Any, Any, None]) -> None:
    """Start a server; where the machine cannot provide it the test is skipped, or fails when `CI` is set."""
    try:
        run(work)
    except StackUnavailable as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))


@contextmanager
def temporary_stack(kind: type[LocalStack] = LocalStack, /, **settings: Any) -> Iterator[LocalStack]:
    """A stack with a state folder of its own that servers running as `nobody` can reach; nothing is started yet."""
    trusting = settings.pop("trusting", False)
    home = Path(tempfile.mkdtemp(prefix="careloop-test-"))
    home.chmod(0o711)
    stack = kind(StackSettings(home=home, **settings), trusting=trusting)
    try:
        yield stack
    finally:
        run(stack.stop())
        shutil.rmtree(outside(home), ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


def servers_named() -> dict[str, str]:
    """The settings of a stack that starts no server of its own; none, where the environment names none."""
    names = {"postgres_url": POSTGRES_OF_THE_TESTS, "kafka_bootstrap": KAFKA_OF_THE_TESTS}
    return {setting: os.environ[name] for setting, name in names.items() if os.environ.get(name)}


def make_template(stack: LocalStack) -> None:
    """Roles, schemas and migrations, once; every test's database is a copy."""
    run(prepare(stack.admin_url, database=TEMPLATE, password=stack.role_password))


@contextmanager
def fresh_database(stack: LocalStack) -> Iterator[PostgresDatabase]:
    """A copy of the template, dropped afterwards whoever is still connected."""
    database = PostgresDatabase(stack.admin_url, f"test_{uuid4().hex}", stack.role_password)
    roles = ", ".join((MIGRATOR, *SERVICES))
    with psycopg.connect(stack.admin_url, autocommit=True) as server:
        server.execute(f'create database "{database.name}" template {TEMPLATE}'.encode())
        server.execute(f'revoke all on database "{database.name}" from public'.encode())
        server.execute(f'grant connect on database "{database.name}" to {roles}'.encode())
        try:
            yield database
        finally:
            server.execute(f'drop database "{database.name}" with (force)'.encode())
