"""FHIR Condition and AllergyIntolerance, read for the history and the allergy list."""

from dataclasses import dataclass
from datetime import date, datetime

from careloop.intake.dates import day, moment
from careloop.intake.medications import RXNORM
from careloop.intake.shapes import AllergyIntolerance, Coding, Concept, Condition
from careloop.intake.tally import NotUnderstood, NotUsed

SYSTEMS = {
    "http://hl7.org/fhir/sid/icd-10-cm": "icd-10-cm",
    "http://snomed.info/sct": "snomed",
}
"""In the order in which a code is chosen when a condition has several."""
CLINICAL_STATUSES = frozenset({"active", "recurrence", "relapse", "inactive", "remission", "resolved"})
NOT_HELD = frozenset({"entered-in-error", "refuted"})
NO_KNOWN_ALLERGIES = frozenset({"716186003"})
"""SNOMED CT: no known allergy. Narrower codes (no known drug allergy) do not say as much and are not read so."""
CRITICALITIES = frozenset({"low", "high", "unable-to-assess"})
TYPES = frozenset({"allergy", "intolerance"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A condition by one of its codes."""

    system: str
    code: str
    display: str
    clinical_status: str
    onset: date | None
    recorded_at: datetime | None


def known(condition: Condition) -> Known:
    """Raises NotUsed for a condition that was ruled out or struck, NotUnderstood without a known code."""
    _require_held(condition.verification_status)
    system, coding = _coded(condition.code)
    period = condition.onset_period
    onset = condition.onset_date_time or (period.start if period else "")
    status = condition.clinical_status.first_code if condition.clinical_status else ""
    return Known(
        system=system,
        code=coding.code,
        display=coding.display or condition.code.words,
        clinical_status=status if status in CLINICAL_STATUSES else "unknown",
        onset=day(onset),
        recorded_at=moment(condition.recorded_date) or moment(onset),
    )


def _require_held(verification: Concept | None) -> None:
    status = verification.first_code if verification else ""
    if status in NOT_HELD:
        raise NotUsed(f"status-{status}")


def _coded(concept: Concept) -> tuple[str, Coding]:
    for url, system in SYSTEMS.items():
        coding = concept.code_in(url)
        if coding is not None:
            return system, coding
    raise NotUnderstood("code-missing-or-unknown")


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


def reacts(allergy: AllergyIntolerance) -> Reacts:
    """Raises NotUsed for one that was ruled out, struck or is over, NotUnderstood for one that names no substance."""
    _require_held(allergy.verification_status)
    status = allergy.clinical_status.first_code if allergy.clinical_status else ""
    if status in {"inactive", "resolved"}:
        raise NotUsed(f"status-{status}")
    none_known = not NO_KNOWN_ALLERGIES.isdisjoint(allergy.code.codes)
    coding = allergy.code.code_in(RXNORM)
    substance = (coding.display if coding else "") or allergy.code.words
    if not substance.strip() and not none_known:
        raise NotUnderstood("substance-missing")
    seen = [concept.words for reaction in allergy.reaction for concept in reaction.manifestation]
    return Reacts(
        substance=substance.strip(),
        rxcui=coding.code if coding else "",
        type=allergy.type if allergy.type in TYPES else "allergy",
        criticality=allergy.criticality if allergy.criticality in CRITICALITIES else "unable-to-assess",
        reaction=", ".join(filter(None, seen)),
        none_known=none_known,
        recorded_at=moment(allergy.recorded_date) or moment(allergy.onset_date_time),
    )
