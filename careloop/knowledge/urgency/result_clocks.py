"""By when a prescriber acts on what a result demands.

The rules are the clocks of side effects in clocks.yaml: what the result forbids is looked at as an emergency is, what
is high on the same day; the rest waits for the prescriber.
"""

from collections.abc import Mapping
from datetime import date, timedelta

from careloop.knowledge.findings import Severity
from careloop.knowledge.pack.index import in_force
from careloop.knowledge.pack.pack import current_pack
from careloop.knowledge.pack.shapes.urgency import Level, ResponseClock

_LEVELS: Mapping[Severity, Level] = {Severity.CONTRAINDICATED: Level.EMERGENCY_NOW, Severity.HIGH: Level.SAME_DAY}


def act_within(severity: Severity, on: date) -> timedelta | None:
    """How soon after it became known; None where there is no hurry."""
    level = _LEVELS.get(severity)
    clocks = (clock for clock in in_force(current_pack(), ResponseClock, on) if clock.triage is level)
    return None if level is None else timedelta(minutes=next(clocks).minutes)
