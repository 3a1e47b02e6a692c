"""Several processes of one service, with an instance name and addresses of their own, killed and started one by one."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

import careloop
from careloop.local.processes import Child
from tests.support.checker.ledger import tables
from tests.support.processes.running import System
from tests.support.waiting import until

ROOT = Path(careloop.__file__).parents[1]
CHANNEL_OPTIONS = (("grpc.lb_policy_name", "round_robin"), ("grpc.max_reconnect_backoff_ms", 1000))


class Instance:
    """One process of a service; number 0 answers where peers look for the service.

    `command` is what it runs; `environment` goes before what the supervisor would say.
    """

    def __init__(
        self,
        system: System,
        service: str,
        number: int,
        *,
        command: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.service = service
        self.name = f"{service}-{number}"
        ports = system.stack.ports
        own = f"127.0.0.1:{ports.take(f'{self.name}-grpc')}"
        self.address = own if number else system.supervisor.address(service)
        self._command = list(command) or [sys.executable, "-m", f"services.{service}"]
        self._environment = {
            **system.supervisor.service_environment(service),
            "CARELOOP_INSTANCE": str(number),
            "CARELOOP_GRPC_PORT": self.address.split(":")[1],
            "CARELOOP_HTTP_PORT": str(ports.take(f"{self.name}-metrics")),
            **(environment or {}),
        }
        self._log = system.stack.home / "logs" / f"{self.name}.log"
        self._process: Child | None = None
        self._wanted = False
        self.ended_by_itself = 0

    @property
    def process(self) -> Child:
        assert self._process is not None
        return self._process

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.exit_code is None

    def start(self) -> None:
        self._wanted = True
        self._process = Child(self.name, self._command, output=self._log, env=self._environment, cwd=str(ROOT))

    async def end(self, number: signal.Signals = signal.SIGKILL) -> int:
        """Send the signal; returns the exit code."""
        self._wanted = False
        self.process.send(number)
        assert await self.process.ended(30), f"{self.name} did not end"
        assert self.process.exit_code is not None
        return self.process.exit_code

    async def restart(self) -> None:
        """kill -9, and start again; returns when it answers."""
        await self.end()
        self.start()
        await self.answers(within=180)

    async def keep(self) -> None:
        """For ever: start it again when it ends without being told to, as a supervisor does."""
        while True:
            await until(lambda: self._wanted and not self.alive, float("inf"))
            self.ended_by_itself += 1
            self.start()

    def log_has(self, words: str) -> int:
        """How many lines of its log have these words."""
        return sum(words in line for line in self._log.read_text().splitlines())

    async def answers(self, service: str = "", within: float = 60) -> None:
        """Return when it says that it serves, or that it is ready (`readiness`)."""
        async with grpc.aio.insecure_channel(self.address) as channel:
            await until(lambda: serving(channel, service), within)


async def serving(channel: grpc.aio.Channel, service: str = "") -> bool:
    """What the health service at the other end says; no answer is no."""
    try:
        answer = await health_pb2_grpc.HealthStub(channel).Check(
            health_pb2.HealthCheckRequest(service=service), timeout=2
        )
    except grpc.aio.AioRpcError:
        return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


@asynccontextmanager
async def instead(system: System, service: str, instances: Sequence[Instance]) -> AsyncIterator[Sequence[Instance]]:
    """These processes, kept running, in the place of the service's one; callers are spread over all that answer."""
    await system.supervisor.kill_service(service, signal.SIGTERM)
    for instance in instances:
        instance.start()
    channel = system.channels[service]
    together = "ipv4:" + ",".join(instance.address for instance in instances)
    system.channels[service] = grpc.aio.insecure_channel(together, options=CHANNEL_OPTIONS)
    keeping = [asyncio.create_task(instance.keep()) for instance in instances]
    try:
        await asyncio.gather(*(instance.answers(within=180) for instance in instances))
        yield instances
    finally:
        for keeper in keeping:
            keeper.cancel()
        await asyncio.gather(*keeping, return_exceptions=True)
        await system.channels[service].close()
        system.channels[service] = channel
        await asyncio.gather(*(instance.process.stop(signal.SIGTERM, 30) for instance in instances))


@asynccontextmanager
async def in_place_of(system: System, service: str, **told: Any) -> AsyncIterator[Instance]:
    """One process, told otherwise, under the number and address of the service's own; afterwards that is back."""
    await system.supervisor.kill_service(service, signal.SIGTERM)
    instance = Instance(system, service, 0, **told)
    instance.start()
    try:
        await instance.answers()
        yield instance
    finally:
        await instance.process.stop(signal.SIGKILL, 30)
        system.supervisor.start_service(service)
        await system.supervisor.wait_healthy(service)


@asynccontextmanager
async def only(system: System, instance: Instance) -> AsyncIterator[System]:
    """The system as callers see it who reach only this process of its service."""
    async with grpc.aio.insecure_channel(instance.address) as channel:
        yield replace(system, channels={**system.channels, instance.service: channel})


async def relaying(system: System, instances: Sequence[Instance]) -> Instance:
    """Which of these processes relays their service's log now; waited for when nobody does, as without a broker."""
    found: list[Instance] = []

    async def known() -> bool:
        port = await _relay_port(system, instances[0].service)
        found[:] = [one for one in instances if port is not None and one.alive and _owns(one.process.pid, port)]
        return bool(found)

    await until(known, seconds=120)
    return found[0]


async def _relay_port(system: System, service: str) -> int | None:
    """The client's port of the connection that holds the relay's lock."""
    async with tables(system) as connection:
        port: int | None = await connection.fetchval(
            """select client_port from pg_locks join pg_stat_activity using (pid)
               where locktype = 'advisory' and granted and objsubid = 1
               and (classid::bigint << 32) | objid::bigint = hashtextextended('careloop relay ' || $1, 0)""",
            service,
        )
    return port


def _owns(process: int, port: int) -> bool:
    """Whether a socket of this process has this local port."""
    sockets = set()
    with suppress(OSError):
        for line in Path(f"/proc/{process}/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if int(fields[1].split(":")[1], 16) == port:
                sockets.add(f"socket:[{fields[9]}]")
    return bool(sockets & set(_open_files(process)))


def _open_files(process: int) -> list[str]:
    found = []
    with suppress(OSError):
        for file in Path(f"/proc/{process}/fd").iterdir():
            with suppress(OSError):
                found.append(os.readlink(file))
    return found
