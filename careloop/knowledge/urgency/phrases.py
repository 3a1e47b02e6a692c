"""How well texts are read: phrases whose level a person has set, held against the level that the rules give."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from careloop.knowledge.pack.pack import Pack
from careloop.knowledge.pack.shapes.urgency import Level
from careloop.knowledge.urgency.triage import NOT_UNDERSTOOD, WrittenText, triage_text

EVERYDAY, NOT_DANGER = "everyday", "not-danger"
"""Phrases that wait for the next visit: ordinary ones, which are to be understood, and ones that look like danger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPhrase:
    """`wanted` is what a person set. What is not understood counts at `found` as waiting, as no rule graded it; it is
    read the same day all the same."""

    text: str
    wanted: Level
    everyday: bool
    found: Level
    rule: str
    understood: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelFigures:
    """Of one level: how many phrases are meant to have it, how many the rules gave it, how many of these rightly."""

    level: Level
    wanted: int
    found: int
    right: int

    @property
    def precision(self) -> float | None:
        return self.right / self.found if self.found else None

    @property
    def recall(self) -> float | None:
        return self.right / self.wanted if self.wanted else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhraseFigures:
    """`silent`: phrases meant for an emergency or the same day that nobody would read before the next visit.
    `not_understood` are the everyday ones that a person would have to read on the same day."""

    levels: tuple[LevelFigures, ...]
    everyday: int
    not_understood: int
    silent: tuple[ReadPhrase, ...]


def read_phrases(listed: Mapping[str, Iterable[str]], on: date, pack: Pack | None = None) -> tuple[ReadPhrase, ...]:
    """Each phrase as a client writes it who takes no medicine. Keys are levels, EVERYDAY or NOT_DANGER."""
    return tuple(_read(text, kind, on, pack) for kind, texts in listed.items() for text in texts)


def _read(text: str, kind: str, on: date, pack: Pack | None) -> ReadPhrase:
    found = triage_text(WrittenText(text=text, by_client=True, medicines=(), on=on), pack)
    understood = found.rule != NOT_UNDERSTOOD
    return ReadPhrase(
        text=text,
        wanted=Level.NEXT_VISIT if kind in (EVERYDAY, NOT_DANGER) else Level(kind),
        everyday=kind == EVERYDAY,
        found=found.level if understood else Level.NEXT_VISIT,
        rule=found.rule,
        understood=understood,
    )


def figures(phrases: Iterable[ReadPhrase]) -> PhraseFigures:
    """Precision and recall of every level, and what nobody would read in time."""
    read = tuple(phrases)
    everyday = [one for one in read if one.everyday]
    urgent = (Level.EMERGENCY_NOW, Level.SAME_DAY)
    return PhraseFigures(
        levels=tuple(_of_level(level, read) for level in Level),
        everyday=len(everyday),
        not_understood=sum(not one.understood for one in everyday),
        silent=tuple(one for one in read if one.wanted in urgent and one.found is Level.NEXT_VISIT and one.understood),
    )


def _of_level(level: Level, read: tuple[ReadPhrase, ...]) -> LevelFigures:
    found = [one for one in read if one.found is level]
    return LevelFigures(
        level=level,
        wanted=sum(one.wanted is level for one in read),
        found=len(found),
        right=sum(one.wanted is level for one in found),
    )
