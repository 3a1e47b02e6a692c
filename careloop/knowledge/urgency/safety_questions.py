"""By when a question about a danger is asked that was left blank.

The rule is the clock of what is looked at on the same day, in clocks.yaml.
"""

from datetime import date, timedelta

from careloop.knowledge.pack.index import in_force
from careloop.knowledge.pack.pack import current_pack
from careloop.knowledge.pack.shapes.urgency import Level, ResponseClock


def ask_within(left_blank_on: date) -> timedelta:
    """How soon after it became known somebody must have asked."""
    clocks = (one for one in in_force(current_pack(), ResponseClock, left_blank_on) if one.triage is Level.SAME_DAY)
    return timedelta(minutes=next(clocks).minutes)
