"""How soon a side effect needs a person: by red flags in its words, by its grade, by its burden.

The most urgent of all readings counts. Words are read for what they name, never for what they deny: "no fever" is read
as fever, because a red flag recognised once too often harms less than one missed.

Sources: FDA labels from memory (red flags), CTCAE v5 grades, FIBSER action by burden; the levels are a proposal of this
project, `reviewed: false`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cache

import msgspec

from careloop.knowledge.drugs import ingredients
from careloop.knowledge.pack import Pack, PackInvalid, current_pack, parse, read_data
from careloop.knowledge.schema import Basis


class Level(StrEnum):
    """Most urgent first."""

    EMERGENCY_NOW = "emergency-now"
    SAME_DAY = "same-day"
    WITHIN_72_HOURS = "within-72-hours"
    NEXT_VISIT = "next-visit"

    @property
    def rank(self) -> int:
        """0 for the most urgent."""
        return list(Level).index(self)


SEVERE_GRADE = 3
"""From this CTCAE grade on a side effect is severe: a medicine suspected of it counts as not tolerated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriageClocks:
    """How soon after it became known a clinician must have looked; the next visit has no clock of its own.

    A proposal of this project.
    """

    emergency_now: timedelta = timedelta(minutes=15)
    same_day: timedelta = timedelta(hours=12)
    within_72_hours: timedelta = timedelta(hours=72)

    def within(self, level: Level) -> timedelta | None:
        return {
            Level.EMERGENCY_NOW: self.emergency_now,
            Level.SAME_DAY: self.same_day,
            Level.WITHIN_72_HOURS: self.within_72_hours,
        }.get(level)


class RedFlag(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words that ask for attention at once, with the medicines they concern (none: whatever is taken)."""

    id: str
    version: int
    basis: Basis
    source: str
    drugs: tuple[str, ...]
    all_of: tuple[tuple[str, ...], ...]
    reviewed: bool
    effective_from: date
    level: Level = Level.EMERGENCY_NOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A side effect as told. Grades are 1-5, burden 0-6; None is not asked.

    `medicines` are the names of what is taken; None is unknown, which differs from taking none.
    """

    symptom: str
    own_words: str = ""
    ctcae_grade: int | None = None
    fibser_burden: int | None = None
    suspected_medicine: str | None = None
    medicines: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Triage:
    """The level, the rule that set it, and every red flag recognised."""

    level: Level
    rule: str
    version: int
    red_flags: tuple[str, ...]


@cache
def red_flags() -> tuple[RedFlag, ...]:
    """The red flags of the pack."""
    return read_red_flags(read_data(), current_pack())


def read_red_flags(content: Mapping[str, bytes], pack: Pack) -> tuple[RedFlag, ...]:
    """Of these data files. Raises PackInvalid for a repeated id, a flag without words, an unknown drug."""
    found = parse(content, "red_flags.yaml", RedFlag)
    if any(drug not in pack.members for flag in found for drug in flag.drugs):
        raise PackInvalid("red_flags.yaml: drugs are those of the pack")
    if len({flag.id for flag in found}) != len(found) or not all(flag.all_of and all(flag.all_of) for flag in found):
        raise PackInvalid("red_flags.yaml: ids must be unique and every flag needs words")
    return found


def triage(report: Report) -> Triage:
    """How urgent the report is. Never raises; an ungraded report without red flags waits for the next visit.

    Words that are a red flag with some medicine only ask for a look on the same day while nobody knows what is taken.
    """
    told = [flag for flag in red_flags() if _is_told(flag, report)]
    flags = [flag for flag in told if _concerns(flag, report)]
    possible = told if report.medicines is None else []
    readings = [
        *_by_flags(flags),
        *((Level.SAME_DAY, f"triage.medicines-unknown.{flag.id}") for flag in possible if flag not in flags),
        *_by_grade(report.ctcae_grade),
        *_by_burden(report.fibser_burden),
    ]
    level, rule = min(readings, key=lambda reading: reading[0].rank, default=(Level.NEXT_VISIT, "triage.ungraded"))
    return Triage(level=level, rule=rule, version=1, red_flags=tuple(flag.id for flag in flags))


Reading = tuple[Level, str]


def _by_flags(flags: list[RedFlag]) -> list[Reading]:
    return [(flag.level, f"triage.red-flag.{flag.id}") for flag in flags]


def _by_grade(grade: int | None) -> list[Reading]:
    if grade is None:
        return []
    if grade >= 4:
        return [(Level.EMERGENCY_NOW, "triage.ctcae-4")]
    by_grade = {3: Level.SAME_DAY, 2: Level.WITHIN_72_HOURS}
    return [(by_grade.get(grade, Level.NEXT_VISIT), f"triage.ctcae-{grade}")]


def _by_burden(burden: int | None) -> list[Reading]:
    if burden is None:
        return []
    if burden >= 5:
        return [(Level.SAME_DAY, "triage.fibser-burden-5")]
    if burden >= 3:
        return [(Level.WITHIN_72_HOURS, "triage.fibser-burden-3")]
    return [(Level.NEXT_VISIT, "triage.fibser-burden-0")]


def _is_told(flag: RedFlag, report: Report) -> bool:
    told = f"{report.symptom} {report.own_words}".casefold()
    return all(_says_any(told, words) for words in flag.all_of)


def _concerns(flag: RedFlag, report: Report) -> bool:
    """Whether the flag holds for what is taken or suspected."""
    pack = current_pack()
    taken = {drug for name in (*(report.medicines or ()), report.suspected_medicine) for drug in ingredients(name)}
    return not flag.drugs or any(pack.among(drug, flag.drugs) for drug in taken)


def _says_any(told: str, phrases: Iterable[str]) -> bool:
    return any(_pattern(phrase).search(told) for phrase in phrases)


@cache
def _pattern(phrase: str) -> re.Pattern[str]:
    """The beginnings of the phrase's words, in order, with at most three words between them."""
    between = r"\w*(?:\W+\w+){0,3}?\W+"
    return re.compile(r"\b" + between.join(re.escape(word) for word in phrase.split()))
