"""How soon a side effect needs a person: by red flags in its words, by its grade, by its burden.

The most urgent of all readings counts. Words are read for what they name, never for what they deny: "no fever" is read
as fever, because a red flag recognised once too often harms less than one missed.

The rules are red_flags.yaml, triage.yaml and clocks.yaml, with their sources.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from careloop.knowledge.pack.drugs import ingredients
from careloop.knowledge.pack.index import in_force
from careloop.knowledge.pack.pack import current_pack
from careloop.knowledge.pack.shapes.urgency import Level, Reads, RedFlag, ResponseClock, TriageRule

__all__ = ["SEVERE_GRADE", "Level", "ReportedSideEffect", "Triage", "triage"]

SEVERE_GRADE = 3
"""From this CTCAE grade on a side effect is severe: a medicine suspected of it counts as not tolerated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedSideEffect:
    """A side effect as it was reported. Grades are 1-5, burden 0-6; None is not asked.

    `medicines` are the names of what is taken; None is unknown, which differs from taking none. The rules that judge it
    are those of `felt_on`.
    """

    symptom: str
    own_words: str = ""
    ctcae_grade: int | None = None
    fibser_burden: int | None = None
    suspected_medicine: str | None = None
    medicines: tuple[str, ...] | None = None
    felt_on: date


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


def triage(report: ReportedSideEffect) -> Triage:
    """How urgent the report is. Never raises; an ungraded report without red flags waits for the next visit.

    Words that are a red flag with some medicine only ask for a look on the same day while nobody knows what is taken.
    """
    pack, day = current_pack(), report.felt_on
    named = [flag for flag in in_force(pack, RedFlag, day) if _is_named(flag, report)]
    flags = [flag for flag in named if _concerns(flag, report)]
    possible = [flag for flag in named if flag not in flags] if report.medicines is None else []
    readings = [
        *(_LevelReading(flag.level, f"triage.red-flag.{flag.id}", flag.version) for flag in flags),
        *_readings(Reads.MEDICINES_UNKNOWN, day, *(f".{flag.id}" for flag in possible)),
        *_graded(Reads.CTCAE_GRADE, report.ctcae_grade, day),
        *_graded(Reads.FIBSER_BURDEN, report.fibser_burden, day),
    ] or [*_readings(Reads.UNGRADED, day, "")]
    most_urgent = min(readings, key=lambda reading: reading.level.rank)
    clocks = (clock for clock in in_force(pack, ResponseClock, day) if clock.triage is most_urgent.level)
    return Triage(
        level=most_urgent.level,
        rule=most_urgent.rule,
        version=most_urgent.version,
        red_flags=tuple(flag.id for flag in flags),
        within=next((timedelta(minutes=clock.minutes) for clock in clocks), None),
    )


def _readings(reads: Reads, day: date, *endings: str) -> Iterator[_LevelReading]:
    """One reading for each ending of the rule's name."""
    for rule in in_force(current_pack(), TriageRule, day):
        if rule.reads is reads:
            yield from (_LevelReading(rule.level, rule.id + ending, rule.version) for ending in endings)


def _graded(reads: Reads, answer: int | None, day: date) -> Iterator[_LevelReading]:
    """The reading of an answer; one outside its scale is read as the nearest one."""
    if answer is not None:
        rules = (rule for rule in in_force(current_pack(), TriageRule, day) if rule.reads is reads)
        rule = min(rules, key=lambda one: one.answers.distance(answer))
        yield _LevelReading(rule.level, rule.id, rule.version)


def _is_named(flag: RedFlag, report: ReportedSideEffect) -> bool:
    said = f"{report.symptom} {report.own_words}".casefold()
    return all(_says_any(said, words) for words in flag.all_of)


def _concerns(flag: RedFlag, report: ReportedSideEffect) -> bool:
    """Whether the flag holds for what is taken or suspected."""
    pack = current_pack()
    taken = {drug for name in (*(report.medicines or ()), report.suspected_medicine) for drug in ingredients(name)}
    return not flag.drugs or any(pack.among(drug, flag.drugs) for drug in taken)


def _says_any(said: str, phrases: Iterable[str]) -> bool:
    return any(_pattern(phrase).search(said) for phrase in phrases)


@cache
def _pattern(phrase: str) -> re.Pattern[str]:
    """The beginnings of the phrase's words, in order, with at most three words between them."""
    between = r"\w*(?:\W+\w+){0,3}?\W+"
    return re.compile(r"\b" + between.join(re.escape(word) for word in phrase.split()))
