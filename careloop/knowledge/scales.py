"""Rating scales: what the answers add up to, which band that is, and which answers need a person's eye.

An answer of None is missing. Where more are missing than the instrument allows there is no total: none is invented.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import msgspec

from careloop.kernel.errors import InvalidInput
from careloop.knowledge.pack import parse, read_data


class Item(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question, or `count` like ones; answers are 0 to `most`."""

    name: str
    most: int
    count: int = 1


class Band(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Holds from this total up to the next band."""

    name: str
    from_: int = msgspec.field(name="from")


class ItemFlag(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Raised when the answer to `item` (from 1) is at least `from`."""

    name: str
    item: int
    from_: int = msgspec.field(name="from")


class Instrument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rating scale and how it is scored."""

    id: str
    version: int
    source: str
    basis: str
    items: tuple[Item, ...]
    score: str
    totalled: tuple[int, ...] = ()
    missing_allowed: int = 0
    bands: tuple[Band, ...] = ()
    flags: tuple[ItemFlag, ...] = ()

    @property
    def most(self) -> tuple[int, ...]:
        """The highest answer of each item, in order."""
        return tuple(item.most for item in self.items for _ in range(item.count))

    @property
    def counted(self) -> tuple[int, ...]:
        """The indexes, from 0, of the items that make the total."""
        return tuple(item - 1 for item in self.totalled) or tuple(range(len(self.most)))

    @property
    def highest_total(self) -> int:
        return sum(self.most[index] for index in self.counted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a scale says. `total` and `band` are None where too many answers are missing."""

    instrument: str
    version: int
    total: int | None
    band: str | None
    flags: tuple[str, ...]
    missing: int


Answers = Sequence[int | None]


@cache
def instruments() -> Mapping[str, Instrument]:
    """Every instrument of the pack by its id."""
    found = parse(read_data(), "instruments.yaml", Instrument)
    known = {instrument.id: instrument for instrument in found}
    if len(known) != len(found):
        raise ValueError("instruments.yaml names an instrument twice")
    for instrument in found:
        _check(instrument)
    return known


def _check(instrument: Instrument) -> None:
    starts = [band.from_ for band in instrument.bands]
    if instrument.score != "sum" and instrument.score not in OWN_RULES:
        raise ValueError(f"{instrument.id}: no such way to score")
    if starts and (starts[0] != 0 or starts != sorted(set(starts)) or starts[-1] > instrument.highest_total):
        raise ValueError(f"{instrument.id}: bands must rise from 0 within the range")


def score(instrument_id: str, answers: Answers) -> Score:
    """The score of these answers. Raises InvalidInput naming the item and its range, or the count of items."""
    instrument = _instrument(instrument_id)
    _require_answers(instrument, answers)
    total, band, flags = OWN_RULES.get(instrument.score, _added)(instrument, answers)
    raised = tuple(flag.name for flag in instrument.flags if (answers[flag.item - 1] or 0) >= flag.from_)
    return Score(
        instrument=instrument.id,
        version=instrument.version,
        total=total,
        band=band,
        flags=raised + flags,
        missing=sum(answer is None for answer in answers),
    )


def score_total(instrument_id: str, total: int) -> Score:
    """A total from elsewhere with its band; what only the items could tell stays untold.

    Raises InvalidInput for an instrument whose total means nothing without items, and for a total out of range.
    """
    instrument = _instrument(instrument_id)
    if not instrument.bands:
        raise InvalidInput("items-needed", f"{instrument.id} is read from its items.", field="instrument")
    if not 0 <= total <= instrument.highest_total:
        sentence = f"total must be from 0 to {instrument.highest_total} for {instrument.id}."
        raise InvalidInput("out-of-range", sentence, field="total")
    band = _band(instrument, total)
    return Score(instrument=instrument.id, version=instrument.version, total=total, band=band, flags=(), missing=0)


def _instrument(instrument_id: str) -> Instrument:
    found = instruments().get(instrument_id)
    if found is None:
        known = ", ".join(instruments())
        raise InvalidInput("unknown-instrument", f"instrument must be one of: {known}.", field="instrument")
    return found


def _require_answers(instrument: Instrument, answers: Answers) -> None:
    most = instrument.most
    if len(answers) != len(most):
        sentence = f"{instrument.id} has {len(most)} items; {len(answers)} answers were given."
        raise InvalidInput("wrong-count", sentence, field="items")
    for index, (answer, highest) in enumerate(zip(answers, most, strict=True)):
        if answer is not None and not 0 <= answer <= highest:
            sentence = f"Item {index + 1} of {instrument.id} must be from 0 to {highest}."
            raise InvalidInput("out-of-range", sentence, field=f"items[{index}]")


Rule = Callable[[Instrument, Answers], tuple[int | None, str | None, tuple[str, ...]]]


def _added(instrument: Instrument, answers: Answers) -> tuple[int | None, str | None, tuple[str, ...]]:
    counted = [answers[index] for index in instrument.counted]
    given = [answer for answer in counted if answer is not None]
    missing = len(counted) - len(given)
    if not given or missing > instrument.missing_allowed:
        return None, None, ()
    total = (2 * sum(given) * len(counted) + len(given)) // (2 * len(given))
    return total, _band(instrument, total), ()


def _band(instrument: Instrument, total: int) -> str | None:
    return next((band.name for band in reversed(instrument.bands) if total >= band.from_), None)


def _columbia_screener(_instrument: Instrument, answers: Answers) -> tuple[None, str | None, tuple[str, ...]]:
    """The highest band that a yes reaches. Without one, none: but only if nothing that mattered is missing.

    Questions 3 to 5 are only asked after a yes to question 2.
    """
    wish, thoughts, method, intent, plan, lifetime, recent = answers
    if 1 in (intent, plan, recent):
        return None, "high", ()
    if 1 in (method, lifetime):
        return None, "moderate", ()
    asked = (wish, thoughts, lifetime, recent) + ((method, intent, plan) if thoughts else ())
    if None in asked and not (
        lifetime == 0 and None not in (wish, thoughts, *((method, intent, plan) if thoughts else ()))
    ):
        return None, None, ()
    return None, "low" if 1 in (wish, thoughts) else "none", ()


def _mood_disorder(_instrument: Instrument, answers: Answers) -> tuple[int | None, str | None, tuple[str, ...]]:
    """Positive with 7 symptoms or more in the same period and at least a moderate problem from them."""
    symptoms, (same_period, impairment) = answers[:13], answers[13:]
    if None in answers:
        return None, None, ()
    total = sum(answer or 0 for answer in symptoms)
    positive = total >= 7 and same_period == 1 and (impairment or 0) >= 2
    return total, "positive" if positive else "negative", ()


def _involuntary_movement(_instrument: Instrument, answers: Answers) -> tuple[int | None, str | None, tuple[str, ...]]:
    """Probable tardive dyskinesia: 2 or more in at least two areas, or 3 or more in one."""
    areas = [answer for answer in answers[:7] if answer is not None]
    probable = sum(area >= 2 for area in areas) >= 2 or any(area >= 3 for area in areas)
    if len(areas) < 7 and not probable:
        return None, None, ()
    total = sum(areas) if len(areas) == 7 else None
    return total, "probable-dyskinesia" if probable else "below-criterion", ()


OWN_RULES: Mapping[str, Rule] = {
    "columbia-screener": _columbia_screener,
    "mood-disorder": _mood_disorder,
    "involuntary-movement": _involuntary_movement,
}
"""Ways to score that are not a sum, by their name in the data."""
