"""How soon a person must look: at a side effect, by the danger words in it, its grade and its burden; at any other text
that a client writes, by its words.

The most urgent of all readings counts. Words are read as `flags.py` says; what a client writes that nobody here
understands is read by a person the same day.

The rules are red_flags.yaml, text-contexts.yaml, known-words.yaml, triage.yaml and clocks.yaml, with their sources.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from careloop.knowledge.pack.drugs import ingredients
from careloop.knowledge.pack.index import in_force
from careloop.knowledge.pack.pack import Pack, current_pack
from careloop.knowledge.pack.shapes.urgency import Level, Reads, RedFlag, ResponseClock, TriageRule
from careloop.knowledge.urgency.flags import Recognised, recognised
from careloop.knowledge.urgency.understanding import drugs_named, names_symptom, strange_words

__all__ = [
    "NOT_UNDERSTOOD",
    "SEVERE_GRADE",
    "Level",
    "ReportedSideEffect",
    "Triage",
    "WrittenText",
    "triage",
    "triage_text",
]

NOT_UNDERSTOOD = "triage.not-understood"
"""The rule about words of a client that nobody here understands."""

SEVERE_GRADE = 3
"""From this CTCAE grade on a side effect is severe: a medicine suspected of it counts as not tolerated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenText:
    """What somebody wrote, and whether that is the client. The rules that judge it are those of `on`.

    `medicines` are the names of what is taken; None is unknown, which differs from taking none.
    """

    text: str
    by_client: bool
    medicines: tuple[str, ...] | None = None
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedSideEffect:
    """A side effect as it was reported. Grades are 1-5, burden 0-6; None is not asked.

    `medicines` are the names of what is taken; None is unknown, which differs from taking none. The rules that judge it
    are those of `felt_on`. Words of a client that are not understood are read by a person; a clinician knows.
    """

    symptom: str
    own_words: str = ""
    ctcae_grade: int | None = None
    fibser_burden: int | None = None
    suspected_medicine: str | None = None
    medicines: tuple[str, ...] | None = None
    felt_on: date
    by_client: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Triage:
    """The level, the rule that set it, and every red flag recognised.

    `within`: how soon after it became known a clinician must have looked; None is the next visit.
    """

    level: Level
    rule: str
    version: int
    red_flags: tuple[str, ...]
    within: timedelta | None


@dataclass(frozen=True, slots=True)
class _LevelReading:
    level: Level
    rule: str
    version: int


def triage(report: ReportedSideEffect, pack: Pack | None = None) -> Triage:
    """How urgent the report is. Never raises; one that is understood, ungraded and without red flags waits for the next
    visit.

    Words that are a red flag with some medicine only ask for a look on the same day while nobody knows what is taken.
    """
    pack, day = pack or current_pack(), report.felt_on
    text = f"{report.symptom}\n{report.own_words}"
    suspected = report.suspected_medicine
    named, flags = _flags(pack, text, report.medicines, suspected, day, by_client=report.by_client)
    readings = [
        *_of_flags(pack, named, flags, report.medicines, day),
        *_graded(pack, Reads.CTCAE_GRADE, report.ctcae_grade, day),
        *_graded(pack, Reads.FIBSER_BURDEN, report.fibser_burden, day),
    ]
    if not readings and report.by_client and not (named or names_symptom(pack, text)):
        readings += _not_understood(pack, day)
    return _judged(pack, readings or _unless_strange(pack, text, named, day, by_client=report.by_client), flags, day)


def triage_text(written: WrittenText, pack: Pack | None = None) -> Triage:
    """How soon a person must have read it. Never raises; what is understood and names no danger waits."""
    pack, day = pack or current_pack(), written.on
    named, flags = _flags(pack, written.text, written.medicines, None, day, by_client=written.by_client)
    readings = list(_of_flags(pack, named, flags, written.medicines, day))
    return _judged(
        pack, readings or _unless_strange(pack, written.text, named, day, by_client=written.by_client), flags, day
    )


def _flags(
    pack: Pack, text: str, medicines: tuple[str, ...] | None, suspected: str | None, day: date, *, by_client: bool
) -> tuple[list[Recognised], list[Recognised]]:
    """The flags whose words are there, and of these the ones that ask for something with what is taken, or named."""
    named = [
        found
        for flag in in_force(pack, RedFlag, day)
        if (found := recognised(pack, flag, text, by_client=by_client)) is not None
    ]
    taken = {drug for name in (*(medicines or ()), suspected) for drug in ingredients(name, pack=pack)}
    taken |= drugs_named(pack, text)
    concerned = [
        found for found in named if not found.flag.drugs or any(pack.among(drug, found.flag.drugs) for drug in taken)
    ]
    return named, [found for found in concerned if found.level is not None]


def _of_flags(
    pack: Pack, named: list[Recognised], flags: list[Recognised], medicines: tuple[str, ...] | None, day: date
) -> Iterator[_LevelReading]:
    yield from (_LevelReading(one.level, one.rule, one.flag.version) for one in flags if one.level is not None)
    if medicines is None:
        possible = [one for one in named if one.flag.drugs and one.level is not None and one not in flags]
        yield from _readings(pack, Reads.MEDICINES_UNKNOWN, day, *(f".{one.flag.id}" for one in possible))


def _unless_strange(
    pack: Pack, text: str, named: list[Recognised], day: date, *, by_client: bool
) -> list[_LevelReading]:
    """Of a text in which nothing asks for anything: it waits, or is read where its words are not all known. Words that
    were recognised, though they are denied, are known."""
    recognised_words = {word for one in named for word in one.words}
    strange = by_client and any(word not in recognised_words for word in strange_words(pack, text))
    return list(_not_understood(pack, day)) if strange else list(_readings(pack, Reads.UNGRADED, day, ""))


def _not_understood(pack: Pack, day: date) -> Iterator[_LevelReading]:
    return _readings(pack, Reads.NOT_UNDERSTOOD, day, "")


def _judged(pack: Pack, readings: list[_LevelReading], flags: list[Recognised], day: date) -> Triage:
    most_urgent = min(readings, key=lambda reading: reading.level.rank)
    clocks = (clock for clock in in_force(pack, ResponseClock, day) if clock.triage is most_urgent.level)
    return Triage(
        level=most_urgent.level,
        rule=most_urgent.rule,
        version=most_urgent.version,
        red_flags=tuple(one.flag.id for one in flags),
        within=next((timedelta(minutes=clock.minutes) for clock in clocks), None),
    )


def _readings(pack: Pack, reads: Reads, day: date, *endings: str) -> Iterator[_LevelReading]:
    """One reading for each ending of the rule's name."""
    for rule in in_force(pack, TriageRule, day):
        if rule.reads is reads:
            yield from (_LevelReading(rule.level, rule.id + ending, rule.version) for ending in endings)


def _graded(pack: Pack, reads: Reads, answer: int | None, day: date) -> Iterator[_LevelReading]:
    """The reading of an answer; one outside its scale is read as the nearest one."""
    if answer is not None:
        rules = (rule for rule in in_force(pack, TriageRule, day) if rule.reads is reads)
        rule = min(rules, key=lambda one: one.answers.distance(answer))
        yield _LevelReading(rule.level, rule.id, rule.version)
