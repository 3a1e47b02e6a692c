"""One service process: its server, its background tasks, its figures, and a clean end.

SIGTERM or SIGINT: readiness goes, no new calls, streams end, calls finish; what they wrote is sent; then the tasks
finish what they began, and everything is closed, all within the grace period. A task that dies of a bug ends the
process with a code other than 0.
"""

import asyncio
import gc
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import structlog
import uvloop

from careloop.chassis.calls.auth import KeysUnusable, TokenVerifier, read_public_keys
from careloop.chassis.calls.guard import Guard, Policy
from careloop.chassis.calls.server import AddServicer, GrpcServer
from careloop.chassis.calls.tls import TlsUnusable
from careloop.chassis.calls.token_signing import ServiceTokens, read_private_key
from careloop.chassis.clock import Clock, ClockUnusable, SettableClock, present
from careloop.chassis.log.connections import Ahead
from careloop.chassis.logs import BROKER, Logger, place_of, set_up_logs
from careloop.chassis.operations.certificates import ends
from careloop.chassis.operations.metrics import Metrics, MetricsServer
from careloop.chassis.operations.ports import ServiceStatus, StatusReader
from careloop.chassis.operations.stalled_consumers import StalledConsumers
from careloop.chassis.operations.watchdog import Watchdog
from careloop.chassis.process.collecting import collect_traces
from careloop.chassis.process.settings import ServiceSettings, SettingsInvalid, read_settings
from careloop.chassis.secret_files import SecretFile, keep_looking, read_password
from careloop.kernel.errors import CareloopError

READINESS_EVERY_SECONDS = 1.0
UNREADY_EVERY_SECONDS = 0.25
FIGURES_EVERY_SECONDS = 1.0
CERTIFICATES_EVERY_SECONDS = 60.0
LAST_SENDING_SECONDS = 2.0
"""How long an ending process waits for its relay, which may be another process."""
YOUNG_OBJECTS = 50_000
"""A batch of records is as many objects, nearly all of which end with it: looking for cycles among them halves a
projector's speed when it is done at every 700, as is the default."""

Work = Callable[[asyncio.Event], Awaitable[None]]
"""A background task. It returns soon after the event is set, having finished what it began; before that, never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What the process gives to the composition of its service; `ahead` is how far a clock that can be set is ahead."""

    settings: ServiceSettings
    clock: Clock
    metrics: Metrics
    service_tokens: ServiceTokens
    ahead: Ahead | None = None
    secrets: Sequence[SecretFile] = ()
    """Files that are looked at again while the process runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What a process runs. `ready` may raise a kernel error, which means no.

    `revive` gets the consumer and the source of a subscription that stands still, and does not wait.
    """

    servicers: Sequence[AddServicer]
    ready: Callable[[], Awaitable[bool]]
    status: StatusReader
    tasks: Mapping[str, Work] = field(default_factory=dict)
    revive: Callable[[str, str], None] = lambda _consumer, _source: None


Build = Callable[[Resources], AbstractAsyncContextManager[Service]]


def _all_sent(status: ServiceStatus) -> bool:
    """Or nobody to send it to."""
    return status.relayed_position >= status.head_position or not status.broker_connected


class TaskEnded(Exception):
    """A background task returned although nobody asked it to."""


