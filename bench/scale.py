"""Does it slow down? Appending and tailing as the log grows, and appending while others read all of it."""

import itertools
import sys
import time

from bench.appending import Load, run_ours
from bench.beside import Reader, backups, replays
from bench.checks import check_answers, check_log
from bench.filling import fill_assessment
from bench.harness import Bench, Sample, main
from bench.results import OURS, Curve, Figure, Plot, Row, require
from bench.servers import Database
from careloop.chassis.log.postgres import PostgresEventStore

TITLE = "Growth: append and tail with a full log, and beside a replay and a backup"
COMMANDS, EVENTS = "commands/s", "events/s"
PAGE, PAGES = 2_000, 40


class Grown:
    """A database with a full log, to which runs append one after the other."""

    def __init__(self, bench: Bench, database: Database, stored: int, load: Load) -> None:
        self._bench = bench
        self.database = database
        self._stored = stored
        self._load = load
        self._runs = itertools.count(1)
        self._appended = 0

    async def append(self) -> Sample:
        answers = await run_ours(self.database, self._load, first_worker=next(self._runs))
        self._appended += check_answers(OURS, answers)
        await check_log(self.database, OURS, self._appended, before=self._stored)
        self._bench.report.checked("each acknowledged event stored once, in order, unchanged, beyond the full log")
        return {"value": answers[0]["per_second"], "p99_ms": answers[0]["p99_ms"]}

    async def tail(self) -> Sample:
        """Pages at the log's end, as a relay or a follower reads them."""
        async with PostgresEventStore.open(self.database.dsn_of("assessment"), "assessment") as store:
            head = (await store.head()).position
            began = time.monotonic()
            for _ in range(PAGES):
                page = await store.after(head - PAGE, PAGE)
                require(
                    page[-1].meta.position == head and len(page) == PAGE, "scale: the log's end is not where it was"
                )
            return {"value": PAGES * PAGE / (time.monotonic() - began)}


async def measure(bench: Bench) -> None:
    load = Load(waiting=64, seconds=1.5, warm_up=0.5) if bench.quick else Load(waiting=64, seconds=4.0)
    sizes = (10_000, 100_000) if bench.quick else (100_000, 1_000_000, 5_000_000)
    appends: dict[int, Figure] = {}
    tails: dict[int, Figure] = {}
    for size in sizes:
        async with bench.servers.database() as database:
            bench.say(f"filling {size:,} events")
            await fill_assessment(database, size, max(100, size // 20), commands=True)
            grown = Grown(bench, database, size, load)
            appends[size] = await bench.repeated(f"append, 64 waiting, {size:,} stored", OURS, COMMANDS, grown.append)
            tails[size] = await bench.repeated(f"tail, {size:,} stored", OURS, EVENTS, grown.tail)
            if size == sizes[1]:
                await _disturbed(bench, grown, size)
    _compare(bench, f"append at {sizes[-1]:,} stored", appends[sizes[-1]], appends[sizes[0]])
    _compare(bench, f"tail at {sizes[-1]:,} stored", tails[sizes[-1]], tails[sizes[0]])
    for name, unit, figures in (("append", COMMANDS, appends), ("tail", EVENTS, tails)):
        points = tuple((float(size), figure.median) for size, figure in figures.items())
        plot = Plot(
            name=f"{name}-growth",
            title=f"{name.capitalize()} as the log grows",
            x="events stored",
            y=unit,
            curves=(Curve(label=OURS, points=points),),
        )
        bench.report.plots.append(plot)


async def _disturbed(bench: Bench, grown: Grown, entries: int) -> None:
    """The promise is about readers at a rate; those without one show what they take when nothing holds them back."""
    for reader in backups(bench, grown.database):
        await _beside(bench, grown, reader)
    async with replays(bench, grown.database, entries) as readers:
        for reader in readers:
            await _beside(bench, grown, reader)


async def _beside(bench: Bench, grown: Grown, reader: Reader) -> None:
    """Compared with the append just before, beside what the reader needs, such as an idle coordination service."""
    if reader.at_a_rate:
        name = f"append, 64 waiting, before {reader.name}"
        before = await bench.repeated(name, OURS, COMMANDS, grown.append)
    async with reader.reading():
        figure = await bench.repeated(f"append, 64 waiting, beside {reader.name}", OURS, COMMANDS, grown.append)
    if reader.at_a_rate:
        _compare(bench, f"append beside {reader.name}", figure, before)


def _compare(bench: Bench, name: str, figure: Figure, alone: Figure) -> None:
    told = Figure(name=alone.name, who="alone", unit=alone.unit, runs=alone.runs)
    bench.report.rows.append(Row(figure=name, ours=figure, peer=told, target=0.8, goal="at most 20 % slower"))


if __name__ == "__main__":
    sys.exit(main("scale", TITLE, measure))
