"""A local system is its owner's alone: its files, its PostgreSQL, and what it answers to anybody who asks."""

import os
import stat
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from typing import cast

import psycopg
import pytest

from careloop.chassis.operations.metrics import Metrics, MetricsServer
from careloop.cli.calling.client import Services
from careloop.cli.commands.intake import take_in
from careloop.local.folders import close_to_others, kept_secret, runs_as_nobody, write_private
from careloop.local.local_stack import LocalStack
from careloop.local.schemas import address
from careloop.local.settings import SERVICES, StackSettings
from tests.support.controls.moments import NOON
from tests.support.stack import run, temporary_stack


def mode(place: Path) -> int:
    return stat.S_IMODE(place.stat().st_mode)


def test_a_folder_of_an_earlier_build_is_closed(tmp_path: Path) -> None:
    home = tmp_path / "state"
    for name in ("logs", "mail", "keys", "kafka"):
        (home / name).mkdir(parents=True)
    files = [home / "addresses.json", home / "logs" / "prescribing.log", home / "mail" / "1.eml"]
    for file in files:
        file.write_text("read by all")
        file.chmod(0o644)
    close_to_others(home)
    assert {mode(home / name) for name in ("logs", "mail", "keys", "kafka")} == {0o700}
    assert {mode(file) for file in files} == {0o600}
    assert mode(home) in ({0o711, 0o700} if runs_as_nobody() else {0o700})


def test_what_is_written_anew_is_private_whatever_it_was(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    file.write_text("{}")
    file.chmod(0o644)
    write_private(file, "{}\n")
    assert (mode(file), file.read_text()) == (0o600, "{}\n")
    secret = tmp_path / "keys" / "s"
    assert kept_secret(secret) == kept_secret(secret)
    assert (mode(secret), mode(secret.parent), len(kept_secret(secret))) == (0o600, 0o700, 64)


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    """Its folder was made by a build that trusted everybody."""
    with temporary_stack(trusting=True) as before:
        run(before.start_postgres())
        with psycopg.connect(before.admin_url, autocommit=True) as connection:
            connection.execute("create table note (body text)")
        run(before.stop())
        now = LocalStack(StackSettings(home=before.home))
        run(now.start_postgres())
        yield now
        run(now.stop())


@pytest.mark.postgres
class TestPostgres:
    def test_what_was_there_is_there(self, stack: LocalStack) -> None:
        with psycopg.connect(stack.admin_url) as connection:
            assert connection.execute("select to_regclass('note')::text").fetchone() == ("note",)

    @pytest.mark.parametrize("user", ["postgres", *SERVICES])
    @pytest.mark.parametrize("password", [None, "postgres", "guessed"])
    def test_nobody_enters_without_their_password(self, stack: LocalStack, user: str, password: str | None) -> None:
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(address(stack.admin_url, user=user, database="postgres", password=password))

    def test_the_services_password_is_not_the_administrators(self, stack: LocalStack) -> None:
        assert stack.role_password not in {None, *stack.admin_url.split(":")}
        assert {mode(file) for file in (stack.home / "keys").glob("postgres.*")} == {0o600}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_figures_are_only_read(method: str) -> None:
    server = MetricsServer(Metrics(), "127.0.0.1", 0, lambda: True)
    server.start()
    try:
        for path in ("metrics", "livez", "readyz", "nowhere"):
            request = urllib.request.Request(f"http://127.0.0.1:{server.port}/{path}", data=b"", method=method)
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request, timeout=5)
            assert (refused.value.code, refused.value.headers["Allow"]) == (405, "GET, HEAD")
        head = urllib.request.Request(f"http://127.0.0.1:{server.port}/metrics", method="HEAD")
        with urllib.request.urlopen(head, timeout=5) as answered:
            assert cast(HTTPResponse, answered).status == 200
            assert answered.read() == b""
    finally:
        server.close()


async def test_intake_opens_nothing_but_files(tmp_path: Path) -> None:
    pipe, device = tmp_path / "pipe.json", Path("/dev/zero")
    os.mkfifo(pipe)
    async with Services({"assessment": "127.0.0.1:1"}, lambda _: "token", 1) as known:
        report = await take_in([pipe, device], known, "UTC", now=NOON)
    assert report.bad_files == {str(pipe): "not a regular file", str(device): "not a regular file"}
    assert not report.is_all_good
