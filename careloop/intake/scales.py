"""Rating scales in FHIR Observations: panels with their items, and totals. LOINC codes as US Core and HL7's behavioural
health profiles use them; items of other instruments are not read, because their codes were not verified."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from careloop.intake.dates import moment
from careloop.intake.reading import FhirResources
from careloop.intake.shapes import Component, Concept, Observation
from careloop.intake.tally import NotTakenOver, NotUnderstood, NotUsed
from careloop.kernel.errors import InvalidInput
from careloop.knowledge.scales.score import score, score_total

LOINC = "http://loinc.org"
FINAL = frozenset({"final", "amended", "corrected"})
NOT_YET_FINAL = frozenset({"registered", "preliminary", "cancelled"})
TOTALS = {
    "44261-6": "phq-9",
    "55758-7": "phq-2",
    "70274-6": "gad-7",
    "75626-2": "audit-c",
    "82667-7": "dast-10",
}
OTHER_SCALES = frozenset({"89204-2", "76504-0", "69737-5", "72109-2", "77040-1"})
"""Scales that are not read: PHQ-A and HARK totals, and panels whose items' codes were not verified."""
ITEMS = {
    "phq-9": (
        "44250-9",
        "44255-8",
        "44259-0",
        "44254-1",
        "44251-7",
        "44258-2",
        "44252-5",
        "44253-3",
        "44260-8",
    ),
    "c-ssrs": ("93246-7", "93247-5", "93248-3", "93249-1", "93250-9", "93267-3", "93269-9"),
}
"""Items in the order in which the instrument is scored."""
INSTRUMENT_OF_ITEM = {code: instrument for instrument, codes in ITEMS.items() for code in codes}
ANSWERS = {"LA6568-5": 0, "LA6569-3": 1, "LA6570-1": 2, "LA6571-9": 3, "LA32-8": 0, "LA33-6": 1}
"""LOINC answers: not at all, several days, more than half the days, nearly every day; no, yes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredPanel:
    """`used` are the Observations it was read from; `total` is what the answers add up to."""

    instrument: str
    items: tuple[int | None, ...]
    total: int | None
    at: datetime
    used: tuple[Observation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Totalled:
    instrument: str
    total: int
    at: datetime

    @property
    def key(self) -> tuple[str, datetime]:
        return self.instrument, self.at


def is_item(observation: Observation) -> bool:
    return not INSTRUMENT_OF_ITEM.keys().isdisjoint(observation.code.codes)


def answered(panel: Observation, resources: FhirResources) -> AnsweredPanel | None:
    """The answers that the panel holds or names; None if it has none of a scale's items. Raises NotUnderstood."""
    members = [found for one in panel.has_member if (found := resources.named(Observation, one.reference))]
    items: list[Component | Observation] = [*panel.component, *members]
    by_code = {code: item for item in items for code in item.code.codes if code in INSTRUMENT_OF_ITEM}
    instruments = {INSTRUMENT_OF_ITEM[code] for code in by_code}
    if not instruments:
        return None
    at = _final_at(panel)
    if len(instruments) > 1:
        raise NotUnderstood("items-of-several-scales")
    (instrument,) = instruments
    used = tuple(member for member in members if is_item(member))
    for member in used:
        _final_at(member)
    answers = tuple(_answer(by_code[code]) if code in by_code else None for code in ITEMS[instrument])
    return AnsweredPanel(
        instrument=instrument, items=answers, total=_added(instrument, answers), at=at, used=(panel, *used)
    )


def _added(instrument: str, answers: Sequence[int | None]) -> int | None:
    try:
        return score(instrument, answers).total
    except InvalidInput as refusal:
        raise NotUnderstood(f"answer-{refusal.slug}") from None


def totalled(observation: Observation) -> Totalled:
    """The total of a scale. Raises NotUsed for anything else, NotUnderstood for a total that is no whole number (it is
    never rounded) and for one outside the scale's range."""
    instrument = next((TOTALS[code] for code in observation.code.codes if code in TOTALS), None)
    if instrument is None:
        raise _why_no_scale(observation.code)
    at = _final_at(observation)
    total = _whole(observation)
    if total is None:
        raise NotUnderstood("score-missing")
    try:
        score_total(instrument, total)
    except InvalidInput as refusal:
        raise NotUnderstood(f"score-{refusal.slug}") from None
    return Totalled(instrument=instrument, total=total, at=at)


def _why_no_scale(code: Concept) -> NotTakenOver:
    if not OTHER_SCALES.isdisjoint(code.codes):
        return NotUsed("scale-not-supported")
    is_item = not INSTRUMENT_OF_ITEM.keys().isdisjoint(code.codes)
    return NotUnderstood("item-without-panel") if is_item else NotUsed("not-a-scale")


def _final_at(observation: Observation) -> datetime:
    if observation.status == "entered-in-error":
        raise NotUsed("status-entered-in-error")
    if observation.status not in FINAL:
        raise (NotUsed if observation.status in NOT_YET_FINAL else NotUnderstood)("status-not-final")
    period = observation.effective_period
    times = (observation.effective_date_time, period.start if period else "", observation.issued)
    at = next((found for found in map(moment, times) if found), None)
    if at is None:
        raise NotUnderstood("time-missing")
    return at


def _answer(item: Component | Observation) -> int | None:
    concept = item.value_codeable_concept
    if concept is not None:
        known = [ANSWERS[coding.code] for coding in concept.coding if coding.code in ANSWERS]
        if not known:
            raise NotUnderstood("answer-code-unknown")
        return known[0]
    return _whole(item)


def _whole(item: Component | Observation) -> int | None:
    if item.value_integer is not None:
        return item.value_integer
    value = item.value_quantity.value if item.value_quantity else None
    if value is None:
        return None
    if not Decimal(-1_000_000) < value < Decimal(1_000_000):
        raise NotUnderstood("score-out-of-range")
    if value != value.to_integral_value():
        raise NotUnderstood("non-integer-score")
    return int(value)
