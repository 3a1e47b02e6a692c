"""Children are started, watched, killed and stopped, and never outlive the one who started them."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from careloop.chassis.process.settings import read_settings
from careloop.local.local_stack import LocalStack
from careloop.local.processes import until
from careloop.local.settings import SERVICES
from careloop.local.supervisor import ServiceFailed, Supervisor
from tests.support.stack import run, temporary_stack

ROOT = Path(__file__).parents[2]

START_BOTH_AND_WAIT = """
import asyncio, sys
from careloop.local.local_stack import LocalStack
from careloop.local.settings import StackSettings

async def main():
    stack = LocalStack(StackSettings(home=sys.argv[1]))
    await stack.start_postgres()
    await stack.start_kafka()
    print(*(child.pid for child in stack.children), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def runs(process: int) -> bool:
    """Whether the process exists and is not merely waiting to be reaped."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children_of(process: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def health_program(_service: str) -> list[str]:
    return [sys.executable, "-m", "tests.support.processes.health_program"]


@pytest.fixture
def stack() -> Iterator[LocalStack]:
    with temporary_stack(
        postgres_url="postgresql://admin:hidden@127.0.0.1:1/postgres", kafka_bootstrap="127.0.0.1:1"
    ) as made:
        yield made


@pytest.fixture
def supervisor(stack: LocalStack) -> Supervisor:
    """A supervisor of processes that only answer health; the named servers are never asked."""
    made = Supervisor(stack, command=health_program)
    made.assign_addresses()
    return made


async def test_a_killed_service_is_noticed_and_can_be_started_again(supervisor: Supervisor) -> None:
    try:
        supervisor.start_service("monitoring")
        await supervisor.wait_healthy("monitoring")
        first = supervisor.pid("monitoring")
        assert await supervisor.kill_service("monitoring") == -signal.SIGKILL
        sentence = await asyncio.wait_for(supervisor.first_failure(), timeout=5)
        assert sentence.startswith("monitoring ended with exit code -9; its log is ")
        supervisor.start_service("monitoring")
        await supervisor.wait_healthy("monitoring")
        assert supervisor.pid("monitoring") != first
    finally:
        await supervisor.stop()
    assert not runs(supervisor.pid("monitoring"))


async def test_a_service_that_ends_at_once_is_named(stack: LocalStack) -> None:
    supervisor = Supervisor(stack, command=lambda _service: [sys.executable, "-c", "raise SystemExit(3)"])
    supervisor.assign_addresses()
    supervisor.start_service("assessment")
    with pytest.raises(ServiceFailed, match="assessment ended with exit code 3"):
        await supervisor.wait_healthy("assessment")
    await supervisor.stop()


async def test_a_running_service_is_not_started_twice(supervisor: Supervisor) -> None:
    try:
        supervisor.start_service("assessment")
        with pytest.raises(ServiceFailed, match="assessment runs already"):
            supervisor.start_service("assessment")
    finally:
        await supervisor.stop()


async def test_lines_carry_the_services_name_and_are_kept(stack: LocalStack) -> None:
    lines: list[str] = []
    supervisor = Supervisor(stack, command=health_program, emit=lines.append)
    supervisor.assign_addresses()
    try:
        supervisor.start_service("coordination")
        assert await until(lambda: lines == ["coordination  | listening"], within=20)
    finally:
        await supervisor.stop()
    assert (stack.home / "logs" / "coordination.log").read_text() == "listening\n"


def test_a_service_is_told_everything_it_needs_and_not_the_administrators_secret(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARELOOP_POSTGRES_URL", "postgresql://admin:hidden@127.0.0.1/postgres")
    environment = supervisor.service_environment("prescribing")
    assert "hidden" not in "".join(environment.values())
    for name, value in environment.items():
        if name.startswith("CARELOOP_"):
            monkeypatch.setenv(name, value)
    settings = read_settings()
    assert (settings.service, settings.postgres_dsn) == ("prescribing", "postgresql://prescribing@127.0.0.1:1/careloop")
    assert set(settings.peers) == set(SERVICES) - {"prescribing"}
    assert settings.local


def test_only_the_owner_reads_private_keys(supervisor: Supervisor) -> None:
    files = [supervisor.keys.issuer_file, *(supervisor.keys.service_file(service) for service in SERVICES)]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert '"d"' not in supervisor.keys.public.read_text()


@pytest.mark.postgres
@pytest.mark.kafka
def test_servers_end_when_the_process_that_started_them_is_killed() -> None:
    with temporary_stack() as stack:
        command = [sys.executable, "-c", START_BOTH_AND_WAIT, str(stack.home)]
        parent = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        assert parent.stdout is not None
        servers = [int(word) for word in parent.stdout.readline().split()]
        family = servers + [child for server in servers for child in children_of(server)]
        assert len(servers) == 2
        assert all(runs(process) for process in family)
        parent.kill()
        parent.wait()
        parent.stdout.close()
        assert run(until(lambda: not any(runs(process) for process in family), within=10))
