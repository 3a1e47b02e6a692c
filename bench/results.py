"""Figures as they are reported: repeats with their median and spread, ours beside a peer's, against a target."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, Literal

OURS = "careloop"

Better = Literal["higher", "lower"]


class CheckFailed(Exception):
    """What was measured is not what should have happened: there is no figure."""


def require(holds: bool, words: str) -> None:
    """Raises CheckFailed unless it holds."""
    if not holds:
        raise CheckFailed(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One thing measured in several runs. `notes` are further medians of the same runs, such as latencies."""

    name: str
    who: str
    unit: str
    runs: tuple[float, ...]
    notes: dict[str, float] = field(default_factory=dict)

    @property
    def median(self) -> float:
        return median(self.runs)

    def told(self) -> dict[str, Any]:
        return {**asdict(self), "median": self.median, "lowest": min(self.runs), "highest": max(self.runs)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table: our figure, perhaps a peer's, and what was to be reached.

    `target` and `stretch` are about the ratio where there is a peer, about our figure where there is none. With
    `better` lower, a ratio is the peer's figure over ours.
    """

    figure: str
    ours: Figure
    peer: Figure | None = None
    better: Better = "higher"
    target: float | None = None
    stretch: float | None = None
    goal: str = ""

    @property
    def ratio(self) -> float | None:
        if self.peer is None:
            return None
        ours, theirs = self.ours.median, self.peer.median
        return ours / theirs if self.better == "higher" else theirs / ours

    @property
    def reached(self) -> bool | None:
        return self._at_least(self.target)

    def _at_least(self, wanted: float | None) -> bool | None:
        if wanted is None:
            return None
        if self.ratio is not None:
            return self.ratio >= wanted
        return self.ours.median >= wanted if self.better == "higher" else self.ours.median <= wanted

    def told(self) -> dict[str, Any]:
        return {
            "figure": self.figure,
            "ours": self.ours.told(),
            "peer": None if self.peer is None else self.peer.told(),
            "ratio": self.ratio,
            "better": self.better,
            "target": self.target,
            "stretch": self.stretch,
            "goal": self.goal,
            "reached": self.reached,
            "stretch_reached": self._at_least(self.stretch),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One line of a plot."""

    label: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    name: str
    title: str
    x: str
    y: str
    curves: tuple[Curve, ...]


@dataclass
class Report:
    """All that one module measured."""

    name: str
    title: str
    quick: bool
    rows: list[Row] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)
    checks: dict[str, int] = field(default_factory=dict)
    memory_mb: dict[str, float] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def checked(self, words: str, times: int = 1) -> None:
        """Count a check that held."""
        self.checks[words] = self.checks.get(words, 0) + times

    def told(self) -> dict[str, Any]:
        """As JSON. The first row with a peer is the headline: `ours`, `peer`, `ratio`, and `library` if that is it."""
        return {
            "benchmark": self.name,
            "title": self.title,
            "quick": self.quick,
            **_headline(self.rows),
            "rows": [row.told() for row in self.rows],
            "figures": [figure.told() for figure in self.figures],
            "plots": [asdict(plot) for plot in self.plots],
            "checks": self.checks,
            "memory_mb": self.memory_mb,
            "settings": self.settings,
            "unavailable": self.unavailable,
            "remarks": self.remarks,
            "seconds": round(self.seconds, 1),
        }


def _headline(rows: Sequence[Row]) -> dict[str, Any]:
    row = next((row for row in rows if row.peer is not None), None) or next(iter(rows), None)
    if row is None:
        return {}
    told: dict[str, Any] = {"figure": row.figure, "unit": row.ours.unit, "ours": row.ours.median}
    if row.peer is not None:
        told |= {"peer": row.peer.who, row.peer.who: row.peer.median, "ratio": row.ratio}
        if row.peer.who == "eventsourcing":
            told["library"] = row.peer.median
    return told
