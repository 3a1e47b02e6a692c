"""PostgreSQL's own pgbench, inserting one row a transaction into a table of the log's form, from one connection."""

import asyncio
import re
import subprocess
from tempfile import NamedTemporaryFile

from bench.appending import RAW_TABLE
from bench.harness import Bench, Sample
from bench.results import require
from bench.servers import connected
from bench.workload import TEXT, TOPIC
from careloop.local.postgres_server import find_binaries

SCRIPT = f"""
insert into raw_events (originator_id, originator_version, topic, state, notification_id, event_id, occurred_at,
    recorded_at, correlation_id, actor, command_id)
values (gen_random_uuid(), 1, '{TOPIC}', convert_to('{TEXT}', 'UTF8'), nextval('raw_position'), gen_random_uuid(),
    now(), clock_timestamp(), gen_random_uuid(), 'nurse.adams', gen_random_uuid()::text);
"""


async def single_insert(bench: Bench, seconds: float) -> Sample:
    """Raw inserts per second of one client with prepared statements."""
    async with bench.servers.database() as database:
        async with connected(database.dsn) as server:
            await server.execute(f"{RAW_TABLE}; create sequence raw_position")
        done = await asyncio.to_thread(_pgbench, database.dsn, seconds)
        async with connected(database.dsn) as server:
            stored = await server.fetchval("select count(*) from raw_events")
    require(stored == done["processed"], f"pgbench: {done['processed']} processed, {stored} stored")
    return {"value": done["tps"]}


def _pgbench(dsn: str, seconds: float) -> dict[str, float]:
    with NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(SCRIPT)
        script.flush()
        command = [str(find_binaries() / "pgbench"), "-n", "-M", "prepared", "-c", "1", "-T", str(max(1, int(seconds)))]
        shown = subprocess.run([*command, "-f", script.name, dsn], capture_output=True, text=True, check=True)
    processed = re.search(r"actually processed: (\d+)", shown.stdout)
    tps = re.search(r"tps = ([\d.]+)", shown.stdout)
    assert processed is not None
    assert tps is not None
    return {"processed": float(processed[1]), "tps": float(tps[1])}
