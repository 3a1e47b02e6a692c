"""Counting what becomes of every resource: each is mapped, or not understood for one reason."""

from collections import Counter
from dataclasses import dataclass, field


class NotUnderstood(Exception):
    """A resource that is not taken over; `reason` is a stable word and holds nothing of the resource."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass
class Tally:
    """`read` counts all entries; `not_understood` by (resource type, reason). Both sides add up to `read`.

    `medicines` counts orders and statements by whether the knowledge pack knows what is taken: `resolved`, `in-part`,
    or the reason why not. `unresolved` counts the last kind by RxNorm code, `""` for those without one.
    """

    read: int = 0
    mapped: Counter[str] = field(default_factory=Counter)
    not_understood: Counter[tuple[str, str]] = field(default_factory=Counter)
    medicines: Counter[str] = field(default_factory=Counter)
    unresolved: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        self.read += other.read
        self.mapped += other.mapped
        self.not_understood += other.not_understood
        self.medicines += other.medicines
        self.unresolved += other.unresolved
