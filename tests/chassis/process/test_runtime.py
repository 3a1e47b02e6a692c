"""A service as a real process: it starts, tells that it is ready, ends in order, and does not hide that it broke."""

import asyncio
import json
import os
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from care.operations.v1 import operations_pb2 as wire
from care.operations.v1.operations_pb2_grpc import OperationsServiceStub
from grpc_health.v1 import health_pb2, health_pb2_grpc

from careloop.chassis.calls.token_signing import new_key, public_key_set
from tests.support.services.served import refused, until, with_token
from tests.support.services.signing import ISSUER, OPERATOR, token

ROOT = Path(__file__).parents[3]
SERVING = health_pb2.HealthCheckResponse.SERVING


@dataclass
class Running:
    process: asyncio.subprocess.Process
    folder: Path
    lines: list[dict[str, Any]] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)

    def said(self, event: str) -> dict[str, Any] | None:
        return next((line for line in self.lines if line["event"] == event), None)

    async def until_said(self, event: str) -> dict[str, Any]:
        await until(lambda: self.said(event) is not None, within=20)
        line = self.said(event)
        assert line is not None
        return line

    async def read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            if line.startswith(b"{"):
                self.lines.append(json.loads(line))
            else:
                self.printed.append(line.decode().strip())

    async def end(self, number: signal.Signals | None = None) -> int:
        if number is not None:
            self.process.send_signal(number)
        async with asyncio.timeout(20):
            return await self.process.wait()


def environment(folder: Path, **changes: str) -> dict[str, str]:
    own = new_key("service:assessment")
    public, private = folder / "public.json", folder / "private.json"
    public.write_text(json.dumps(public_key_set([ISSUER, own])))
    private.write_text(json.dumps(own))
    settings = {
        "SERVICE": "assessment",
        "POSTGRES_DSN": "postgres://127.0.0.1/none",
        "KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "GRPC_PORT": "0",
        "HTTP_PORT": "0",
        "TOKEN_KEYS_FILE": str(public),
        "SERVICE_KEY_FILE": str(private),
        **changes,
    }
    return {
        "PATH": os.environ["PATH"],
        **{f"CARELOOP_{name}": value for name, value in settings.items()},
    }


@asynccontextmanager
async def running(folder: Path, *asked: str, **settings: str) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.processes.small_service", str(folder), *asked,
        cwd=ROOT,
        env=environment(folder, **settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    service = Running(process, folder)
    reading = asyncio.create_task(service.read())
    try:
        yield service
    finally:
        if process.returncode is None:
            process.kill()
        await reading
        await process.wait()


async def page(port: int, path: str) -> tuple[int, str]:
    def get() -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    return await asyncio.to_thread(get)


async def health(channel: grpc.aio.Channel, name: str) -> Any:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    return (await stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=5)).status


async def begin_call(service: Running, channel: grpc.aio.Channel) -> Any:
    """A call that is being answered, and waits for the file `may-finish`."""
    stub: Any = OperationsServiceStub(channel)
    bearer = token(OPERATOR, issued_at=datetime.now(UTC))
    call = stub.GetStatus(wire.GetStatusRequest(), timeout=8, metadata=with_token(bearer))
    await until((service.folder / "begun").exists)
    return call


async def test_sigterm_finishes_what_was_begun_and_exits_0(tmp_path: Path) -> None:
    async with running(tmp_path, "finishes", "forever") as service:
        port = (await service.until_said("started"))["grpc_port"]
        await service.until_said("ready")
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            assert await health(channel, "readiness") == SERVING
            call = await begin_call(service, channel)
            service.process.send_signal(signal.SIGTERM)
            await service.until_said("stopping")
            (tmp_path / "may-finish").touch()
            assert (await call).service == "assessment"
        assert await service.end() == 0
    assert sorted(service.printed[:-1]) == ["cancelled", "task finished"]
    assert service.printed[-1] == "closed"
    assert service.lines[-1]["event"] == "stopped"


