"""Rating scales: panels with their items, single items, answered questionnaires, and totals. LOINC codes as US Core and
HL7's behavioural health profiles use them; other scales are not read, for the codes of their items were not verified.

An answer that is not understood is never a zero. It leaves the whole scale out, unless an answer about safety is
positive: that one is recorded, the others as missing.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from careloop.intake.dates import moment
from careloop.intake.reading import FhirResources
from careloop.intake.shapes.elements import Coding, Concept
from careloop.intake.shapes.records import Answer, Component, Item, Observation, QuestionnaireResponse
from careloop.intake.tally import NotTakenOver, NotUnderstood, NotUsed
from careloop.kernel.errors import InvalidInput
from careloop.knowledge.scales.score import score, score_total

FINAL = frozenset({"final", "amended", "corrected", "completed"})
NOT_YET_FINAL = frozenset({"registered", "preliminary", "cancelled", "in-progress", "stopped"})
TOTALS = {
    "44261-6": "phq-9",
    "55758-7": "phq-2",
    "70274-6": "gad-7",
    "75626-2": "audit-c",
    "82667-7": "dast-10",
}
OTHER_SCALES = frozenset({"89204-2", "76504-0", "72109-2", "77040-1"})
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
    "gad-7": ("69725-0", "68509-9", "69733-4", "69734-2", "69735-9", "69689-8", "69736-7"),
    "c-ssrs": ("93246-7", "93247-5", "93248-3", "93249-1", "93250-9", "93267-3", "93269-9"),
}
"""Items in the order in which the instrument is scored."""
SAFETY = {"phq-9": frozenset({8}), "c-ssrs": frozenset(range(7))}
"""Places of the items that ask about suicide: item 9 of the PHQ-9, every one of the C-SSRS."""
INSTRUMENT_OF_ITEM = {code: instrument for instrument, codes in ITEMS.items() for code in codes}
ANSWERS = {"LA6568-5": 0, "LA6569-3": 1, "LA6570-1": 2, "LA6571-9": 3, "LA32-8": 0, "LA33-6": 1}
"""LOINC answers: not at all, several days, more than half the days, nearly every day; no, yes."""
_LINK = re.compile(r"(?:^|[/.])(\d{4,6}-\d)$")
_WHOLE = re.compile(r"\d{1,4}")
Answered = Component | Observation | Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredScale:
    """`used` are the Observations it was read from; `total` is what the answers add up to, None where too many are
    missing. `doubt` is why some answers are not understood, empty if all are."""

    instrument: str
    items: tuple[int | None, ...]
    total: int | None
    at: datetime
    used: tuple[Observation, ...] = ()
    doubt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totalled:
    instrument: str
    total: int
    at: datetime

    @property
    def key(self) -> tuple[str, datetime]:
        return self.instrument, self.at


def item_code(observation: Observation) -> str | None:
    """The LOINC code of the scale's item that the observation is."""
    return next((code for code in observation.code.codes if code in INSTRUMENT_OF_ITEM), None)


def of_panel(panel: Observation, resources: FhirResources) -> AnsweredScale | None:
    """The answers that the panel holds or names; None if it has none of a scale's items. Raises NotUnderstood."""
    members = [found for one in panel.has_member if (found := resources.named(Observation, one, panel))]
    items: list[Answered] = [*panel.component, *members]
    by_code = {code: item for item in items for code in _codes(item) if code in INSTRUMENT_OF_ITEM}
    if not by_code:
        return None
    used = tuple(member for member in members if item_code(member) is not None)
    at = final_at(panel, by_code)
    for member in used:
        final_at(member, {})
    return _answered(by_code, at, (panel, *used))


def of_items(items: Sequence[Observation]) -> AnsweredScale:
    """Items of one scale and one moment that no panel names. Raises NotUnderstood for one that is answered twice, and
    for so few that they come to no total, unless one of them is a positive answer about safety."""
    by_code: dict[str, Answered] = {}
    for item in items:
        code = item_code(item) or ""
        if code in by_code and _read(by_code[code]) != _read(item):
            raise NotUnderstood("item-answered-twice")
        by_code[code] = item
    scale = _answered(by_code, final_at(items[0], by_code), tuple(items))
    if scale.total is None and not _is_alarming(scale.instrument, scale.items):
        raise NotUnderstood("item-without-panel")
    return scale


def of_response(response: QuestionnaireResponse) -> AnsweredScale | Totalled | None:
    """The scale that a questionnaire asked for; None if it asked for none that is read. Its items go by LOINC code, as
    link id or definition. Raises NotUnderstood."""
    found: dict[str, Answered] = {}
    totals: dict[str, Answered] = {}
    for code, answer in _linked(response.item):
        (found if code in INSTRUMENT_OF_ITEM else totals)[code] = answer
    if not found and not totals:
        return None
    at = final_at(response, found)
    scale = _answered(found, at, ()) if found else None
    for code, stated in totals.items():
        total = Totalled(instrument=TOTALS[code], total=_total(TOTALS[code], stated), at=at)
        if scale is None:
            return total
        if scale.instrument == total.instrument and not scale.doubt and scale.total not in {None, total.total}:
            raise NotUnderstood("total-contradicts-items")
    return scale


