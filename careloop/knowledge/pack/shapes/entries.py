"""What every entry of the data files is. Every key is checked: one that is not named in its shape is refused."""

from datetime import date
from enum import StrEnum

from msgspec import Struct

from careloop.knowledge.findings import Severity


class Basis(StrEnum):
    """How well a rule's source was seen: checked, in a secondary page, from memory, or proposed by this project."""

    VERIFIED = "V"
    SECONDARY = "S"
    MEMORY = "M"
    OURS = "ours"


FIRST_DAY = date(2000, 1, 1)
"""The first day of a rule that always held."""


class Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Anything read from a data file."""


class Sourced(Entry, frozen=True, kw_only=True):
    """What everything clinical carries: where it comes from, how well that was seen, and the days on which it holds.

    It holds on [effective_from, effective_to]. Versions of one id stand side by side when their days do not overlap.
    """

    id: str
    version: int
    source: str
    basis: Basis
    reviewed: bool
    effective_from: date
    effective_to: date | None = None

    def in_force(self, day: date) -> bool:
        return self.effective_from <= day and (self.effective_to is None or day <= self.effective_to)


class Rule(Sourced, frozen=True, kw_only=True):
    """What judges an order that starts while it is in force: how strongly it speaks, why, and what to do."""

    severity: Severity
    mechanism: str
    message: str
    action: str
