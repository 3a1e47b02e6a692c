"""The whole system from one state folder: the servers, then the five services as child processes."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import IO

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from careloop.chassis.clock import CLOCK_FILE
from careloop.local.folders import write_private
from careloop.local.keys import LocalKeys
from careloop.local.local_stack import LocalStack
from careloop.local.processes import Child, opened_private
from careloop.local.settings import SERVICES

LineSink = Callable[[str], None]

# Only the supervisor administers the database; a service gets its own role's address.
_WITHHELD = ("CARELOOP_POSTGRES_URL", "CARELOOP_ROLE_PASSWORD")


def service_command(service: str) -> list[str]:
    """How a service's process is started."""
    return [sys.executable, "-m", f"services.{service}"]


class ServiceFailed(Exception):
    """A child ended, or did not come up in time; the message names it and where its log is."""


class Supervisor:
    """Starts, watches, kills and stops the children of one `LocalStack`; restarts nothing by itself.

    `environment` is added to every service's own (the demo shortens durations with it); `emit` gets every
    log line prefixed with its service's name, and each service's lines also go to `logs/<service>.log`.
    Use it from the main thread.
    """

    def __init__(
        self,
        stack: LocalStack,
        *,
        emit: LineSink | None = None,
        environment: Mapping[str, str] | None = None,
        command: Callable[[str], Sequence[str]] = service_command,
    ) -> None:
        self.stack = stack
        self.keys = LocalKeys(stack.home)
        self._emit = emit
        self._command = command
        self._extra = dict(environment or {})
        self._grpc_ports: dict[str, int] = {}
        self._http_ports: dict[str, int] = {}
        self._services: dict[str, Child] = {}

    def address(self, service: str) -> str:
        """Where this service answers gRPC."""
        return f"127.0.0.1:{self._grpc_ports[service]}"

    def metrics_url(self, service: str) -> str:
        """Where this service shows its figures to Prometheus."""
        return f"http://127.0.0.1:{self._http_ports[service]}/metrics"

    def pid(self, service: str) -> int:
        """The process id of this service's present process."""
        return self._services[service].pid

    async def start(self) -> None:
        """Everything up and healthy, or nothing left running and an exception that says what failed."""
        try:
            await self.stack.start()
            self.assign_addresses()
            for service in SERVICES:
                self.start_service(service)
            await asyncio.gather(*(self.wait_healthy(service) for service in SERVICES))
        except BaseException:
            await self.stop()
            raise

    def assign_addresses(self) -> None:
        """Ports and keys of all five, before the first starts: each needs to know where the others will answer."""
        self.keys.ensure()
        for service in SERVICES:
            self._grpc_ports[service] = self.stack.ports.take(f"{service}-grpc")
            self._http_ports[service] = self.stack.ports.take(f"{service}-metrics")
        addresses = {service: self.address(service) for service in SERVICES}
        record = {
            "grpc": addresses,
            "metrics": {service: self.metrics_url(service) for service in SERVICES},
            "servers": self._own_servers(),
        }
        write_private(self.stack.home / "addresses.json", json.dumps(record, indent=2) + "\n")

    def _own_servers(self) -> dict[str, str]:
        """Those that we started; the address of any other may hold a password."""
        settings = self.stack.settings
        own = {} if settings.postgres_url is not None else {"postgres": self.stack.admin_url}
        return own if settings.kafka_bootstrap is not None else {**own, "kafka": self.stack.kafka_address}

    def service_environment(self, service: str) -> dict[str, str]:
        """The whole environment of one service: ours without the administrator's secrets, and what it needs to know."""
        own = {
            "CARELOOP_SERVICE": service,
            "CARELOOP_POSTGRES_DSN": self.stack.postgres_dsn(service),
            "CARELOOP_KAFKA_BOOTSTRAP": self.stack.kafka_address,
            "CARELOOP_GRPC_HOST": "127.0.0.1",
            "CARELOOP_GRPC_PORT": str(self._grpc_ports[service]),
            "CARELOOP_HTTP_HOST": "127.0.0.1",
            "CARELOOP_HTTP_PORT": str(self._http_ports[service]),
            "CARELOOP_PARTITIONS": str(self.stack.settings.partitions),
            "CARELOOP_TOKEN_KEYS_FILE": str(self.keys.public),
            "CARELOOP_SERVICE_KEY_FILE": str(self.keys.service_file(service)),
            "CARELOOP_PEERS": json.dumps({peer: self.address(peer) for peer in SERVICES if peer != service}),
            "CARELOOP_HOME": str(self.stack.home),
            "CARELOOP_CLOCK_FILE": str(self.stack.home / CLOCK_FILE),
            "CARELOOP_LOCAL": "true",
            "PYTHONUNBUFFERED": "1",
        }
        inherited = {name: value for name, value in os.environ.items() if name not in _WITHHELD}
        return inherited | own | self._extra

    def start_service(self, service: str) -> None:
        """Start this service's process; it must not be running."""
        running = self._services.get(service)
        if running is not None and running.exit_code is None:
            raise ServiceFailed(f"{service} runs already, as process {running.pid}")
        self._services[service] = Child(
            service,
            self._command(service),
            output=_Tee(self.stack.home / "logs" / f"{service}.log", service, self._emit),
            env=self.service_environment(service),
        )

    async def kill_service(self, service: str, number: signal.Signals = signal.SIGKILL, grace: float = 30) -> int:
        """Send the signal and wait for the end; returns the exit code (negative: the signal that ended it)."""
        child = self._services[service]
        child.send(number)
        if not await child.ended(grace) or child.exit_code is None:
            raise ServiceFailed(f"{service} did not end within {grace:g} s of signal {number.name}")
        return child.exit_code

    async def wait_healthy(self, service: str, within: float = 60) -> None:
        """Return when the service itself answers SERVING; raises ServiceFailed when it ends or time runs out."""
        deadline = asyncio.get_running_loop().time() + within
        async with grpc.aio.insecure_channel(self.address(service)) as channel:
            while not await _serves(channel):
                if self._services[service].exit_code is not None:
                    raise ServiceFailed(self._ended(service))
                if asyncio.get_running_loop().time() > deadline:
                    raise ServiceFailed(f"{service} was not healthy after {within:g} s; {self._where(service)}")
                await asyncio.sleep(0.05)

    async def first_failure(self) -> str:
        """Wait until any child ends by itself; returns the sentence that says which one and how."""
        while True:
            for service, child in self._services.items():
                if child.exit_code is not None:
                    return self._ended(service)
            for server in self.stack.children:
                if server.exit_code is not None:
                    return f"{server.name} ended with exit code {server.exit_code}\n{server.last_words()}"
            await asyncio.sleep(0.1)

    def _ended(self, service: str) -> str:
        return f"{service} ended with exit code {self._services[service].exit_code}; {self._where(service)}"

    def _where(self, service: str) -> str:
        return f"its log is {self.stack.home / 'logs' / f'{service}.log'}"

    async def stop(self) -> None:
        """Stop the services (SIGTERM: they drain), then the servers; kills what does not end in time."""
        await asyncio.gather(*(child.stop(signal.SIGTERM, grace=30) for child in self._services.values()))
        await self.stack.stop()


async def _serves(channel: grpc.aio.Channel) -> bool:
    try:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=""), timeout=2)
    except grpc.aio.AioRpcError:
        return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


class _Tee:
    """Writes a service's lines to its log file and hands them on with its name in front."""

    _emitting = Lock()

    def __init__(self, file: Path, service: str, emit: LineSink | None) -> None:
        self._file: IO[str] = os.fdopen(opened_private(file), "a", buffering=1, encoding="utf-8")
        self._prefix = f"{service:<13} | "
        self._emit = emit

    def __call__(self, line: str) -> None:
        self._file.write(f"{line}\n")
        if self._emit is not None:
            with self._emitting:
                self._emit(self._prefix + line)
