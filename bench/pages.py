"""docs/benchmarks.md: what was measured, against whom, what was reached, and what the figures do not say."""

import json
from collections.abc import Callable, Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any

from bench.results import OURS
from bench.tables import Told, number, spread, verdict
from bench.workers import ROOT

DOCS = ROOT / "docs"

_INTRODUCTION = """# Benchmarks

Ours and the systems that people would pick instead, in the same run, on the same PostgreSQL and the same Kafka.
This page is written by `make bench`; do not edit it. `uv run python -m bench.append --quick` measures one figure
alone, [ADR 15](adr/0015-how-we-measure.md) says how and why,
[where the time goes](where-the-time-goes.md) what falls short.

Read ratios, not absolutes: every figure is of the machine below. Each is the median of three runs, with the lowest
and the highest behind it. Every run checks its own data (what was acknowledged is stored once, in each patient's
order, unchanged; positions have no gaps); a run whose check fails gives no figure.
"""

_LIMITS = """## What these figures do not say

- **Every append figure rests on the disk.** How often this one makes a page durable in a second stands above. On a
  slower disk a single client loses most, and whoever gathers many commands into one write gains on everyone who
  does not.
- **UmaDB is the better choice for explicit batches and raw scans**: its own format is read and written without SQL.
  What we compare is one event a command with a conflict check, which is what a clinical command is.
- **The peers speak other languages.** Emmett runs on Node.js, Debezium on the JVM, UmaDB's server is Rust; clients
  of all but Emmett are Python, as ours. Each was given the number of threads or connections at which it was fastest
  here.
- **message-db takes a lock per category**; all patients are one category, as our log is one log. With patients
  spread over several categories it would append side by side, without one order over them.
- **Debezium only hands over**: its changes reach a function in its own process, while ours are on Kafka,
  acknowledged. Its start (seconds, for a JVM) is not counted, nor is ours.
- **The library's ProjectionRunner counts one number per patient**; our projection folds the whole care view and
  journals every event. The comparison is to our disadvantage.
- **One machine.** Clients, servers and broker share its cores, so a client that works costs the server; there is no
  network and no replica.
"""


def write_pages(results: Path, modules: Sequence[str], pictures: Callable[[Sequence[Told]], str]) -> None:
    """The page from what the modules left behind, complete or not; `pictures` draws and answers how they are shown."""
    reports = [_read(results / f"{name}.json") for name in modules if (results / f"{name}.json").exists()]
    failures = [_read(results / f"{name}.failed") for name in modules if (results / f"{name}.failed").exists()]
    parts = [
        _INTRODUCTION,
        _failures(failures),
        _targets(reports),
        pictures(reports),
        peers_that_win(reports),
        _everything(reports),
        _LIMITS,
        _missing(reports),
        _memory(reports),
        _settings(reports),
        _checks(reports),
    ]
    text = "\n".join(part.strip() + "\n" for part in parts if part)
    (DOCS / "benchmarks.md").write_text(text, encoding="utf-8")


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines_ = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines_, *("| " + " | ".join(row) + " |" for row in rows)])


def _failures(failures: Sequence[Told]) -> str:
    if not failures:
        return ""
    said = "\n".join(f"- **{each['benchmark']}**: {each['reason']}" for each in failures)
    return f"## Not measured in this run\n\n{said}"


def _targets(reports: Sequence[Told]) -> str:
    rows = [
        [row["figure"], spread(row["ours"]), _peer(row), _ratio(row), row["goal"], verdict(row)]
        for report in reports
        for row in report["rows"]
        if row["goal"]
    ]
    table = _table(["figure", "ours", "beside", "ratio", "target", "reached"], rows)
    return f"## Against the targets\n\n{table}"


def _peer(row: Told) -> str:
    return "" if row["peer"] is None else f"{row['peer']['who']}: {spread(row['peer'])}"


def _ratio(row: Told) -> str:
    return "" if row["ratio"] is None else f"**{number(row['ratio'])}**"


def peers_that_win(reports: Sequence[Told]) -> str:
    """In a row of the table, or where a peer did the same as we at the same setting."""
    rows = [row for report in reports for row in report["rows"] if row["ratio"] is not None and row["ratio"] < 1]
    won = {(row["figure"], row["peer"]["who"]): 1 / row["ratio"] for row in rows}
    for report in reports:
        ours = {each["name"]: each["median"] for each in report["figures"] if each["who"] == OURS}
        for each in report["figures"]:
            if each["median"] > ours.get(each["name"], inf):
                won[each["name"], each["who"]] = each["median"] / ours[each["name"]]
    said = [
        f"- {figure}: {who} is {number(times)} times ours"
        for (figure, who), times in won.items()
        if who not in ("alone", "no-op", "raw", "COPY OUT")
    ]
    return "\n".join(
        ["## Where a peer wins", "", *(said or ["In none of the figures; see below what they leave out."])]
    )


def _everything(reports: Sequence[Told]) -> str:
    parts = ["## Every figure"]
    for report in reports:
        rows = [[each["name"], each["who"], spread(each), _notes(each["notes"])] for each in report["figures"]]
        parts.append(f"### {report['title']}\n\n{_table(['what', 'who', 'median (lowest to highest)', ''], rows)}")
        parts += report["remarks"]
    return "\n\n".join(parts)


def _notes(notes: Mapping[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {number(value)}" for name, value in notes.items())


def _missing(reports: Sequence[Told]) -> str:
    said = [
        f"- {who} ({report['benchmark']}): {why}" for report in reports for who, why in report["unavailable"].items()
    ]
    return "## Peers that could not be measured here\n\n" + "\n".join(said) if said else ""


def _memory(reports: Sequence[Told]) -> str:
    rows = [
        [report["benchmark"], name, f"{value:,.0f}"]
        for report in reports
        for name, value in report["memory_mb"].items()
    ]
    return f"## Memory at the end of a run, MiB\n\n{_table(['module', 'process', 'MiB'], rows)}"


def _settings(reports: Sequence[Told]) -> str:
    settings: dict[str, str] = {}
    for report in reports:
        settings |= report["settings"]
    table = _table(["what", "value"], [list(each) for each in settings.items()])
    return f"## Versions and settings, the same for all\n\n{table}"


def _checks(reports: Sequence[Told]) -> str:
    rows = [[report["benchmark"], words, str(times)] for report in reports for words, times in report["checks"].items()]
    return f"## Checks that held\n\n{_table(['module', 'what', 'times'], rows)}"
