"""What a process does besides its tasks: it follows the figures, revives what stands still, and ends in time."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from careloop.chassis.calls.auth import TokenVerifier
from careloop.chassis.calls.call_log import CallLog
from careloop.chassis.calls.guard import Guard
from careloop.chassis.calls.token_signing import ServiceTokens, public_key_set
from careloop.chassis.operations.metrics import Metrics
from careloop.chassis.operations.ports import ConsumerProgress, ServiceStatus
from careloop.chassis.process import runtime
from careloop.chassis.process.runtime import Process, Resources, Service
from careloop.chassis.process.settings import read_settings
from careloop.kernel.errors import InvalidInput, Unavailable
from tests.support.services.signing import ISSUER, NOW, SERVICE, public_keys, token
from tests.support.waiting import until

BEHIND = ConsumerProgress(
    consumer="view", source="monitoring", partition=0, consumed_position=5, head_position=9, fresh_as_of=None
)
NEEDED: dict[str, Any] = {
    "service": "coordination", "postgres_dsn": "x", "kafka_bootstrap": "x", "grpc_port": 0, "http_port": 0,
    "token_keys_file": "x", "service_key_file": "x",
}  # fmt: skip
STATUS = ServiceStatus(
    service="coordination",
    head_position=7,
    head_recorded_at=None,
    relayed_position=7,
    unrelayed_since=None,
    broker_connected=True,
)


@dataclass
class Running:
    """A process without a store: a test decides what its status is, and whether it is ready."""

    status_now: ServiceStatus | Exception = STATUS
    ready_now: bool | Exception = True
    tasks: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.stopping = asyncio.Event()
        self.metrics = Metrics()
        self.revived: list[tuple[str, str]] = []
        self.asked = 0

    async def status(self) -> ServiceStatus:
        self.asked += 1
        if isinstance(self.status_now, Exception):
            raise self.status_now
        return self.status_now

    async def ready(self) -> bool:
        if isinstance(self.ready_now, Exception):
            raise self.ready_now
        return self.ready_now

    async def run(self) -> None:
        tokens = ServiceTokens(SERVICE, "coordination", lambda: NOW)
        settings = read_settings(**{**NEEDED, **self.settings})
        resources = Resources(settings=settings, clock=lambda: NOW, metrics=self.metrics, service_tokens=tokens)
        verifier = TokenVerifier(public_keys(), audience="coordination", roles={"operator"}, clock=lambda: NOW)
        guard = Guard(verifier, {}, lambda: NOW, max_deadline_seconds=10)
        service = Service(
            servicers=[],
            ready=self.ready,
            status=self,
            tasks=self.tasks,
            revive=lambda consumer, source: self.revived.append((consumer, source)),
        )
        self.process = Process(service, resources, guard, self.stopping)
        try:
            await self.process.run()
        finally:
            await self.process._server.stop()

    def page(self, path: str) -> str:
        """The status of a page of the process."""
        return self.process._figures._page(path)[0] if hasattr(self, "process") else ""

    def figure(self, name: str) -> float | None:
        return self.metrics.registry.get_sample_value(name)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "FIGURES_EVERY_SECONDS", 0.01)
    monkeypatch.setattr(runtime, "READINESS_EVERY_SECONDS", 0.01)
    monkeypatch.setattr(runtime, "UNREADY_EVERY_SECONDS", 0.01)


@asynccontextmanager
async def running(made: Running) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(made.run())
    try:
        yield task
    finally:
        made.stopping.set()
        await asyncio.wait([task], timeout=10)


def failures(group: ExceptionGroup[Exception]) -> list[type[Exception]]:
    return [type(one) for one in group.exceptions]


async def test_a_store_that_is_away_begins_every_wait_anew() -> None:
    """It answers every other time, and what does not move is neither stuck nor revived."""

    class EveryOther(Running):
        async def status(self) -> ServiceStatus:
            if self.asked % 2:
                self.asked += 1
                raise Unavailable("store-unavailable", "away")
            return await super().status()

    made = EveryOther(
        replace(STATUS, relayed_position=5, consumers=(BEHIND,)),
        settings={"revive_after_seconds": 0.005, "stuck_after_seconds": 0.005},
    )
    async with running(made) as task:
        await until(lambda: made.asked > 12)
        assert not task.done()
    assert made.revived == []


async def test_it_shows_its_figures_revives_what_stands_still_and_is_ready_as_long_as_its_store_says_so() -> None:
    made = Running(settings={"revive_after_seconds": 0.05})
    async with running(made):
        for not_ready in (False, Unavailable("store-unavailable", "away"), TimeoutError()):
            await until(lambda: made.page("/readyz") == "200 OK")
            made.ready_now = not_ready
            await until(lambda: made.page("/readyz") == "503 Service Unavailable")
            made.ready_now = True
        await until(lambda: made.page("/readyz") == "200 OK")
        assert (made.figure("careloop_head_position"), made.revived) == (7, [])
        made.status_now = replace(STATUS, consumers=(BEHIND,))
        await until(lambda: len(made.revived) > 1)
        made.stopping.set()
        await until(lambda: made.page("/readyz") == "503 Service Unavailable")
    assert set(made.revived) == {("view", "monitoring")}


async def test_what_does_not_end_when_the_process_stops_is_cancelled_when_the_grace_is_over() -> None:
    ended: list[str] = []

    async def finishes(stopping: asyncio.Event) -> None:
        await stopping.wait()
        for _ in range(20):
            await asyncio.sleep(0)
        ended.append("finished")

    async def never(_stopping: asyncio.Event) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    short = {
        "grace_seconds": 0.05, "max_deadline_seconds": 0.04, "statement_timeout_seconds": 0.03,
        "pool_timeout_seconds": 0.02,
    }  # fmt: skip
    made = Running(tasks={"finishes": finishes, "never": never}, settings=short)
    async with running(made) as task:
        await until(lambda: made.asked > 0)
    assert (ended, task.done()) == (["finished", "cancelled"], True)


class Undated:
    """The context of a call without a deadline, with an operator's token for coordination."""

    def time_remaining(self) -> None:
        return None

    def invocation_metadata(self) -> list[tuple[str, str]]:
        return [("authorization", f"Bearer {token(audience='coordination')}")]


@pytest.mark.parametrize("local", [False, True])
def test_a_call_needs_a_deadline_but_on_a_developers_machine(tmp_path: Path, local: bool) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(public_key_set([ISSUER])))
    settings = read_settings(**{**NEEDED, "local": local, "max_deadline_seconds": 7, "token_keys_file": keys})
    tokens = ServiceTokens(SERVICE, "coordination", lambda: NOW)
    resources = Resources(settings=settings, clock=lambda: NOW, metrics=Metrics(), service_tokens=tokens)
    context: Any = Undated()
    policy = {"/method": ["operator"]}
    guard = runtime._guard(resources, runtime._verifier(settings, policy, lambda: NOW), policy)
    assert guard.time_for(context) == 7
    if local:
        assert guard.admit(context, CallLog("/method", UUID(int=1))).now == NOW
    else:
        with pytest.raises(InvalidInput, match="deadline-required"):
            guard.admit(context, CallLog("/method", UUID(int=1)))
