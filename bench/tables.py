"""A report as people read it in a terminal."""

from collections.abc import Mapping
from typing import Any

Told = Mapping[str, Any]


def number(value: float | None) -> str:
    """Three digits that matter, thousands apart."""
    if value is None:
        return "-"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:,.2f}"


def spread(figure: Told | None) -> str:
    """The median with the lowest and the highest run."""
    if figure is None:
        return "-"
    return f"{number(figure['median'])} ({number(figure['lowest'])} to {number(figure['highest'])}) {figure['unit']}"


def verdict(row: Told) -> str:
    """Whether the target was reached; where not, by how much it was missed."""
    if row["reached"] is None:
        return ""
    if row["stretch_reached"]:
        return "yes, and the stretch"
    if row["reached"]:
        return "yes"
    came_to = row["ratio"] if row["ratio"] is not None else row["ours"]["median"]
    part = came_to / row["target"] if row["better"] == "higher" or row["ratio"] is not None else row["target"] / came_to
    return f"no, {part:.0%} of it"


def as_text(report: Told) -> str:
    lines = [report["title"], ""]
    for row in report["rows"]:
        lines.append(row["figure"])
        lines.append(f"  ours    {spread(row['ours'])}")
        if row["peer"] is not None:
            lines.append(f"  {row['peer']['who']}  {spread(row['peer'])}")
            lines.append(f"  ratio   {number(row['ratio'])}")
        if row["goal"]:
            lines.append(f"  target  {row['goal']}: {verdict(row)}")
    lines += ["", "all figures (median, lowest to highest):"]
    lines += [f"  {each['who']:<28} {each['name']:<52} {spread(each)}{_notes(each)}" for each in report["figures"]]
    lines += ["", *(f"  {name}: {value}" for name, value in report["settings"].items())]
    lines += [f"  memory of {name}: {value:,.0f} MiB" for name, value in report["memory_mb"].items()]
    lines += [f"  checked: {words} ({times} times)" for words, times in report["checks"].items()]
    lines += [f"  NOT MEASURED: {who}: {reason}" for who, reason in report["unavailable"].items()]
    lines += [f"  {remark}" for remark in report["remarks"]]
    return "\n".join(lines)


def _notes(figure: Told) -> str:
    wanted = {key: value for key, value in figure["notes"].items() if key in ("p50_ms", "p99_ms")}
    return "".join(f"  {key.removesuffix('_ms')} {number(value)} ms" for key, value in wanted.items())
