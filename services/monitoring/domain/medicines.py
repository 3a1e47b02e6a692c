"""The medicines a client takes, and how long one that was stopped still counts."""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date

from careloop.contracts.terms import Medicine
from careloop.knowledge.pack.drugs import ingredients


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


def same_medicine(one: Medicine, other: Medicine) -> bool:
    """Whether both mean the same, however they are written: by their ingredients where those are known."""
    return _meant(one) == _meant(other)


def _meant(medicine: Medicine) -> Hashable:
    found = frozenset(ingredients(medicine.name or None, medicine.rxcui or None))
    return found or medicine.name.casefold() or medicine.rxcui
