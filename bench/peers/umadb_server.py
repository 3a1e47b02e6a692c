"""UmaDB's own server, run from its wheel: says ready when it answers, ends with its parent."""

import ctypes
import signal
import subprocess
import sys
import time
from pathlib import Path

from umadb import Client

from bench import protocol


def run(spec: protocol.Spec) -> None:
    program = Path(sys.executable).with_name("umadb")
    server = subprocess.Popen(
        [str(program), "--listen", spec["listen"], "--db-path", spec["folder"]],
        stdout=sys.stderr,
        preexec_fn=_end_with_parent,  # noqa: PLW1509 - there are no threads yet
    )
    try:
        _until_it_answers(server, f"http://{spec['listen']}")
        protocol.ready(pid=server.pid)
    finally:
        server.terminate()
        server.wait(timeout=10)


def _end_with_parent() -> None:
    """The harness kills this process, and no clean-up of ours runs then."""
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


def _until_it_answers(server: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            Client(url).head()
            return
        except Exception:
            if server.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


if __name__ == "__main__":
    run(protocol.told())
