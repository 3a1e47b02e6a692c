"""Programs that read everything while we append: PostgreSQL's own backups and a replay of the journal, each as fast as
it comes and at a rate that leaves the store room."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from subprocess import DEVNULL, PIPE
from urllib.parse import urlsplit

from bench.harness import Bench
from bench.journals import fill_journal
from bench.results import require
from bench.servers import Database, free_port
from bench.topics import fresh_topics
from bench.wiring import credentials, process, service_spec
from bench.workers import ours
from careloop.contracts.terms import Role
from careloop.local.postgres_server import find_binaries

BACKUP_MIB_PER_SECOND = 16
REPLAYED_PER_SECOND = 50_000
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A program that reads all there is, again and again, as long as the block of `reading` lasts."""

    name: str
    reading: Callable[[], AbstractAsyncContextManager[None]]
    at_a_rate: bool = False


def backups(bench: Bench, database: Database) -> Sequence[Reader]:
    """pg_dump is held back by whoever reads what it writes; pg_basebackup by its own setting."""
    binaries, port = find_binaries(), urlsplit(bench.servers.stack.admin_url).port
    dump = [str(binaries / "pg_dump"), "--format=custom", "--compress=0", database.dsn]
    base = [str(binaries / "pg_basebackup"), "-h", "127.0.0.1", "-p", str(port), "-U", "postgres"]
    base += ["-D", "-", "-F", "tar", "-X", "none", "-c", "fast"]
    rate = f"{BACKUP_MIB_PER_SECOND} MiB/s"
    slow_base = [*base, f"--max-rate={BACKUP_MIB_PER_SECOND}M"]
    return (
        Reader(name="pg_dump", reading=partial(repeating, [*dump, "--no-sync", "--file=/dev/null"])),
        Reader(
            name=f"pg_dump, read at {rate}",
            reading=partial(repeating, dump, read_per_second=BACKUP_MIB_PER_SECOND * MIB),
            at_a_rate=True,
        ),
        Reader(name="pg_basebackup", reading=partial(repeating, base)),
        Reader(name=f"pg_basebackup at {rate}", reading=partial(repeating, slow_base), at_a_rate=True),
    )


@asynccontextmanager
async def replays(bench: Bench, database: Database, entries: int) -> AsyncIterator[Sequence[Reader]]:
    """`careloop replay` of so many entries, from a coordination service of its own on the same PostgreSQL."""
    await fill_journal(database, entries, entries // 20)
    await bench.servers.start_kafka()
    await fresh_topics(bench.servers)
    spec = service_spec(bench.servers, database, "coordination") | {"grpc_port": free_port()}
    async with process(bench.servers, spec, ours("services.coordination")):
        ((_, bearer),) = credentials(bench.servers, Role.ANALYST, datetime.now(UTC))
        command = [
            *ours("careloop.cli.main"),
            "replay",
            "--count",
            f"--address=coordination=127.0.0.1:{spec['grpc_port']}",
        ]
        command.append(f"--token={bearer.removeprefix('Bearer ')}")
        yield (
            Reader(name="a replay of everything", reading=partial(repeating, command)),
            Reader(
                name=f"a replay at {REPLAYED_PER_SECOND:,} entries/s",
                reading=partial(repeating, [*command, f"--rate={REPLAYED_PER_SECOND}"]),
                at_a_rate=True,
            ),
        )


@asynccontextmanager
async def repeating(command: Sequence[str], *, read_per_second: int | None = None) -> AsyncIterator[None]:
    """The program again and again, its output thrown away, or read at so many bytes a second. Raises CheckFailed when
    it fails."""

    async def run() -> None:
        while True:
            output = DEVNULL if read_per_second is None else PIPE
            process = await asyncio.create_subprocess_exec(
                *command, stdin=DEVNULL, stdout=output, stderr=PIPE, limit=MIB
            )
            try:
                if process.stdout is not None and read_per_second is not None:
                    await _drained(process.stdout, read_per_second)
                _, words = await process.communicate()
                reason = words.decode(errors="replace").strip()[-300:]
                require(process.returncode == 0, f"{command[0]}: {reason}")
            except asyncio.CancelledError:
                process.kill()
                await process.communicate()  # who waits for its end without reading waits for ever
                raise

    task = asyncio.create_task(run())
    try:
        yield
    finally:
        if task.done():
            task.result()
        task.cancel()
        await asyncio.wait([task])


async def _drained(output: asyncio.StreamReader, per_second: int) -> None:
    began, read = time.monotonic(), 0
    while content := await output.read(MIB):
        read += len(content)
        await asyncio.sleep(began + read / per_second - time.monotonic())
