"""What the data files of urgency must say to make sense, beyond their shape: on every day each answer has one level."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from string import Formatter
from typing import Any

from careloop.knowledge.pack.instruments import Instrument
from careloop.knowledge.pack.reading import PackInvalid
from careloop.knowledge.pack.shapes.entries import Sourced
from careloop.knowledge.pack.shapes.urgency import (
    GRADED,
    CardPart,
    ClientWords,
    Language,
    Level,
    Reads,
    RedFlag,
    ResponseClock,
    RiskLevel,
    RiskRule,
    Span,
    TriageRule,
)
from careloop.knowledge.pack.soundness.references import days_of_change

_GIVEN = ("phone", "name", "on")
"""What a sentence to a client may name."""


def require_urgency(read: Mapping[str, tuple[Any, ...]], instruments: Mapping[str, Instrument]) -> None:
    """Raises PackInvalid, naming file and rule, for a red flag without words, answers with no level or with two, bands
    or items that lead nowhere, and a level without its clock. A file that the pack does not have is not judged."""
    risks = read.get("suicide-risk.yaml", ())
    faults = {
        "red_flags.yaml": _words(read["red_flags.yaml"]),
        "triage.yaml": _triage(read.get("triage.yaml", ()), texts="known-words.yaml" in read),
        "suicide-risk.yaml": _risks(risks, instruments),
        "text-contexts.yaml": _once_a_language(
            "language", (one.language for one in read.get("text-contexts.yaml", ()))
        ),
        "client-words.yaml": _words_for_clients(read.get("client-words.yaml", ()), read["red_flags.yaml"]),
        "clocks.yaml": _clocks(read.get("clocks.yaml", ()), risks),
    }
    for file, found in faults.items():
        for fault in found if file in read else ():
            raise PackInvalid(f"{file}: {fault}")


def _words(flags: Iterable[RedFlag]) -> Iterator[str]:
    for flag in flags:
        if not flag.all_of or not all(flag.all_of):
            yield f"{flag.id}: a red flag needs words"


def _once_a_language(what: str, said: Iterable[Language]) -> Iterator[str]:
    """The faults of what each language has once."""
    listed = sorted(said)
    if listed != sorted(Language):
        yield f"{what}: each of {', '.join(Language)} once, not {', '.join(listed) or 'none'}"


def _words_for_clients(sentences: tuple[ClientWords, ...], flags: Iterable[RedFlag]) -> Iterator[str]:
    """The faults of sentences that name a figure nobody gives, or a flag that there is not; each part is said once."""
    known = {flag.id for flag in flags}
    for one in sentences:
        if strange := set(one.flags) - known:
            yield f"{one.id}: {', '.join(sorted(strange))} is no red flag"
        if any(field not in (None, *_GIVEN) for _, field, _, _ in Formatter().parse(one.text)):
            yield f"{one.id}: a text may name {', '.join(_GIVEN)}"
    for day in days_of_change(sentences):
        for part in CardPart:
            said = (one.language for one in sentences if one.part is part and one.in_force(day))
            yield from _once_a_language(f"{part} on {day}", said)


def _triage(rules: tuple[TriageRule, ...], *, texts: bool) -> Iterator[str]:
    for rule in rules:
        if (rule.answers is None) is (rule.reads in GRADED):
            yield f"{rule.id}: answers are those of a grade or burden"
    for reads in Reads:
        listed = [rule for rule in rules if rule.reads is reads]
        if reads is Reads.NOT_UNDERSTOOD and not texts:
            continue
        if reads not in GRADED:
            yield from _one_a_day(reads, listed)
            continue
        for day in days_of_change(listed):
            spans = [(rule.id, rule.answers) for rule in listed if rule.answers and rule.in_force(day)]
            yield from _partition(f"{reads} on {day}", spans, *GRADED[reads])


def _risks(rules: tuple[RiskRule, ...], instruments: Mapping[str, Instrument]) -> Iterator[str]:
    for rule in rules:
        if rule.instrument not in instruments:
            yield f"{rule.id}: {rule.instrument} is not an instrument"
            return
        yield from _readings(rule, instruments[rule.instrument])
    for name in sorted({rule.instrument for rule in rules}):
        yield from _one_a_day(name, [rule for rule in rules if rule.instrument == name])


def _readings(rule: RiskRule, instrument: Instrument) -> Iterator[str]:
    """Each band is read once, or each answer to the item."""
    spans = [(rule.id, reading.answers) for reading in rule.readings if reading.answers is not None]
    bands = [reading.band for reading in rule.readings if reading.band]
    if rule.item is None:
        known = [*instrument.ranks, *(band.name for band in instrument.bands)]
        if spans or sorted(bands) != sorted(known):
            yield f"{rule.id}: each band of {instrument.id} is read once: {', '.join(known)}"
    elif bands or not 1 <= rule.item <= len(instrument.most):
        yield f"{rule.id}: {instrument.id} has no item {rule.item}, or a band is read beside it"
    else:
        yield from _partition(f"item {rule.item}", spans, 0, instrument.most[rule.item - 1])


def _clocks(clocks: tuple[ResponseClock, ...], risks: tuple[RiskRule, ...]) -> Iterator[str]:
    for clock in clocks:
        if (clock.triage is None) is (clock.risk is None) or clock.triage is Level.NEXT_VISIT or clock.minutes < 1:
            yield f"{clock.id}: minutes, at least one, of one level of urgency or of one risk"
    least = min((rule.contact_from.rank for rule in risks), default=len(RiskLevel))
    needed: list[Level | RiskLevel] = [level for level in Level if level is not Level.NEXT_VISIT]
    for level in (*needed, *(risk for risk in RiskLevel if risk.rank >= least)):
        yield from _one_a_day(level, [clock for clock in clocks if level in (clock.triage, clock.risk)])


def _partition(what: str, spans: Iterable[tuple[str, Span]], lowest: int, highest: int) -> Iterator[str]:
    """The faults of spans that do not hold each answer once."""
    for rule, span in (listed := sorted(spans, key=lambda one: one[1].from_)):
        if not lowest <= span.from_ <= span.through <= highest:
            yield f"{rule}: answers from {span.from_} through {span.through} are not within {lowest} to {highest}"
    for answer in range(lowest, highest + 1):
        holding = [rule for rule, span in listed if span.distance(answer) == 0]
        if len(holding) != 1:
            yield f"{', '.join(holding) or 'no rule'}: {what}: an answer of {answer} has one level, not {len(holding)}"


def _one_a_day(what: str, rules: Sequence[Sourced]) -> Iterator[str]:
    """The faults of rules of which one must hold on every day."""
    for day in days_of_change(rules):
        held = [rule.id for rule in rules if rule.in_force(day)]
        if len(held) != 1:
            yield f"{', '.join(held) or 'no rule'}: one rule for {what} holds on {day}, not {len(held)}"
