"""FHIR AllergyIntolerance, read for the allergy list."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from careloop.intake.conditions import require_held, statuses
from careloop.intake.dates import earliest_moment
from careloop.intake.negations import Says, says
from careloop.intake.shapes.elements import Concept
from careloop.intake.shapes.records import AllergyIntolerance
from careloop.intake.tally import NotUnderstood, NotUsed

CRITICALITIES = frozenset({"low", "high", "unable-to-assess"})
TYPES = frozenset({"allergy", "intolerance"})
LONGEST_WORDS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Reacts:
    """An allergy or intolerance; of an unknown type it counts as an allergy. `none_known` says there are none."""

    substance: str
    rxcui: str
    type: str
    criticality: str
    reaction: str
    none_known: bool
    recorded_at: datetime | None


def reacts(allergy: AllergyIntolerance) -> tuple[Reacts, ...]:
    """One for each substance named, in the code or in a reaction.

    Raises NotUsed for one that was ruled out, struck or is over, NotUnderstood for one that names no substance.
    """
    require_held(allergy.verification_status)
    status = next((one for one in statuses(allergy.clinical_status) if one in {"active", "inactive", "resolved"}), "")
    if status in {"inactive", "resolved"}:
        raise NotUsed(f"status-{status}")
    if says(allergy.code, always_of_a_thing=True) is Says.NONE:
        return (_entry(allergy, "", "", none_known=True),)
    named = dict.fromkeys(_substances(allergy))
    if not named:
        raise NotUnderstood("substance-missing")
    return tuple(_entry(allergy, name, rxcui) for name, rxcui in named)


def _substances(allergy: AllergyIntolerance) -> Iterator[tuple[str, str]]:
    concepts = [allergy.code, *(one.substance for one in allergy.reaction if one.substance is not None)]
    seen: set[str] = set()
    for concept in concepts:
        name, rxcui = _substance(concept)
        if name and not {name.lower(), rxcui} & seen:
            yield name, rxcui
        seen |= {name.lower(), rxcui} - {""}


def _substance(concept: Concept) -> tuple[str, str]:
    """The coded words, RxNorm's first; the text only where no code has words: it may be a remark."""
    coding = concept.code_in("rxnorm")
    name = (coding.display.strip() if coding else "") or concept.display or concept.any_words
    return name[:LONGEST_WORDS], coding.code if coding else ""


def _entry(allergy: AllergyIntolerance, name: str, rxcui: str, *, none_known: bool = False) -> Reacts:
    seen = [concept.words for reaction in allergy.reaction for concept in reaction.manifestation]
    remark = allergy.code.text.strip()
    beside = (
        [remark] if remark.lower() not in {"", name.lower(), allergy.code.display.lower()} and not none_known else []
    )
    return Reacts(
        substance=name,
        rxcui=rxcui,
        type=allergy.type if allergy.type in TYPES else "allergy",
        criticality=allergy.criticality if allergy.criticality in CRITICALITIES else "unable-to-assess",
        reaction=", ".join(filter(None, (*seen, *beside)))[:LONGEST_WORDS],
        none_known=none_known,
        recorded_at=earliest_moment(allergy.recorded_date) or earliest_moment(allergy.onset_date_time),
    )
