"""A unary write through gRPC beside a call that does nothing, in the same server process with the same guard.

The server has one core for itself; client and PostgreSQL have the others.
"""

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from bench.appending import Load
from bench.filling import enroll
from bench.harness import Bench, Sample, main
from bench.protocol import memory_mb
from bench.results import OURS, Row, require
from bench.servers import Database, connected, free_port
from bench.topics import fresh_topics
from bench.wiring import credentials, process, service_spec
from bench.workers import measured_together, ours
from careloop.contracts.terms import Role

TITLE = "A unary write through gRPC, on one core"
UNIT = "calls/s"
PATIENTS = 5_000
SERVICE = "services.assessment"
NOOP = "bench.loads.noop_service"

_CHECK = """
    select count(*) stored, count(distinct command_id) commands, coalesce(max(notification_id), 0) head,
        count(*) filter (where nth <> originator_version) gaps
    from (select e.*, row_number() over (partition by originator_id order by originator_version) nth
        from assessment.events e) numbered"""


async def measure(bench: Bench) -> None:
    seconds, warm_up = (2.0, 1.0) if bench.quick else (5.0, 2.0)
    _leave_one_core(bench)
    await bench.servers.start_kafka()
    for waiting in (64,) if bench.quick else (1, 64):
        load = Load(waiting=waiting, seconds=seconds, warm_up=warm_up)
        noop = await bench.repeated(f"no-op call, {waiting} waiting", "no-op", UNIT, partial(calls, bench, load, NOOP))
        write = await bench.repeated(f"write, {waiting} waiting", OURS, UNIT, partial(calls, bench, load, SERVICE))
    goal = ">= 60 % of a no-op call (stretch 80 %)"
    bench.report.rows.append(
        Row(figure="unary write through gRPC, 64 waiting", ours=write, peer=noop, target=0.6, stretch=0.8, goal=goal)
    )
    bench.report.remarks.append("Policy, token check, deadline, record of the call and metrics are on in both.")


def _leave_one_core(bench: Bench) -> None:
    """PostgreSQL goes where the server is not; its later processes go with it."""
    for child in bench.servers.stack.children:
        for pid in (child.pid, *_children(child.pid)):
            os.sched_setaffinity(pid, _others())


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def _cores() -> Sequence[int]:
    return sorted(os.sched_getaffinity(0))


def _others() -> Sequence[int]:
    return _cores()[1:] or _cores()


async def calls(bench: Bench, load: Load, module: str) -> Sample:
    await fresh_topics(bench.servers)
    async with bench.servers.database() as database:
        await enroll(database, PATIENTS)
        spec = service_spec(bench.servers, database, "assessment") | {"grpc_port": free_port()}
        async with process(bench.servers, spec, ours(module)) as server:
            os.sched_setaffinity(server.pid, _cores()[:1])
            told = load.spec(
                address=f"127.0.0.1:{spec['grpc_port']}",
                metadata=credentials(bench.servers, Role.PSYCHIATRIST, datetime.now(UTC)),
                cores=list(_others()),
            ) | {"patients": PATIENTS}
            (answer,) = await measured_together([(ours("bench.loads.grpc_calls"), told)], within=load.seconds + 60)
            if module == SERVICE:
                bench.report.memory_mb["careloop (assessment process)"] = memory_mb(server.pid)
        await _check(bench, database, answer["acknowledged"] if module == SERVICE else 0)
    return {"value": answer["per_second"], "p50_ms": answer["p50_ms"], "p99_ms": answer["p99_ms"]}


async def _check(bench: Bench, database: Database, acknowledged: int) -> None:
    async with connected(database.dsn) as server:
        found = dict(await server.fetchrow(_CHECK))
    same = acknowledged + PATIENTS == found["stored"] == found["commands"] == found["head"]
    require(same, f"grpc: {acknowledged} answered, {found['stored']} stored for {found['commands']} commands")
    require(found["gaps"] == 0, f"grpc: {found['gaps']} gaps in versions")
    bench.report.checked("each answered call stored once, versions and positions without gaps")


if __name__ == "__main__":
    sys.exit(main("grpc", TITLE, measure))
