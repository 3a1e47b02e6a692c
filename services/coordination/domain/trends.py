"""Whether a scale's course is a response or a remission."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

RESPONSE_DROP = Decimal("0.5")
REMISSION_BELOW = {"phq-9": 5}
"""McMillan 2010: remission is a PHQ-9 total below 5, response a drop of at least half."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """None where the instrument has no such threshold or a total is missing."""

    change: int | None
    response: bool | None
    remission: bool | None


def outcome(instrument: str, totals: Sequence[int | None]) -> Outcome:
    """The last result against the first that has a total."""
    known = [total for total in totals if total is not None]
    last = totals[-1] if totals else None
    if last is None or len(known) < 2:
        return Outcome(change=None, response=None, remission=None)
    limit = REMISSION_BELOW.get(instrument)
    if limit is None:
        return Outcome(change=last - known[0], response=None, remission=None)
    response = Decimal(known[0] - last) >= known[0] * RESPONSE_DROP if known[0] else None
    return Outcome(change=last - known[0], response=response, remission=last < limit)
