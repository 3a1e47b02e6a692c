"""Counting what becomes of every resource: it is mapped, or for one reason not used here or not understood; and what a
person must look at."""

from collections import Counter
from dataclasses import dataclass, field

from careloop.intake.origin import Origin
from careloop.kernel.ids import PatientId


class NotTakenOver(Exception):
    """A resource that is not mapped; `reason` is a stable word and holds nothing of the resource."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotUsed(NotTakenOver):
    """The resource is clear, and it is of a kind, or in a state, of which no fact is made here."""


class NotUnderstood(NotTakenOver):
    """The resource is of a kind that is used here, and something in it is missing, unknown or contradictory.

    `leaves_gap`: the list that it belongs to is not the whole of what the source holds.
    """

    def __init__(self, reason: str, *, leaves_gap: bool = True) -> None:
        super().__init__(reason)
        self.leaves_gap = leaves_gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """What a person must look at: where it stands in the files, why, and whose chart it concerns, None if unknown."""

    resource: str
    reason: str
    origin: Origin
    patient: PatientId | None = None


@dataclass
class Tally:
    """`read` counts all entries; `not_used` and `not_understood` by (resource type, reason). Together with `mapped`
    they add up to `read`.

    `medicines` counts orders and statements by whether the knowledge pack knows what is taken: `resolved`, `in-part`,
    or the reason why not. `unresolved` counts the last kind by RxNorm code, `""` for those without one. `waiting`
    counts, by kind, what was understood and has no fact here yet. `attention` is what a person must look at.
    """

    read: int = 0
    mapped: Counter[str] = field(default_factory=Counter)
    not_used: Counter[tuple[str, str]] = field(default_factory=Counter)
    not_understood: Counter[tuple[str, str]] = field(default_factory=Counter)
    medicines: Counter[str] = field(default_factory=Counter)
    unresolved: Counter[str] = field(default_factory=Counter)
    waiting: Counter[str] = field(default_factory=Counter)
    attention: list[Attention] = field(default_factory=list)

    def leave_out(self, resource: str, why: NotTakenOver) -> None:
        """Count a resource of this type that is not mapped."""
        counted = self.not_used if isinstance(why, NotUsed) else self.not_understood
        counted[resource, why.reason] += 1

    def add(self, other: "Tally") -> None:
        """Count what `other` counted of the reading of a file."""
        self.read += other.read
        self.mapped += other.mapped
        self.not_used += other.not_used
        self.not_understood += other.not_understood
