"""Observations of what the safety check asks of a person: pregnancy, and smoking and genotypes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from careloop.intake.scales import final_at
from careloop.intake.shapes.records import Observation
from careloop.intake.tally import NotUnderstood, NotUsed

PREGNANCY = frozenset({"82810-3", "11449-6"})
"""LOINC: pregnancy status, and the same as reported."""
STATUSES = {
    "77386006": "pregnant", "LA15173-0": "pregnant",
    "60001007": "not-pregnant", "LA26683-5": "not-pregnant",
    "152231000119106": "possible", "146799005": "possible",
    "LA4489-6": "unknown", "261665006": "unknown", "UNK": "unknown",
}  # fmt: skip
"""SNOMED CT and LOINC answers of US Core and IPS."""
SMOKING = frozenset({"72166-2", "81229-7", "11367-0"})
GENOTYPES = frozenset({"84413-4", "53040-2", "51958-7", "48018-6", "69548-6", "47998-0"})
LONGEST_PREGNANCY = timedelta(days=300)
SAID_TO_BE_NOT = timedelta(days=28)
"""After a cycle, that somebody was not pregnant says nothing any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pregnancy:
    """`status` as assessment has it."""

    status: str
    at: datetime


def pregnancy(observation: Observation, now: datetime) -> Pregnancy | None:
    """What it says of a pregnancy; None if it is about something else.

    Raises NotUsed where it was so long ago that it says nothing of today, NotUnderstood for an answer not known.
    """
    if PREGNANCY.isdisjoint(observation.code.codes):
        return None
    at, value = final_at(observation, {}), observation.value_codeable_concept
    known = [STATUSES[coding.code] for coding in value.coding if coding.code in STATUSES] if value else []
    if not known:
        raise NotUnderstood("answer-code-unknown")
    if now - at > (SAID_TO_BE_NOT if known[0] == "not-pregnant" else LONGEST_PREGNANCY):
        raise NotUsed("too-long-ago")
    return Pregnancy(status=known[0], at=at)


def waiting(observation: Observation) -> str | None:
    """The kind of an observation that is understood and of which no fact is made yet."""
    if not SMOKING.isdisjoint(observation.code.codes):
        return "smoking"
    return "genotypes" if not GENOTYPES.isdisjoint(observation.code.codes) else None
