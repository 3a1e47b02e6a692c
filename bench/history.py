"""Is one more fact of a long history dearer than one of a short one? The care view, one patient, a fact a unit."""

import sys
from statistics import median

from bench.harness import Bench, main
from bench.results import OURS, Curve, Figure, Plot, Row, require
from bench.workers import measured_together, ours

TITLE = "One patient's long history: one more fact of the care view"
WITHIN = 240.0
FIGURES = {
    "wal_bytes": ("WAL of one more fact", "bytes"),
    "processor_us": ("processor of coordination for one more fact", "us"),
    "view_ms": ("reading the patient's sections", "ms"),
    "as_known_ms": ("reading them as known now", "ms"),
}


async def measure(bench: Bench) -> None:
    sizes = (100, 1_000) if bench.quick else (30, 100, 1_000, 5_000, 20_000)
    runs = [await _grown(bench, sizes) for _ in range(1 if bench.quick else bench.repeats)]
    for name, (words, unit) in FIGURES.items():
        figures = {}
        for n, size in enumerate(sizes):
            values = tuple(float(one[n][name]) for one in runs)
            bench.say(f"{words} after {size:,} facts: {median(values):,.1f} {unit}")
            figures[size] = Figure(name=f"{words}, after {size:,} facts", who=OURS, unit=unit, runs=values)
        bench.report.figures += figures.values()
        _row(bench, words, figures[100], figures[sizes[-1]], sizes[-1], flat=name in ("wal_bytes", "processor_us"))
        points = tuple((float(size), figure.median) for size, figure in figures.items())
        bench.report.plots.append(
            Plot(name=name, title=words, x="facts before", y=unit, curves=(Curve(label=OURS, points=points),))
        )


def _row(bench: Bench, words: str, short: Figure, long: Figure, size: int, *, flat: bool) -> None:
    """The long history beside the short one, as if that were a peer."""
    bench.report.rows.append(
        Row(
            figure=f"{words}: after {size:,} facts, beside after 100",
            ours=long,
            peer=short,
            better="lower",
            target=1 / 1.5 if flat else None,
            goal="<= 1.5x of what it costs after 100 facts" if flat else "",
        )
    )


async def _grown(bench: Bench, sizes: tuple[int, ...]) -> list[dict[str, float]]:
    async with bench.servers.database() as database:
        told = {"dsn": database.dsn_of("coordination"), "sizes": sizes}
        (answer,) = await measured_together([(ours("bench.loads.history"), told)], within=WITHIN)
    require(answer["shown"] == answer["facts"], f"history: {answer['shown']} of {answer['facts']} facts are shown")
    bench.report.checked("every fact of the patient is shown")
    found: list[dict[str, float]] = answer["found"]
    return found


if __name__ == "__main__":
    sys.exit(main("history", TITLE, measure))
