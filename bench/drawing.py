"""Plots as SVG that reads the same on a light and a dark page, and is the same file for the same figures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

from bench.results import OURS
from bench.tables import Told, number
from bench.workers import ROOT

mpl.use("svg")

from matplotlib import pyplot as plt

PLOTS = ROOT / "docs" / "benchmarks"
INK, OUR_COLOUR = "#57606a", "#0b7285"
COLOURS = ("#c2552d", "#7048a8", "#8a6d00", "#4c6b2f", "#9c2f5c")
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "careloop",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": "#8c959f55",
}


def pictures(reports: Sequence[Told]) -> str:
    """Draw what was measured into docs/benchmarks; the section of the page that shows it."""
    PLOTS.mkdir(exist_ok=True)
    shown = []
    ratios = [(f"{row['figure']} / {row['peer']['who']}", row["ratio"], row["target"]) for row in _with_target(reports)]
    if ratios:
        bars(PLOTS / "ratios.svg", "How many times the peer (the mark is the target)", ratios)
        shown.append("![Ratios to the peers, with the targets](benchmarks/ratios.svg)")
    for report in reports:
        for plot in report["plots"]:
            lines(PLOTS / f"{plot['name']}.svg", plot)
            shown.append(f"![{plot['title']}](benchmarks/{plot['name']}.svg)")
    return "## Pictures\n\n" + "\n\n".join(shown) if shown else ""


def _with_target(reports: Sequence[Told]) -> list[Told]:
    rows = [row for report in reports for row in report["rows"]]
    return [row for row in rows if row["peer"] is not None and row["target"] is not None and row["target"] > 1]


def bars(file: Path, title: str, ratios: Sequence[tuple[str, float, float]]) -> None:
    """One bar a row: its ratio, and a mark where the target is."""
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8.5, 0.9 + 0.42 * len(ratios)))
        places = range(len(ratios))
        axes.barh(places, [ratio for _, ratio, _ in ratios], color=OUR_COLOUR, height=0.55)
        for place, (_, ratio, target) in zip(places, ratios, strict=True):
            axes.plot([target, target], [place - 0.38, place + 0.38], color=COLOURS[0], linewidth=2.5)
            axes.annotate(f"{number(ratio)}x", (ratio, place), xytext=(5, 0), textcoords="offset points", va="center")
        axes.set_yticks(places, [name for name, _, _ in ratios])
        axes.invert_yaxis()
        axes.set_xscale("log")
        axes.margins(x=0.15)
        axes.axvline(1, color=INK, linewidth=0.8)
        axes.set_title(title, loc="left")
        axes.grid(axis="x")
        axes.set_axisbelow(True)
        _save(figure, file)


def lines(file: Path, plot: Told) -> None:
    """Curves over a logarithmic axis, each named at its end."""
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8.5, 4.2))
        others = iter(COLOURS)
        for curve in plot["curves"]:
            colour = OUR_COLOUR if curve["label"] == OURS else next(others)
            xs, ys = zip(*curve["points"], strict=True)
            axes.plot(xs, ys, marker="o", color=colour, linewidth=2.4 if curve["label"] == OURS else 1.6)
            axes.annotate(
                curve["label"], (xs[-1], ys[-1]), xytext=(7, 0), textcoords="offset points", va="center", color=colour
            )
        axes.set_xscale("log")
        if len(plot["curves"]) > 1:
            axes.set_yscale("log")
        else:
            axes.set_ylim(bottom=0)
        places = sorted({x for curve in plot["curves"] for x, _ in curve["points"]})
        axes.set_xticks(places, [f"{place:,.0f}" for place in places])
        axes.minorticks_off()
        axes.margins(x=0.14)
        axes.set_xlabel(plot["x"])
        axes.set_ylabel(plot["y"])
        axes.yaxis.set_major_formatter(lambda value, _place: f"{value:,.0f}")
        axes.set_title(plot["title"], loc="left")
        axes.grid(axis="y")
        _save(figure, file)


def _save(figure: Any, file: Path) -> None:
    figure.tight_layout()
    figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    plt.close(figure)
