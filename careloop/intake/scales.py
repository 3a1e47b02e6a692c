"""Rating scales: panels with their items, single items, answered questionnaires, and totals. LOINC codes as US Core and
HL7's behavioural health profiles use them; other scales are not read, for the codes of their items were not verified.

An answer that is not understood is never a zero. It leaves the whole scale out, unless an answer about safety is
positive: that one is recorded, the others as missing.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from careloop.intake.dates import moment
from careloop.intake.reading import FhirResources
from careloop.intake.shapes.elements import Coding, Concept
from careloop.intake.shapes.records import Answer, Component, Item, Observation, QuestionnaireResponse
from careloop.intake.tally import NotTakenOver, NotUnderstood, NotUsed
from careloop.kernel.errors import InvalidInput
from careloop.knowledge.scales.score import score, score_total

PREGNANCY = frozenset({"82810-3", "11449-6"})
"""LOINC: pregnancy status, and the same as reported."""
SMOKING = frozenset({"72166-2"})
"""LOINC: tobacco smoking status."""
GENOTYPES = frozenset({"84413-4", "53040-2", "51963-7"})
"""LOINC: a genotype's display name, a variant's effect on the metabolism of drugs, the medicine that was assessed."""
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
DAYS = {
    "LA6568-5": 0, "not at all": 0,
    "LA6569-3": 1, "several days": 1,
    "LA6570-1": 2, "more than half the days": 2,
    "LA6571-9": 3, "nearly every day": 3,
}  # fmt: skip
"""LOINC answers and their words: how often in two weeks."""
YES_OR_NO = {
    "LA32-8": 0, "373067005": 0, "N": 0, "no": 0,
    "LA33-6": 1, "373066001": 1, "Y": 1, "yes": 1,
}  # fmt: skip
"""Answers of LOINC, SNOMED CT and HL7 v2, and their words."""
ANSWERED_BY = {"phq-9": DAYS, "gad-7": DAYS, "c-ssrs": YES_OR_NO}
_LINK = re.compile(r"(?<!\d)\d{4,6}-\d(?!\d)")
_THING = re.compile(r"(?:^|/)(?!Patient/|RelatedPerson/|Person/|Group/)[A-Z][A-Za-z]+/[^/]+(?:/_history/[^/]+)?$")
_WHOLE = re.compile(r"\d{1,4}")
Answered = Component | Observation | Answer
Answers = dict[str, list[Answered]]
"""By LOINC code of the item."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Questionnaire:
    """The scales and totals of an answered questionnaire, and what of it is not understood."""

    at: datetime
    answered: list[AnsweredScale] = field(default_factory=list)
    totalled: list[Totalled] = field(default_factory=list)
    not_understood: list[NotUnderstood] = field(default_factory=list)


def item_code(observation: Observation) -> str | None:
    """The LOINC code of the scale's item that the observation is."""
    return next((code for code in observation.code.codes if code in INSTRUMENT_OF_ITEM), None)


def of_panel(panel: Observation, resources: FhirResources) -> Questionnaire | None:
    """The scales that the panel holds or names; None if it has none of a scale's items. Raises NotUnderstood.

    A member that is not final stops the panel, and one that is not here leaves a doubt; neither hides a positive answer
    about safety.
    """
    members = [found for one in panel.has_member if (found := resources.named(Observation, one, panel))]
    named = [member for member in members if item_code(member) is not None and not of_other(member)]
    used = tuple(member for member in named if member.status in FINAL)
    by_code: Answers = defaultdict(list)
    held: list[Answered] = [*panel.component, *used]
    for item in held:
        for code in _codes(item) & INSTRUMENT_OF_ITEM.keys():
            by_code[code].append(item)
    if not by_code:
        return None
    read = _anything(_questionnaire(by_code, final_at(panel, by_code), (panel, *used)))
    if len(used) < len(named) and not any(_is_alarming(scale.instrument, scale.items) for scale in read.answered):
        final_at(next(member for member in named if member.status not in FINAL), {})
    doubt = "status-not-final" if len(used) < len(named) else "member-missing"
    if len(used) < len(named) or len(members) < len(panel.has_member):
        read.answered[:] = [
            replace(scale, doubt=scale.doubt or doubt) if None in scale.items else scale for scale in read.answered
        ]
    return read


