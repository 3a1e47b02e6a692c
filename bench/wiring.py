"""A real service inside a measured process: its own composition, of which only the wanted tasks run."""

import asyncio
import gc
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bench.protocol import Spec
from bench.servers import Database, Servers
from bench.workers import WorkerFailed
from careloop.chassis.calls.token_signing import ServiceTokens, read_private_key
from careloop.chassis.clock import present
from careloop.chassis.logs import set_up_logs
from careloop.chassis.operations.metrics import Metrics
from careloop.chassis.process.runtime import YOUNG_OBJECTS, Resources, Service
from careloop.chassis.process.settings import ServiceSettings, read_settings
from careloop.contracts.terms import Role
from careloop.local.keys import LocalKeys
from careloop.local.minting import mint
from careloop.local.ports import answers
from careloop.local.processes import Child, until


def service_spec(servers: Servers, database: Database, service: str) -> Spec:
    """What a process needs to be told to become this service."""
    keys = LocalKeys(servers.stack.home)
    keys.ensure()
    return {
        "service": service,
        "postgres_dsn": database.dsn_of(service),
        "kafka_bootstrap": servers.kafka,
        "grpc_port": 0,
        "http_port": 0,
        "token_keys_file": str(keys.public),
        "service_key_file": str(keys.service_file(service)),
        "partitions": servers.stack.settings.partitions,
    }


def resources(spec: Spec) -> Resources:
    """What a service's composition is given, as its own process would give it, which it becomes in this too."""
    gc.set_threshold(YOUNG_OBJECTS)
    set_up_logs(spec["service"])
    settings = read_settings(ServiceSettings, **spec)
    tokens = ServiceTokens(read_private_key(Path(spec["service_key_file"])), settings.service, present)
    return Resources(settings=settings, clock=present, metrics=Metrics(), service_tokens=tokens)


@asynccontextmanager
async def running(service: Service, *wanted: str) -> AsyncIterator[None]:
    """These tasks of the service, all if none is named, while the block lasts; a failure of one ends the process."""
    stopping = asyncio.Event()
    works: dict[str, Any] = {name: work for name, work in service.tasks.items() if not wanted or name in wanted}
    tasks = [asyncio.create_task(work(stopping), name=name) for name, work in works.items()]
    try:
        yield
        failed = [task for task in tasks if task.done()]
        for task in failed:
            task.result()
    finally:
        stopping.set()
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def process(servers: Servers, spec: Spec, command: Sequence[str]) -> AsyncIterator[Child]:
    """A whole service process, told by its environment as in production; its port is in `spec`."""
    environment = {f"CARELOOP_{name.upper()}": str(value) for name, value in spec.items()}
    log = servers.stack.home / "logs" / f"{spec['service']}.log"
    child = Child(spec["service"], command, output=log, env={**os.environ, **environment})
    try:
        if not await until(lambda: child.exit_code is not None or answers(spec["grpc_port"]), within=30, every=0.05):
            raise WorkerFailed(f"{spec['service']} did not start")
        if child.exit_code is not None:
            raise WorkerFailed(child.last_words())
        yield child
    finally:
        await child.stop(signal.SIGTERM, grace=20)


def credentials(servers: Servers, role: Role, now: datetime) -> list[tuple[str, str]]:
    """The metadata of a caller with this role."""
    token = mint(servers.stack.home, role=role, subject="bench", now=now, ttl=timedelta(minutes=15))
    return [("authorization", f"Bearer {token}")]
