"""Records what a build stores and publishes for the story, so that later builds are tested on serving it.

    python -m tests.support.earlier_state.record CHECKOUT FOLDER

CHECKOUT is a working copy of the earlier build, set up with `make setup`; FOLDER gets `database.sql.gz`, a plain dump
with the schemas as that build made them, `topics.jsonl.gz`, the published records, and `patients.json`.
"""

import asyncio
import gzip
import json
import os
import signal
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import asyncpg
from aiokafka import AIOKafkaConsumer

from careloop.local.postgres_server import find_binaries
from careloop.local.settings import DATABASE, SERVICES
from tests.support.earlier_state.story import told
from tests.support.processes.running import System
from tests.support.waiting import until

QUIET_LOOKS = 6
LOOK_EVERY_SECONDS = 0.5


@contextmanager
def up(checkout: Path, home: Path) -> Iterator[dict[str, Any]]:
    """The earlier build's own system, as its `careloop up` starts it; answers where it is reached."""
    environment = os.environ | {"PYTHONPATH": f"{checkout}:{checkout / 'proto'}"}
    command = [str(checkout / ".venv/bin/python"), "-m", "careloop.cli.main", "up", "--home", str(home)]
    process = subprocess.Popen(command, cwd=checkout, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert any("ready" in line for line in process.stdout)
        yield json.loads((home / "addresses.json").read_text()) | json.loads((home / "ports.json").read_text())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(90)


def admin_url(reached: dict[str, Any]) -> str:
    """That of the server which `up` started; builds that ask for a password write it there."""
    server = reached.get("servers", {}).get("postgres", f"postgresql://postgres@127.0.0.1:{reached['postgres']}/x")
    return f"{server.rpartition('/')[0]}/{DATABASE}"


async def quiet(url: str) -> None:
    """Until nothing was stored or consumed for some looks."""
    counted = " + ".join(
        f"(select count(*) from {service}.events) + (select coalesce(sum(position), 0) from {service}.{table})"
        for service in SERVICES
        for table in ("relay_checkpoint", "consumed_positions")
    )
    connection = await asyncpg.connect(url)
    looks = [-1]

    async def same() -> bool:
        found = int(await connection.fetchval(f"select {counted}"))
        looks[:] = [*looks, found] if found == looks[-1] else [found]
        await asyncio.sleep(LOOK_EVERY_SECONDS)
        return len(looks) > QUIET_LOOKS

    try:
        await until(same, seconds=120)
    finally:
        await connection.close()


async def published(bootstrap: str) -> list[dict[str, Any]]:
    """Every record of the services' topics, in the order of each partition."""
    topics = [f"care.{service}.v1" for service in SERVICES]
    reset = {"enable_auto_commit": False, "auto_offset_reset": "earliest"}
    consumer = AIOKafkaConsumer(*topics, bootstrap_servers=bootstrap, group_id=None, **reset)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        found: list[dict[str, Any]] = []
        while len(found) < sum(ends.values()):
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                found += [as_line(record) for record in batch]
        return sorted(found, key=lambda one: (one["topic"], one["partition"], one["offset"]))
    finally:
        await consumer.stop()


def as_line(record: Any) -> dict[str, Any]:
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "key": b64encode(record.key).decode(),
        "headers": [[name, value.decode()] for name, value in record.headers],
        "value": json.loads(record.value),
    }


async def story(home: Path, reached: dict[str, Any], folder: Path) -> None:
    stack = SimpleNamespace(home=home)
    supervisor = SimpleNamespace(address=lambda service: reached["grpc"][service])
    async with System(cast(Any, stack), cast(Any, supervisor)).open() as system:
        patients = await told(system)
    await quiet(admin_url(reached))
    (folder / "patients.json").write_text(json.dumps(patients, indent=2) + "\n")
    lines = [json.dumps(record, separators=(",", ":")) for record in await published(f"127.0.0.1:{reached['kafka']}")]
    (folder / "topics.jsonl.gz").write_bytes(packed("\n".join(lines).encode()))


UNDERSTOOD_BY_FEW = ("\\", "SET transaction_timeout")
"""Lines that only a newer server, or only psql, understands."""


def dump(url: str) -> bytes:
    """All schemas as they are, owners and grants with them; rows as plain statements."""
    options = ["--rows-per-insert=100", "--no-comments", *(f"--schema={service}" for service in SERVICES)]
    command = [str(find_binaries() / "pg_dump"), *options, url]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return "".join(line for line in text.splitlines(True) if not line.startswith(UNDERSTOOD_BY_FEW)).encode()


def packed(content: bytes) -> bytes:
    """The same bytes for the same content."""
    return gzip.compress(content, 9, mtime=0)


def main(checkout: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="careloop-record-", ignore_cleanup_errors=True) as made:
        home = Path(made) / "state"
        Path(made).chmod(0o711)
        with up(checkout, home) as reached:
            asyncio.run(story(home, reached, folder))
            (folder / "database.sql.gz").write_bytes(packed(dump(admin_url(reached))))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]))