def run(
    build: Build,
    policy: Policy,
    *,
    settings_model: type[ServiceSettings] = ServiceSettings,
    clock: Clock | None = None,
) -> int:
    """Run until asked to stop, and end the process: 0 stopped, 1 a bug or stuck. Returns 2 for wrong settings."""
    try:
        settings = read_settings(settings_model)
        settable = SettableClock(settings.clock_file) if settings.clock_file is not None else None
        clock = clock or settable or present
        tokens = ServiceTokens(read_private_key(settings.service_key_file), settings.service, clock)
        verifier = _verifier(settings, policy, clock)
        resources = Resources(
            settings=settings,
            clock=clock,
            ahead=settable.ahead if settable else None,
            metrics=Metrics(),
            service_tokens=tokens,
            secrets=_secrets(settings, verifier, tokens),
        )
        _check_files(settings)
    except (SettingsInvalid, KeysUnusable, TlsUnusable, ClockUnusable) as wrong:
        print(wrong, file=sys.stderr)  # noqa: T201 - before there is a log
        return 2
    set_up_logs(settings.service)
    send_last_spans = collect_traces(settings)
    gc.set_threshold(YOUNG_OBJECTS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        code = runner.run(_served(build, resources, _guard(resources, verifier, policy)))
        send_last_spans()
        # Everything is closed but the server, whose connections must end with the process: see GrpcServer.drain.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _verifier(settings: ServiceSettings, policy: Policy, clock: Clock) -> TokenVerifier:
    roles = {role for allowed in policy.values() for role in allowed}
    keys = read_public_keys(settings.token_keys_file)
    return TokenVerifier(keys, audience=settings.service, roles=roles, clock=clock)


def _secrets(settings: ServiceSettings, verifier: TokenVerifier, tokens: ServiceTokens) -> Sequence[SecretFile]:
    """What is read once and must be looked at again; certificates and passwords are read whenever they are used."""
    return (
        SecretFile(settings.token_keys_file, lambda file: verifier.use(read_public_keys(file)), KeysUnusable),
        SecretFile(settings.service_key_file, lambda file: tokens.use(read_private_key(file)), KeysUnusable),
    )


def _check_files(settings: ServiceSettings) -> None:
    """Say at the start what would fail at the first connection. Raises SettingsInvalid or TlsUnusable."""
    tls = settings.grpc_tls()
    if tls is not None:
        tls.read()
    try:
        settings.broker().arguments()
        if settings.postgres_password_file is not None:
            read_password(settings.postgres_password_file)
    except OSError as unreadable:
        raise SettingsInvalid(
            f"a certificate or password file for Kafka or PostgreSQL is not usable: {type(unreadable).__name__}"
        ) from None


def _guard(resources: Resources, verifier: TokenVerifier, policy: Policy) -> Guard:
    settings = resources.settings
    return Guard(
        verifier,
        policy,
        resources.clock,
        max_deadline_seconds=settings.max_deadline_seconds,
        max_stream_seconds=settings.max_stream_seconds,
        # Tools that find their way by reflection cannot set a deadline.
        deadline_required=not settings.local,
        observe=resources.metrics.call,
    )


async def _served(build: Build, resources: Resources, guard: Guard) -> int:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    try:
        async with build(resources) as service:
            await Process(service, resources, guard, stopping).run()
    except Exception as error:
        # A task's failure was logged when it happened; this line is for everything else, and never holds its text.
        _log().error("process failed", error_type=type(error).__name__, error_at=place_of(error))
        return 1
    _log().info("stopped")
    return 0


def _log() -> Logger:
    logger: Logger = structlog.get_logger()
    return logger


class Process:
    """One run of a service, from start to the end of `run`, which raises when a task failed."""

    def __init__(self, service: Service, resources: Resources, guard: Guard, stopping: asyncio.Event) -> None:
        self._service = service
        self._settings = resources.settings
        self._clock = resources.clock
        self._metrics = resources.metrics
        self._watchdog = Watchdog(resources.settings.stuck_after_seconds)
        self._stalled = StalledConsumers(resources.settings.revive_after_seconds)
        self._secrets = resources.secrets
        self._server = GrpcServer(
            guard,
            service.servicers,
            local=resources.settings.local,
            tls=resources.settings.grpc_tls(),
            max_connection_age_seconds=resources.settings.grpc_max_connection_age_seconds,
        )
        self._asked = stopping
        self._stopping = asyncio.Event()
        self._ready = False
        self._certificates_at = float("-inf")
        self._figures = MetricsServer(
            resources.metrics, self._settings.http_host, self._settings.http_port, lambda: self._ready
        )

    async def run(self) -> None:
        port = await self._server.start(self._settings.grpc_host, self._settings.grpc_port)
        self._figures.start()
        _log().info("started", grpc_port=port, http_port=self._figures.port)
        try:
            async with asyncio.TaskGroup() as group:
                works: dict[str, Work] = {
                    "readiness": self._keep_ready,
                    "figures": self._keep_figures,
                    "secrets": partial(keep_looking, self._secrets),
                    **self._service.tasks,
                }
                tasks = [group.create_task(self._supervised(name, work), name=name) for name, work in works.items()]
                await self._asked.wait()
                await self._finish(tasks)
        finally:
            self._ready = False
            self._figures.close()

    async def _finish(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        """Calls first, then the tasks: the relay still sends what the last calls wrote, which else would wait for
        another process."""
        self._ready = False
        _log().info("stopping")
        ends_at = time.monotonic() + self._settings.grace_seconds
        await self._server.drain(self._settings.max_deadline_seconds)
        await self._until_sent()
        self._stopping.set()
        _done, late = await asyncio.wait(tasks, timeout=max(0.0, ends_at - time.monotonic()))
        for task in late:
            _log().warning("grace period over", task=task.get_name())
            task.cancel()

    async def _until_sent(self) -> None:
        with suppress(CareloopError, TimeoutError):
            async with asyncio.timeout(LAST_SENDING_SECONDS):
                while not _all_sent(await self._service.status.status()):
                    await pause(self._stopping, LAST_SENDING_SECONDS / 100)

    async def _supervised(self, name: str, work: Work) -> None:
        try:
            await work(self._stopping)
            if not self._stopping.is_set():
                raise TaskEnded(name)
        except Exception as error:
            _log().error("task failed", task=name, error_type=type(error).__name__, error_at=place_of(error))
            raise

    async def _keep_ready(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            ready = not self._asked.is_set() and await self._is_ready()
            if ready != self._ready:
                _log().info("ready" if ready else "not ready")
            self._ready = ready
            self._metrics.ready(ready=ready)
            await self._server.set_ready(ready=ready)
            await pause(stopping, READINESS_EVERY_SECONDS if ready else UNREADY_EVERY_SECONDS)

    async def _is_ready(self) -> bool:
        try:
            async with asyncio.timeout(self._settings.statement_timeout_seconds):
                return await self._service.ready()
        except (CareloopError, TimeoutError):
            return False

    async def _keep_figures(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                status = await self._service.status.status()
            except CareloopError:
                self._watchdog.store_away()
                self._stalled.store_away()
            else:
                self._metrics.show(status, self._clock())
                if status.broker_connected:
                    BROKER.back()
                now = time.monotonic()
                for consumer, source in self._stalled.observe(status, now):
                    self._service.revive(consumer, source)
                self._watchdog.observe(status, now)
            self._metrics.certificates(self._certificates())
            began = time.monotonic()
            await pause(stopping, FIGURES_EVERY_SECONDS)
            self._metrics.late(time.monotonic() - began - FIGURES_EVERY_SECONDS)

    def _certificates(self) -> Mapping[str, datetime]:
        """Looked at once a minute: nothing ends between."""
        if time.monotonic() >= self._certificates_at:
            self._certificates_at = time.monotonic() + CERTIFICATES_EVERY_SECONDS
            settings = self._settings
            return ends({"grpc": settings.grpc_cert_file, "kafka": settings.kafka_cert_file})
        return {}


async def pause(stopping: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until asked to stop."""
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return


def until_stopped(forever: Callable[[], Awaitable[None]]) -> Work:
    """The Work of something that never returns and may be cancelled at any moment: it is, when the process stops."""

    async def work(stopping: asyncio.Event) -> None:
        running = asyncio.ensure_future(forever())
        asked = asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait([running, asked], return_when=asyncio.FIRST_COMPLETED)
        finally:
            asked.cancel()
            running.cancel()
            await asyncio.wait([running])
        if not running.cancelled():
            running.result()

    return work
