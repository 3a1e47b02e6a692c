"""One run of appends, ours or a peer's, on a database of its own, with its data checked afterwards."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from bench import peering
from bench.checks import check_answers, check_log
from bench.harness import Bench, Sample
from bench.message_db import install_message_db
from bench.protocol import Spec
from bench.results import require
from bench.servers import Database, connected, free_port
from bench.workers import Worker, measured_together, ours
from bench.workload import PATIENTS, TEXT, TOPIC, chosen, patient

MESSAGE_DB_CONNECTIONS = 8
EMMETT_CONNECTIONS = 32
"""The best of 4, 8, 16, 32 and 64 connections for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """So many clients waiting at any moment, spread over so many processes, for so long."""

    waiting: int
    processes: int = 1
    skew: str = "uniform"
    patients: int = PATIENTS
    seconds: float = 4.0
    warm_up: float = 1.0

    @property
    def words(self) -> str:
        processes = f", {self.processes} processes" if self.processes > 1 else ""
        skewed = ", Zipf patients" if self.skew == "zipf" else ""
        return f"append, {self.waiting} waiting{processes}{skewed}"

    def spec(self, worker: int = 0, **more: Any) -> Spec:
        return {
            "worker": worker,
            "waiting": self.waiting // self.processes,
            "seconds": self.seconds,
            "warm_up": self.warm_up,
            "skew": self.skew,
            "patients": self.patients,
            **more,
        }


async def append_ours(bench: Bench, load: Load) -> Sample:
    async with bench.servers.database() as database:
        answers = await run_ours(database, load)
        await check_log(database, "careloop", check_answers("careloop", answers))
        bench.report.memory_mb["careloop (appending process)"] = answers[0]["memory_mb"]
    return _sample(bench, answers)


async def run_ours(database: Database, load: Load, *, first_worker: int = 0) -> list[dict[str, Any]]:
    """Our appends to a database; the answers of the processes. Workers of other numbers write of other patients."""
    dsn = database.dsn_of("assessment")
    workers = range(first_worker, first_worker + load.processes)
    specs = [load.spec(worker, dsn=dsn, schema="assessment") for worker in workers]
    return await measured_together([(ours("bench.loads.append"), spec) for spec in specs], within=load.seconds + 60)


async def append_library(bench: Bench, load: Load) -> Sample:
    """As many threads as wait: what it takes at once it does one after the other, under a lock."""
    spec = {"port": urlsplit(bench.servers.stack.admin_url).port}
    return await _peer(bench, load, "eventsourcing", peering.python("eventsourcing_append"), spec)


async def append_message_db(bench: Bench, load: Load) -> Sample:
    spec = {"connections": MESSAGE_DB_CONNECTIONS}
    return await _peer(bench, load, "message-db", ours("bench.loads.message_db_append"), spec)


async def append_emmett(bench: Bench, load: Load) -> Sample:
    clients = range(load.waiting)
    streams = [
        [str(patient(0, number)) for number in islice(chosen(PATIENTS, client, load.waiting, load.skew), 500)]
        for client in clients
    ]
    spec = {"connections": EMMETT_CONNECTIONS, "streams": streams, "topic": TOPIC, "text": TEXT}
    return await _peer(bench, load, "emmett", peering.node("emmett_append.mjs"), spec)


async def _peer(bench: Bench, load: Load, who: str, command: Sequence[str], spec: Spec) -> Sample:
    async with bench.servers.database(schemas=False) as database:
        if who == "message-db":
            await install_message_db(database)
        told = load.spec(**{"dsn": database.dsn, "database": database.name, **spec})
        answers = await measured_together([(command, told)], within=load.seconds + 60)
        await check_log(database, who, check_answers(who, answers))
        bench.report.memory_mb[who] = answers[0]["memory_mb"]
    return _sample(bench, answers)


async def append_umadb(bench: Bench, load: Load) -> Sample:
    async with umadb() as url:
        spec = load.spec(url=url)
        answers = await measured_together([(peering.python("umadb_append"), spec)], within=load.seconds + 60)
    acknowledged = check_answers("umadb", answers)
    require(answers[0]["stored"] == acknowledged, f"umadb: {acknowledged} acknowledged, {answers[0]['stored']} stored")
    require(answers[0]["broken"] == 0, f"umadb: {answers[0]['broken']} events out of place or changed")
    return _sample(bench, answers)


@asynccontextmanager
async def umadb() -> AsyncIterator[str]:
    """UmaDB's own server on a new folder; its address."""
    with TemporaryDirectory(prefix="careloop-bench-umadb-") as folder:
        listen = f"127.0.0.1:{free_port()}"
        spec = {"listen": listen, "folder": str(Path(folder) / "uma.db")}
        async with Worker(peering.python("umadb_server"), spec) as server:
            await server.ready()
            yield f"http://{listen}"


RAW_TABLE = "create table raw_events (like assessment.events including all)"


async def append_raw(bench: Bench, load: Load) -> Sample:
    """Batches of as many rows as would wait, with nothing around them."""
    async with bench.servers.database() as database:
        async with connected(database.dsn) as server:
            await server.execute(RAW_TABLE)
        command = ours("bench.loads.raw_append")
        answers = await measured_together([(command, load.spec(dsn=database.dsn))], within=load.seconds + 60)
        await check_log(database, "raw", check_answers("raw", answers))
    return _sample(bench, answers)


def _sample(bench: Bench, answers: list[dict[str, Any]]) -> Sample:
    bench.report.checked("each acknowledged event stored once, in its patient's order, unchanged; stale ones refused")
    return {
        "value": sum(one["per_second"] for one in answers),
        "p50_ms": max(one["p50_ms"] for one in answers),
        "p99_ms": max(one["p99_ms"] for one in answers),
    }
