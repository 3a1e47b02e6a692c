"""Observations of what the safety check asks of a person: pregnancy, and smoking and genotypes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from careloop.intake.scales import GENOTYPES, PREGNANCY, SMOKING, final_at
from careloop.intake.shapes.records import Observation
from careloop.intake.tally import NotUnderstood, NotUsed

STATUSES = {
    "77386006": "pregnant", "LA15173-0": "pregnant",
    "60001007": "not-pregnant", "LA26683-5": "not-pregnant",
    "152231000119106": "possible", "146799005": "possible",
    "LA4489-6": "unknown", "261665006": "unknown", "UNK": "unknown",
}  # fmt: skip
"""SNOMED CT and LOINC answers of US Core and IPS."""
SMOKES = {
    "449868002": "current", "428041000124106": "current", "428071000124103": "current", "428061000124105": "current",
    "LA18976-3": "current", "LA18977-1": "current", "LA18981-3": "current", "LA18982-1": "current",
    "8517006": "former", "LA15920-4": "former", "266919005": "never", "LA18978-9": "never",
    "77176002": "unknown", "LA18979-7": "unknown", "266927001": "unknown", "LA18980-5": "unknown",
}  # fmt: skip
"""SNOMED CT and LOINC answers of US Core and IPS. A smoker of unknown status may have stopped."""
GENE = "48018-6"
LONGEST_GENE = 60
LONGEST_WORDS = 500
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoking:
    """`status` as assessment has it."""

    status: str
    at: datetime


def smoking(observation: Observation) -> Smoking | None:
    """What it says of smoking; None if it is about something else. Raises NotUnderstood for an answer not known."""
    if SMOKING.isdisjoint(observation.code.codes):
        return None
    at, value = final_at(observation, {}), observation.value_codeable_concept
    known = [SMOKES[coding.code] for coding in value.coding if coding.code in SMOKES] if value else []
    if not known:
        raise NotUnderstood("answer-code-unknown")
    return Smoking(status=known[0], at=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Genotype:
    """A gene, and what was found of it in the laboratory's words: the check reads them, and says what it cannot."""

    gene: str
    found: str
    at: datetime


def genotype(observation: Observation) -> Genotype | None:
    """What it says of a gene; None if it is about something else. Raises NotUnderstood without a gene or a finding."""
    if GENOTYPES.isdisjoint(observation.code.codes):
        return None
    at, value = final_at(observation, {}), observation.value_codeable_concept
    genes = [one.value_codeable_concept for one in observation.component if GENE in one.code.codes]
    gene = genes[0].words if len(genes) == 1 and genes[0] else ""
    found = (value.words if value else "") or (observation.value_string or "").strip()
    if not gene or not found:
        raise NotUnderstood("gene-or-finding-missing")
    return Genotype(gene=gene[:LONGEST_GENE], found=found[:LONGEST_WORDS], at=at)