def of_items(items: Sequence[Observation]) -> AnsweredScale:
    """Items of one scale and one moment that no panel names. Raises NotUnderstood for one that is answered twice, and
    for so few that they come to no total, unless one of them is a positive answer about safety."""
    by_code: Answers = defaultdict(list)
    for item in items:
        by_code[item_code(item) or ""].append(item)
    instrument = INSTRUMENT_OF_ITEM[next(iter(by_code))]
    scale = _answered(instrument, by_code, final_at(items[0], by_code), tuple(items))
    if scale.total is None and not _is_alarming(scale.instrument, scale.items):
        raise NotUnderstood("item-without-panel")
    return scale


def of_response(response: QuestionnaireResponse) -> Questionnaire | None:
    """The scales that a questionnaire asked for; None if it asked for none that is read. Its items go by LOINC code, as
    link id or definition. What of several scales is not understood hides none of the others. Raises NotUnderstood
    where none is."""
    found: Answers = defaultdict(list)
    totals: Answers = defaultdict(list)
    for code, answer in _linked(response.item):
        (found if code in INSTRUMENT_OF_ITEM else totals)[code].append(answer)
    if not found and not totals:
        return None
    read = _questionnaire(found, final_at(response, found), ())
    for code, stated in totals.items():
        try:
            _add_total(TOTALS[code], stated, read)
        except NotUnderstood as why:
            read.not_understood.append(why)
    return _anything(read)


def _questionnaire(
    by_code: Mapping[str, Sequence[Answered]], at: datetime, used: tuple[Observation, ...]
) -> Questionnaire:
    read = Questionnaire(at=at)
    for instrument in sorted({INSTRUMENT_OF_ITEM[code] for code in by_code}):
        of_scale = {code: items for code, items in by_code.items() if INSTRUMENT_OF_ITEM[code] == instrument}
        try:
            read.answered.append(_answered(instrument, of_scale, at, used))
        except NotUnderstood as why:
            read.not_understood.append(why)
    return read


def _anything(read: Questionnaire) -> Questionnaire:
    """Raises NotUnderstood where nothing of it is."""
    if not read.answered and not read.totalled:
        raise read.not_understood[0]
    return read


def _add_total(instrument: str, stated: Sequence[Answered], read: Questionnaire) -> None:
    """A total beside the answers must fit them; only a positive answer about safety stands against it."""
    totals = {_total(instrument, one) for one in stated}
    if len(totals) > 1:
        raise NotUnderstood("item-answered-twice")
    scale = next((one for one in read.answered if one.instrument == instrument), None)
    (total,) = totals
    if scale is None:
        read.totalled.append(Totalled(instrument=instrument, total=total, at=read.at))
    elif not scale.doubt and scale.total not in {None, total}:
        read.answered.remove(scale)
        if not _is_alarming(instrument, scale.items):
            raise NotUnderstood("total-contradicts-items")
        read.answered.append(replace(scale, doubt="total-contradicts-items"))


def _linked(items: Iterable[Item]) -> Iterator[tuple[str, Answer]]:
    for item in items:
        links = (*_LINK.findall(item.link_id)[::-1], *_LINK.findall(item.definition)[::-1])
        code = next((link for link in links if link in INSTRUMENT_OF_ITEM or link in TOTALS), None)
        if code is not None:
            yield from ((code, answer) for answer in item.answer)
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


def of_other(observation: Observation) -> bool:
    """Whether its focus is somebody else than its subject, or may be; a condition or a procedure is nobody."""
    return any(
        one.reference != observation.subject.reference and not _THING.search(one.reference) for one in observation.focus
    )


