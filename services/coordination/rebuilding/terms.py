"""What a rebuild is asked for, how far it is, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from services.coordination.rebuilding.comparison import Comparison


class Mode(StrEnum):
    """TURN: rebuild and turn to what was made. CHECK: only rebuild and compare. ROLL_BACK: turn to the slot before."""

    TURN = "turn"
    CHECK = "check"
    ROLL_BACK = "roll-back"


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildRequest:
    """What a rebuild is to come to, and how many processes fold; 0: as many as the machine can use."""

    mode: Mode
    workers: int = 0
    accept_differences: bool = False
    name: str = ""
    """By which a watcher who left finds it again; '' for one that nobody looks for."""


class Phase(StrEnum):
    FILL = "fill"
    COMPARE = "compare"
    CATCH_UP = "catch-up"
    TURN = "turn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """`done` of so many journal entries (of patients' ranges, while comparing) in this phase."""

    phase: Phase
    done: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildOutcome:
    """`turned`: the slot that was idle is read now. `through` is the journal position at which both slots stood."""

    turned: bool
    through: int
    events: int
    sections: int
    comparison: Comparison


Report = Callable[[Progress], None]
