"""Our peers live in environments of their own below bench/peers, installed from lock files when first needed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

PEERS = Path(__file__).parent / "peers"
PYTHON = PEERS / ".venv" / "bin" / "python"
NODE_MODULES = PEERS / "node_modules"
INSTALLING_SECONDS = 600


class PeerMissing(Exception):
    """The peer cannot be installed or run here; the text says why."""


def python_peers(*, debezium: bool = False) -> Path:
    """The interpreter of the Python peers, installed as the lock file says. Debezium, 190 MB, only when asked for."""
    stamp = PEERS / ".venv" / (".debezium" if debezium else ".installed")
    if not _is_fresh(stamp, "uv.lock"):
        uv = _found("uv", os.environ.get("UV"), str(PEERS.parents[1] / ".careloop-tools" / "bin" / "uv"))
        group = ["--group", "debezium"] if debezium else ["--inexact"]
        interpreter = ["--python", f"{sys.version_info.major}.{sys.version_info.minor}"]
        _install([uv, "sync", "--frozen", "--quiet", *interpreter, *group, "--project", str(PEERS)], stamp)
    return PYTHON


def node_peers() -> Path:
    """The folder of the Node.js peers, installed as the lock file says."""
    stamp = NODE_MODULES / ".installed"
    if not _is_fresh(stamp, "package-lock.json"):
        _install([_found("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(PEERS)], stamp)
    return NODE_MODULES


def node(script: str) -> list[str]:
    """The command of a Node.js program of bench/peers."""
    node_peers()
    return [_found("node"), str(PEERS / script)]


def python(module: str, *, debezium: bool = False) -> list[str]:
    """The command of a Python program of bench/peers."""
    return [str(python_peers(debezium=debezium)), "-m", f"bench.peers.{module}"]


def _is_fresh(stamp: Path, lock: str) -> bool:
    return stamp.exists() and stamp.stat().st_mtime >= (PEERS / lock).stat().st_mtime


def _found(name: str, *places: str | None) -> str:
    for place in (*places, name):
        program = shutil.which(place) if place else None
        if program:
            return os.path.abspath(program)
    raise PeerMissing(f"there is no {name} on this machine")


def _install(command: Sequence[str], stamp: Path) -> None:
    environment = {
        name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT")
    }
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=INSTALLING_SECONDS, cwd=PEERS, env=environment
        )
    except subprocess.TimeoutExpired as late:
        raise PeerMissing(f"{command[0]} did not finish in {INSTALLING_SECONDS} s") from late
    if done.returncode != 0:
        raise PeerMissing(f"installing failed: {(done.stdout + done.stderr).strip()[-600:]}")
    stamp.touch()


def main() -> int:
    """Install every peer; exit 1 if one of them cannot be."""
    failures = []
    steps: list[Callable[[], object]] = [python_peers, partial(python_peers, debezium=True), node_peers]
    for install in steps:
        try:
            install()
        except PeerMissing as missing:
            failures.append(missing)
            print(missing, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