async def test_tasks_work_until_the_last_call_is_answered(tmp_path: Path) -> None:
    """What a call writes last is sent by a task of the same process."""
    async with running(tmp_path, "looks-back") as service:
        port = (await service.until_said("started"))["grpc_port"]
        await service.until_said("ready")
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            call = await begin_call(service, channel)
            service.process.send_signal(signal.SIGTERM)
            await service.until_said("stopping")
            await refused(await begin_call(service, channel))
            (tmp_path / "may-finish").touch()
            await call
        assert await service.end() == 0
    assert service.printed == ["asked to stop after the last call", "closed"]


async def test_sigint_ends_it_as_well(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.until_said("ready")
        assert await service.end(signal.SIGINT) == 0


async def test_what_does_not_end_is_ended_after_the_grace_period(tmp_path: Path) -> None:
    short = {"GRACE_SECONDS": "1", "MAX_DEADLINE_SECONDS": "0.9", "STATEMENT_TIMEOUT_SECONDS": "0.8"}
    async with running(tmp_path, "never-stops", **short, POOL_TIMEOUT_SECONDS="0.7") as service:
        await service.until_said("ready")
        begun = asyncio.get_running_loop().time()
        assert await service.end(signal.SIGTERM) == 0
        assert 0.9 <= asyncio.get_running_loop().time() - begun < 5
    late = service.said("grace period over")
    assert late is not None
    assert late["task"] == "never-stops"


@pytest.mark.parametrize(("work", "error_type"), [("fails", "Failure"), ("returns", "TaskEnded")])
async def test_a_task_that_dies_ends_the_process(tmp_path: Path, work: str, error_type: str) -> None:
    async with running(tmp_path, "forever", work) as service:
        assert await service.end() == 1
    failed = service.said("task failed")
    assert failed is not None
    assert (failed["task"], failed["error_type"]) == (work, error_type)
    assert service.printed[-1] == "closed"
    assert "Canary" not in repr(service)


async def test_a_process_that_is_stuck_ends(tmp_path: Path) -> None:
    async with running(tmp_path, "stuck", STUCK_AFTER_SECONDS="1") as service:
        assert await service.end() == 1
    failed = service.said("task failed")
    assert failed is not None
    assert failed["error_type"] == "Stuck"


async def test_readiness_follows_the_store_and_liveness_does_not(tmp_path: Path) -> None:
    (tmp_path / "store-away").touch()
    async with running(tmp_path) as service:
        started = await service.until_said("started")
        port = started["http_port"]
        assert await page(port, "/livez") == (200, "alive\n")
        assert await page(port, "/readyz") == (503, "not ready\n")
        (tmp_path / "store-away").unlink()
        await service.until_said("ready")
        assert await page(port, "/readyz") == (200, "ready\n")
        (tmp_path / "store-away").touch()
        await service.until_said("not ready")
        async with grpc.aio.insecure_channel(f"127.0.0.1:{started['grpc_port']}") as channel:
            assert await health(channel, "") == SERVING
            assert await health(channel, "readiness") != SERVING
        assert await page(port, "/livez") == (200, "alive\n")


async def test_the_figures_are_on_a_page(tmp_path: Path) -> None:
    (tmp_path / "may-finish").touch()
    async with running(tmp_path, "stuck") as service:
        started = await service.until_said("started")
        async with grpc.aio.insecure_channel(f"127.0.0.1:{started['grpc_port']}") as channel:
            await (await begin_call(service, channel))
        status, text = await page(started["http_port"], "/metrics")
        nowhere, _text = await page(started["http_port"], "/elsewhere")
    assert (status, nowhere) == (200, 404)
    method = "/care.operations.v1.OperationsService/GetStatus"
    assert f'careloop_rpc_seconds_count{{code="OK",method="{method}"}} 1.0' in text
    assert "careloop_head_position 7.0" in text
    assert "olive" not in text


@pytest.mark.parametrize(
    ("settings", "named"),
    [({"GRPC_PORT": "Canary"}, "CARELOOP_GRPC_PORT"), ({"TOKEN_KEYS_FILE": "/nowhere/Canary"}, "key set")],
)
async def test_wrong_settings_end_it_with_a_sentence(tmp_path: Path, settings: dict[str, str], named: str) -> None:
    async with running(tmp_path, **settings) as service:
        assert await service.end() == 2
    (sentence,) = service.printed
    assert named in sentence
    assert "Canary" not in sentence
    assert service.lines == []
