"""The medicines a client takes, and how long one that was stopped still counts."""

from dataclasses import dataclass
from datetime import date

from careloop.contracts.terms import Medicine


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenMedicine:
    """`stopped_on` is the day of the last dose; None is still taken."""

    medicine: Medicine
    stopped_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A medicine from `started_on`, None where that is not known, to the day of its last dose."""

    medicine: Medicine
    started_on: date | None
    stopped_on: date | None


LINGERS_DAYS = 70
"""How long after its last dose a medicine still counts: ten weeks, twice the longest washout of the knowledge pack."""


def still_acts(stopped_on: date | None, day: date) -> bool:
    """Whether its effects may show on `day`; a red flag recognised once too often harms less than one missed."""
    return stopped_on is None or (day - stopped_on).days <= LINGERS_DAYS