def _linked(items: Iterable[Item]) -> Iterator[tuple[str, Answer]]:
    for item in items:
        links = (_LINK.search(item.link_id), _LINK.search(item.definition))
        code = next((link[1] for link in links if link and link[1] in INSTRUMENT_OF_ITEM.keys() | TOTALS.keys()), None)
        if code is not None and item.answer:
            yield code, item.answer[0]
        yield from _linked(item.item)
        for answer in item.answer:
            yield from _linked(answer.item)


def totalled(observation: Observation) -> Totalled:
    """The total of a scale. Raises NotUsed for anything else, NotUnderstood for a total that is no whole number (it is
    never rounded) and for one outside the scale's range."""
    instrument = next((TOTALS[code] for code in observation.code.codes if code in TOTALS), None)
    if instrument is None:
        raise _why_no_scale(observation.code)
    at = final_at(observation, {})
    return Totalled(instrument=instrument, total=_total(instrument, observation), at=at)


def _why_no_scale(code: Concept) -> NotTakenOver:
    return NotUsed("not-a-scale" if OTHER_SCALES.isdisjoint(code.codes) else "scale-not-supported")


def _total(instrument: str, stated: Answered) -> int:
    total = _read(stated)
    if total is None:
        raise NotUnderstood("score-missing")
    try:
        score_total(instrument, total)
    except InvalidInput as refusal:
        raise NotUnderstood(f"score-{refusal.slug}") from None
    return total


def _answered(by_code: Mapping[str, Answered], at: datetime, used: tuple[Observation, ...]) -> AnsweredScale:
    instruments = {INSTRUMENT_OF_ITEM[code] for code in by_code}
    if len(instruments) > 1:
        raise NotUnderstood("items-of-several-scales")
    (instrument,) = instruments
    items, doubts = _items(instrument, by_code)
    if doubts and not _is_alarming(instrument, items):
        raise NotUnderstood(doubts[0])
    if all(item is None for item in items):
        raise NotUnderstood("answers-missing")
    total = score(instrument, items).total
    return AnsweredScale(
        instrument=instrument, items=items, total=total, at=at, used=used, doubt=doubts[0] if doubts else ""
    )


def _items(instrument: str, by_code: Mapping[str, Answered]) -> tuple[tuple[int | None, ...], list[str]]:
    """The answers in the instrument's order, and why some are not understood: those are None."""
    items: list[int | None] = []
    doubts: list[str] = []
    for place, code in enumerate(ITEMS[instrument]):
        try:
            answer = _read(by_code[code]) if code in by_code else None
            score(instrument, [answer if at == place else None for at in range(len(ITEMS[instrument]))])
        except NotUnderstood as why:
            answer = None
            doubts.append(why.reason)
        except InvalidInput as refusal:
            answer = None
            doubts.append(f"answer-{refusal.slug}")
        items.append(answer)
    return tuple(items), doubts


def _is_alarming(instrument: str, items: Sequence[int | None]) -> bool:
    return any(items[place] for place in SAFETY.get(instrument, ()))


def final_at(record: Observation | QuestionnaireResponse, by_code: Mapping[str, Answered]) -> datetime:
    """When it was so. Raises NotUsed for one that is struck or not final, NotUnderstood for one that is not final and
    holds a positive answer about safety, and without a time."""
    if record.status == "entered-in-error":
        raise NotUsed("status-entered-in-error")
    if record.status not in FINAL:
        if any(_is_alarming(instrument, _items(instrument, by_code)[0]) for instrument in SAFETY):
            raise NotUnderstood("not-final-with-a-positive-safety-item")
        raise (NotUsed if record.status in NOT_YET_FINAL else NotUnderstood)("status-not-final")
    at = next((found for found in map(moment, _times(record)) if found), None)
    if at is None:
        raise NotUnderstood("time-missing")
    return at


def _times(record: Observation | QuestionnaireResponse) -> tuple[str, ...]:
    if isinstance(record, QuestionnaireResponse):
        return (record.authored,)
    period = record.effective_period
    return (record.effective_date_time, period.start if period else "", record.issued)


def _codes(item: Answered) -> frozenset[str]:
    return frozenset() if isinstance(item, Answer) else item.code.codes


def _read(item: Answered) -> int | None:
    """The number that was answered; None where nothing was. Raises NotUnderstood for an answer in words or a code that
    is not known."""
    codings = _codings(item)
    if codings is not None:
        known = [ANSWERS[coding.code] for coding in codings if coding.code in ANSWERS]
        if not known:
            raise NotUnderstood("answer-code-unknown")
        return known[0]
    if item.value_string is not None:
        if not _WHOLE.fullmatch(item.value_string.strip()):
            raise NotUnderstood("answer-in-words")
        return int(item.value_string)
    return item.value_integer if item.value_integer is not None else _whole(_amount(item))


def _codings(item: Answered) -> Sequence[Coding] | None:
    if isinstance(item, Answer):
        return None if item.value_coding is None else (item.value_coding,)
    return None if item.value_codeable_concept is None else item.value_codeable_concept.coding


def _amount(item: Answered) -> Decimal | None:
    if isinstance(item, Answer):
        return item.value_decimal
    return item.value_quantity.value if item.value_quantity else None


def _whole(value: Decimal | None) -> int | None:
    if value is None:
        return None
    if not Decimal(-1_000_000) < value < Decimal(1_000_000):
        raise NotUnderstood("score-out-of-range")
    if value != value.to_integral_value():
        raise NotUnderstood("non-integer-score")
    return int(value)