def require_own(observation: Observation) -> None:
    """Raises NotUnderstood for an observation of somebody else than its subject, such as a parent or a partner."""
    if of_other(observation):
        codes = observation.code.codes.union(*(one.code.codes for one in observation.component))
        known = codes & (INSTRUMENT_OF_ITEM.keys() | TOTALS.keys() | PREGNANCY | SMOKING | GENOTYPES)
        raise NotUnderstood("about-somebody-else") if known else NotUsed("not-a-scale")


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


def _answered(
    instrument: str, by_code: Mapping[str, Sequence[Answered]], at: datetime, used: tuple[Observation, ...]
) -> AnsweredScale:
    items, doubts = _items(instrument, by_code)
    if doubts and not _is_alarming(instrument, items):
        raise NotUnderstood(doubts[0])
    if all(item is None for item in items):
        raise NotUnderstood("answers-missing")
    total = score(instrument, items).total
    return AnsweredScale(
        instrument=instrument, items=items, total=total, at=at, used=used, doubt=doubts[0] if doubts else ""
    )


def _items(instrument: str, by_code: Mapping[str, Sequence[Answered]]) -> tuple[tuple[int | None, ...], list[str]]:
    """The answers in the instrument's order, and why some are not understood: those are None, but for one about safety
    that is answered in several ways: the gravest stands."""
    items: list[int | None] = []
    doubts: list[str] = []
    for place, code in enumerate(ITEMS[instrument]):
        try:
            answer, doubt = _one_answer(instrument, by_code.get(code, ()), place in SAFETY.get(instrument, ()))
            doubts += filter(None, [doubt])
            score(instrument, [answer if at == place else None for at in range(len(ITEMS[instrument]))])
        except InvalidInput as refusal:
            answer = None
            doubts.append(f"answer-{refusal.slug}")
        items.append(answer)
    return tuple(items), doubts


def _one_answer(instrument: str, given: Sequence[Answered], about_safety: bool) -> tuple[int | None, str]:
    """The answer to an item, and why it is in doubt."""
    answers: set[int] = set()
    doubt = ""
    for one in given:
        try:
            answers |= {answer for answer in [_answer(instrument, one)] if answer is not None}
        except NotUnderstood as why:
            doubt = why.reason
    if len(answers) > 1:
        doubt = "item-answered-twice"
    return (None if doubt and not about_safety else max(answers, default=None)), doubt


def _is_alarming(instrument: str, items: Sequence[int | None]) -> bool:
    return any(items[place] for place in SAFETY.get(instrument, ()))


def final_at(record: Observation | QuestionnaireResponse, by_code: Mapping[str, Sequence[Answered]]) -> datetime:
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


def _answer(instrument: str, item: Answered) -> int | None:
    """The answer to an item as a number; None where nothing was answered. Raises NotUnderstood for words or a code that
    this instrument does not offer."""
    offered, codings = ANSWERED_BY[instrument], _codings(item)
    if codings is not None:
        said = [word for coding in codings for word in (coding.code, coding.display.strip().lower())]
        known = {offered[word] for word in said if word in offered}
        if len(known) != 1:
            raise NotUnderstood("answer-code-unknown")
        return known.pop()
    if item.value_boolean is not None:
        if offered is not YES_OR_NO:
            raise NotUnderstood("answer-yes-or-no")
        return int(item.value_boolean)
    words = (item.value_string or "").strip().lower()
    return offered[words] if words in offered else _read(item)


def _read(item: Answered) -> int | None:
    """The number that was stated; None where nothing was. Raises NotUnderstood for one in words or as a code."""
    if _codings(item) is not None:
        raise NotUnderstood("answer-code-unknown")
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
    if isinstance(item, Answer) and item.value_decimal is not None:
        return item.value_decimal
    if item.value_quantity is not None and item.value_quantity.comparator:
        raise NotUnderstood("bound-and-no-number")
    return item.value_quantity.value if item.value_quantity else None


def _whole(value: Decimal | None) -> int | None:
    if value is None:
        return None
    if not Decimal(-1_000_000) < value < Decimal(1_000_000):
        raise NotUnderstood("score-out-of-range")
    if value != value.to_integral_value():
        raise NotUnderstood("non-integer-score")
    return int(value)
