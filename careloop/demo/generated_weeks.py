"""Twelve generated weeks of care per patient: pure and seeded, so the same patient has the same course in every run.

Every text sent from here is labelled as generated; answers of a client are the client's alone. Totals fall, stall or
rise as courses of treatment do; they are
plausible, not clinical data.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from random import Random
from uuid import UUID

WEEKS = 12
DAYS = WEEKS * 7
SOURCE = "generated-overlay"
SKIP_REASONS = ("forgot", "felt sick", "ran out", "was travelling")

SIDE_EFFECTS = (
    ("nausea", "my stomach turns after the tablet", 1),
    ("headache", "dull headache most afternoons", 1),
    ("insomnia", "I lie awake until three", 2),
    ("dry mouth", "my mouth is dry all day", 1),
    ("sweating", "I wake up soaked", 2),
    ("sedation", "I could fall asleep at my desk", 2),
    ("decreased libido", "no interest at all", 1),
)


class Course(Enum):
    """How much of the first week's score is left at the end."""

    REMISSION = 0.15
    RESPONSE = 0.45
    PARTIAL = 0.7
    NO_CHANGE = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """A scale answered on `day` of the course, its items in the instrument's order."""

    day: int
    instrument: str
    items: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Felt:
    """A side effect felt on `day`, and the day it was over; None if it is not."""

    day: int
    symptom: str
    own_words: str
    ctcae_grade: int
    over_on: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    """The dose of one day; `skipped_because` is empty when it was taken."""

    day: int
    skipped_because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Weeks:
    """One patient's generated course. Days count from 1."""

    course: Course
    answers: tuple[Answers, ...]
    felt: tuple[Felt, ...]
    doses: tuple[Dose, ...]


def weeks_of(patient: UUID, seed: int) -> Weeks:
    """The course of this patient; the same for the same seed."""
    chance = Random(f"{seed}:{patient}")  # noqa: S311 - a story, not a secret
    course = chance.choice(list(Course))
    return Weeks(
        course=course,
        answers=tuple(_answers(chance, course)),
        felt=tuple(_felt(chance)),
        doses=tuple(_doses(chance)),
    )


def _answers(chance: Random, course: Course) -> Iterator[Answers]:
    depressed, anxious = chance.randint(13, 22), chance.randint(9, 18)
    for week in range(WEEKS):
        left = 1 - (1 - course.value) * week / (WEEKS - 1)
        day = week * 7 + 1
        yield Answers(day=day, instrument="phq-9", items=(*_spread(chance, depressed * left, 8), 0))
        yield Answers(day=day, instrument="gad-7", items=_spread(chance, anxious * left, 7))


def _spread(chance: Random, total: float, items: int) -> tuple[int, ...]:
    """Answers of 0 to 3 that add up to about `total`."""
    wanted = min(items * 3, max(0, round(total + chance.uniform(-1.5, 1.5))))
    answers = [0] * items
    for _ in range(wanted):
        answers[chance.choice([place for place, answer in enumerate(answers) if answer < 3])] += 1
    return tuple(answers)


def _felt(chance: Random) -> Iterator[Felt]:
    for symptom, own_words, grade in chance.sample(SIDE_EFFECTS, chance.randint(1, 3)):
        day = chance.randint(3, DAYS - 20)
        over_on = day + chance.randint(5, 18) if chance.random() < 0.8 else None
        yield Felt(day=day, symptom=symptom, own_words=own_words, ctcae_grade=grade, over_on=over_on)


def _doses(chance: Random) -> Iterator[Dose]:
    faithful = chance.uniform(0.8, 0.99)
    for day in range(1, DAYS):
        skipped = "" if chance.random() < faithful else chance.choice(SKIP_REASONS)
        yield Dose(day=day, skipped_because=skipped)
