"""Reading the whole journal through gRPC, every frame checked, beside PostgreSQL's COPY of the same table."""

import sys
from datetime import UTC, datetime

from bench.harness import Bench, Sample, main
from bench.journals import fill_journal
from bench.protocol import Spec
from bench.results import OURS, Row, require
from bench.servers import free_port
from bench.topics import fresh_topics
from bench.wiring import credentials, process, service_spec
from bench.workers import measured_together, ours
from careloop.contracts.terms import Role

TITLE = "Replay: the whole journal read"
UNIT = "events/s"
WITHIN = 300.0
READER = "bench.loads.journal_readers"


async def measure(bench: Bench) -> None:
    entries = 100_000 if bench.quick else 1_000_000
    await fresh_topics(bench.servers)
    async with bench.servers.database() as database:
        await fill_journal(database, entries, entries // 20)
        spec = service_spec(bench.servers, database, "coordination") | {"grpc_port": free_port()}
        async with process(bench.servers, spec, ours("services.coordination")):

            async def replayed() -> Sample:
                metadata = credentials(bench.servers, Role.ANALYST, datetime.now(UTC))
                address = f"127.0.0.1:{spec['grpc_port']}"
                return await _read(bench, entries, {"address": address, "metadata": metadata})

            async def copied() -> Sample:
                return await _read(bench, entries, {"dsn": database.dsn})

            name = f"{entries:,} journal entries"
            copy = await bench.repeated(name, "COPY OUT", UNIT, copied)
            replay = await bench.repeated(name, OURS, UNIT, replayed)
    bench.report.rows.append(Row(figure="replay read", ours=replay, target=800_000, goal=">= 0.8M events/s"))
    bench.report.rows.append(
        Row(figure="replay read", ours=replay, peer=copy, stretch=0.9, goal="stretch: 90 % of COPY OUT")
    )


async def _read(bench: Bench, entries: int, spec: Spec) -> Sample:
    (answer,) = await measured_together([(ours(READER), spec)], within=WITHIN)
    require(answer["entries"] == entries, f"replay: {answer['entries']} of {entries} entries came")
    bench.report.checked("all entries read, contiguity checked by the reader")
    bench.report.memory_mb["careloop (replaying client)"] = answer["memory_mb"]
    return {"value": answer["per_second"], "mb_per_second": answer["mb_per_second"]}


if __name__ == "__main__":
    sys.exit(main("replay", TITLE, measure))
