"""Whole commands, from loading the patient's stream to the acknowledged append, beside a stock Application."""

import sys
from dataclasses import replace
from functools import partial
from urllib.parse import urlsplit

from bench import peering
from bench.appending import Load
from bench.checks import check_answers, check_log
from bench.harness import Bench, Sample, main
from bench.results import OURS, Figure, Row
from bench.workers import measured_together, ours

TITLE = "Whole commands: load, decide, encode, append"
UNIT = "commands/s"
PATIENTS = 20_000
LIBRARY_PATIENTS = 1_000
"""So few that its streams are as long as ours in the same time."""


async def measure(bench: Bench) -> None:
    seconds, warm_up = (1.5, 0.5) if bench.quick else (4.0, 1.0)
    single = Load(waiting=1, seconds=seconds, warm_up=warm_up)
    figures = [
        await _ours(bench, replace(single, waiting=waiting)) for waiting in ((256,) if bench.quick else (1, 64, 256))
    ]
    library = [
        await _library(bench, replace(single, waiting=threads)) for threads in ((1,) if bench.quick else (1, 4, 16))
    ]
    best = max((each for each in library if each is not None), key=lambda figure: figure.median, default=None)
    goal = ">= 20x a stock Application (stretch 50x)"
    bench.report.rows.append(
        Row(figure="whole command, 256 waiting", ours=figures[-1], peer=best, target=20.0, stretch=50.0, goal=goal)
        if best is not None
        else Row(figure="whole command, 256 waiting", ours=figures[-1])
    )


async def _ours(bench: Bench, load: Load) -> Figure:
    name = f"whole command, {load.waiting} waiting"
    return await bench.repeated(name, OURS, UNIT, partial(commands_ours, bench, load))


async def _library(bench: Bench, load: Load) -> Figure | None:
    who, name = "eventsourcing", f"whole command, {load.waiting} threads"
    return await bench.peer(who, lambda: bench.repeated(name, who, UNIT, partial(commands_library, bench, load)))


async def commands_ours(bench: Bench, load: Load) -> Sample:
    async with bench.servers.database() as database:
        spec = load.spec(dsn=database.dsn_of("assessment"), schema="assessment") | {"patients": PATIENTS}
        answers = await measured_together([(ours("bench.loads.command"), spec)], within=load.seconds + 60)
        await check_log(database, "careloop", check_answers("careloop", answers))
    return _sample(bench, OURS, answers)


async def commands_library(bench: Bench, load: Load) -> Sample:
    async with bench.servers.database(schemas=False) as database:
        spec = load.spec(database=database.name, port=urlsplit(bench.servers.stack.admin_url).port)
        spec["patients"] = LIBRARY_PATIENTS
        command = peering.python("eventsourcing_command")
        answers = await measured_together([(command, spec)], within=load.seconds + 60)
        await check_log(database, "eventsourcing application", check_answers("eventsourcing", answers))
    return _sample(bench, "eventsourcing", answers)


def _sample(bench: Bench, who: str, answers: list[dict[str, float]]) -> Sample:
    bench.report.checked("each command's event stored once, decided on the newest state, in order; stale ones refused")
    bench.report.memory_mb[f"{who} (commanding process)"] = answers[0]["memory_mb"]
    return {"value": answers[0]["per_second"], "p50_ms": answers[0]["p50_ms"], "p99_ms": answers[0]["p99_ms"]}


if __name__ == "__main__":
    sys.exit(main("command", TITLE, measure))
