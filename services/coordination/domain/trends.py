"""Whether a scale's course is a response or a remission."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Totals, both included. A response is a drop by at least half, said only from `response_from` on."""

    response_from: int
    remission_through: int


THRESHOLDS: Mapping[str, Thresholds] = {
    # McMillan 2010, Coley 2020: eligible for response at a baseline of 10 or more; remission below 5.
    "phq-9": Thresholds(response_from=10, remission_through=4),
    # Young 1978, from memory.
    "ymrs": Thresholds(response_from=1, remission_through=12),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """None where the instrument has no such threshold, a total is missing or there is nothing to compare with."""

    change: int | None = None
    response: bool | None = None
    remission: bool | None = None


def outcome(instrument: str, totals: Sequence[int | None]) -> Outcome:
    """The last result against the first that has a total; lower totals are better."""
    known = [total for total in totals if total is not None]
    last = totals[-1] if totals else None
    if last is None or len(known) < 2:
        return Outcome()
    baseline = known[0]
    limits = THRESHOLDS.get(instrument)
    if limits is None:
        return Outcome(change=last - baseline)
    response = 2 * (baseline - last) >= baseline if baseline >= limits.response_from else None
    return Outcome(change=last - baseline, response=response, remission=last <= limits.remission_through)
