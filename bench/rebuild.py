"""The care view made anew from the journal while it is read."""

import asyncio
import os
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from bench.harness import Bench, Sample, main
from bench.journals import fill_journal
from bench.protocol import Spec
from bench.results import OURS, Row, require
from bench.servers import Database, connected
from bench.wiring import service_spec
from bench.workers import WorkerFailed
from services.coordination.rebuilding.process import Rebuilds
from services.coordination.rebuilding.terms import Mode, RebuildOutcome, RebuildRequest

TITLE = "Rebuild of the care view while it is read"
UNIT = "events/s"
READS_A_SECOND = 200
READ = """select count(*) from coordination.sections s
    where s.slot = (select active from coordination.view_slots) and s.patient_id = $1"""


async def measure(bench: Bench) -> None:
    entries = 50_000 if bench.quick else 500_000
    patients = entries // 20
    await bench.servers.start_kafka()
    async with bench.servers.database() as database:
        await fill_journal(database, entries, patients)
        spec = service_spec(bench.servers, database, "coordination")
        # The first makes the view that the others are compared with.
        await _rebuilt(spec, accept=True)

        async def run() -> Sample:
            async with reading(database, patients) as reads:
                began = time.monotonic()
                outcome = await _rebuilt(spec, accept=False)
                seconds = time.monotonic() - began
            require(outcome.turned and outcome.through == entries, "rebuild: it did not turn at the journal's end")
            require(outcome.comparison.different == 0, f"rebuild: {outcome.comparison.different} rows differ")
            require(reads["missed"] == 0, f"rebuild: {reads['missed']} of {reads['done']} reads found nothing")
            bench.report.checked("the new view equals the live one row by row; reads never stopped")
            return {"value": entries / seconds, "reads_per_second": reads["done"] / seconds}

        figure = await bench.repeated(f"{entries:,} entries of {patients:,} patients", OURS, UNIT, run)
    goal = ">= 200k events/s (stretch 500k)"
    bench.report.rows.append(
        Row(figure="rebuild while serving", ours=figure, target=200_000, stretch=500_000, goal=goal)
    )
    bench.report.remarks.append("The whole of it: filling, comparing every row with the live view, turning.")


async def _rebuilt(spec: Spec, *, accept: bool) -> RebuildOutcome:
    environment = {f"CARELOOP_{name.upper()}": str(value) for name, value in spec.items()}
    rebuilds = Rebuilds({**os.environ, **environment})
    asked = RebuildRequest(mode=Mode.TURN, workers=0, accept_differences=accept)
    async for told in rebuilds.run(asked):
        if isinstance(told, RebuildOutcome):
            return told
    raise WorkerFailed("the rebuild told of no outcome")


@asynccontextmanager
async def reading(database: Database, patients: int) -> AsyncIterator[dict[str, int]]:
    """Somebody reads single patients all the while."""
    reads = {"done": 0, "missed": 0}

    async def read() -> None:
        async with connected(database.dsn_of("coordination")) as server:
            while True:
                who = UUID(f"00000000-0000-4000-8000-{random.randint(1, patients):012x}")  # noqa: S311
                reads["missed"] += not await server.fetchval(READ, who)
                reads["done"] += 1
                await asyncio.sleep(1 / READS_A_SECOND)

    task = asyncio.create_task(read())
    try:
        yield reads
    finally:
        if task.done():
            task.result()
        task.cancel()


if __name__ == "__main__":
    sys.exit(main("rebuild", TITLE, measure))
