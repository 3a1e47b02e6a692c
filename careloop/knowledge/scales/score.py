"""Rating scales: what the answers add up to, which band that is, and which answers need a person's eye.

An answer of None is missing. Where more are missing than the instrument allows there is no total: none is invented.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from careloop.kernel.errors import InvalidInput
from careloop.knowledge.chart import Sex
from careloop.knowledge.pack.instruments import SUM, Cluster, Criterion, Instrument, instrument_of, instruments
from careloop.knowledge.pack.shapes.entries import Basis
from careloop.knowledge.scales.ways_to_score import Answers, band_of, highest_band, total_and_band

__all__ = ["Answers", "Instrument", "ScaleReading", "Score", "instruments", "readings", "score", "score_total"]

READ_BY_THE_CHECK = frozenset({"mdq", "asrm"})
"""Scales of which a safety check reads the last band as a condition, in the words `<instrument> <band>`: they speak of
mania, which an antidepressant alone can bring on (conditions.yaml)."""


SAFETY_ITEM_MISSING = "safety-item-missing"
"""The flag of answers in which a question about a danger was left out: nobody knows that the answer is no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a scale says. `total` and `band` are None where too many answers are missing."""

    instrument: str
    version: int
    total: int | None
    band: str | None
    flags: tuple[str, ...]
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleReading:
    """One thing that the answers say beyond their total, and what it asks for.

    `holds` is None where the missing answers would decide it.
    """

    name: str
    holds: bool | None
    action: str
    source: str
    basis: Basis
    reviewed: bool


def score(instrument_id: str, answers: Answers, sex: Sex | None = None) -> Score:
    """The score of these answers. Raises InvalidInput naming the item and its range, or the count of items.

    Where an instrument has cut-offs by sex, they hold for female and male; otherwise its band names whom it concerns.
    """
    instrument = instrument_of(instrument_id)
    _require_answers(instrument, answers)
    total, band = total_and_band(instrument, answers, sex)
    return Score(
        instrument=instrument.id,
        version=instrument.version,
        total=total,
        band=band,
        flags=_flags(instrument, answers, band),
        missing=sum(answer is None for answer in answers),
    )


def _flags(instrument: Instrument, answers: Answers, band: str | None) -> tuple[str, ...]:
    raised = tuple(flag.name for flag in instrument.flags if (answers[flag.item - 1] or 0) >= flag.from_)
    return (*raised, SAFETY_ITEM_MISSING) if _misses_a_danger(instrument, answers, band) else raised


def _misses_a_danger(instrument: Instrument, answers: Answers, band: str | None) -> bool:
    """Whether a safety item is missing that was to be asked, and a yes to it would make a difference."""
    if all(answers[item - 1] is not None for item in instrument.safety_items):
        return False
    if instrument.score == SUM:
        return True
    worst = highest_band(instrument, answers)
    return band is None or instrument.ranks.index(worst) > instrument.ranks.index(band)


def score_total(instrument_id: str, total: int, sex: Sex | None = None) -> Score:
    """A total from elsewhere with its band; what only the items could say stays unsaid.

    Raises InvalidInput for an instrument whose total means nothing without items, and for a total out of range.
    """
    instrument = instrument_of(instrument_id)
    if not instrument.bands:
        raise InvalidInput("items-needed", f"{instrument.id} is read from its items.", field="instrument")
    if not 0 <= total <= instrument.highest_total:
        sentence = f"total must be from 0 to {instrument.highest_total} for {instrument.id}."
        raise InvalidInput("out-of-range", sentence, field="total")
    band = band_of(instrument, total, sex)
    return Score(instrument=instrument.id, version=instrument.version, total=total, band=band, flags=(), missing=0)


def asks_for_a_danger(instrument_id: str) -> bool:
    """Whether the instrument has questions about a danger; False for one that is not known."""
    found = instruments().get(instrument_id)
    return found is not None and bool(found.safety_items)


def readings(instrument_id: str, answers: Answers, sex: Sex | None = None) -> tuple[ScaleReading, ...]:
    """What the band, the flagged answers and the criteria of single answers ask for, each with its source.

    Raises InvalidInput as `score` does.
    """
    scored = score(instrument_id, answers, sex)
    instrument = instrument_of(instrument_id)
    bands = [band for band in instrument.bands if band.name == scored.band and band.action]
    flags = [flag for flag in instrument.flags if flag.name in scored.flags and flag.action]
    return (
        *(_reading(instrument, band.name, band.action) for band in bands),
        *(_reading(instrument, flag.name, flag.action, basis=flag.basis) for flag in flags),
        *(_criterion(instrument, criterion, answers) for criterion in instrument.criteria),
    )


def _reading(instrument: Instrument, name: str, action: str, basis: Basis | None = None) -> ScaleReading:
    return ScaleReading(
        name=name,
        holds=True,
        action=action,
        source=instrument.source,
        basis=basis or instrument.basis,
        reviewed=instrument.reviewed,
    )


def _criterion(instrument: Instrument, criterion: Criterion, answers: Answers) -> ScaleReading:
    found = [_holds(cluster, criterion, answers) for cluster in criterion.clusters]
    return ScaleReading(
        name=criterion.name,
        holds=False if False in found else None if None in found else True,
        action=criterion.action,
        source=criterion.source,
        basis=criterion.basis,
        reviewed=instrument.reviewed,
    )


def _holds(cluster: Cluster, criterion: Criterion, answers: Answers) -> bool | None:
    """Whether it holds however the missing answers might have been given."""
    given = [(item, answers[item - 1]) for item in cluster.items]
    fewest = sum(answer is not None and answer >= criterion.limit(item) for item, answer in given)
    most = fewest + sum(answer is None for _, answer in given)
    highest = len(cluster.items) if cluster.at_most is None else cluster.at_most
    if most < cluster.at_least or fewest > highest:
        return False
    return True if fewest >= cluster.at_least and most <= highest else None


def _require_answers(instrument: Instrument, answers: Sequence[int | None]) -> None:
    most, names = instrument.most, instrument.names
    if len(answers) != len(most):
        sentence = f"{instrument.id} has {len(most)} items; {len(answers)} answers were given."
        raise InvalidInput("wrong-count", sentence, field="items")
    for index, (answer, highest) in enumerate(zip(answers, most, strict=True)):
        if answer is not None and not 0 <= answer <= highest:
            sentence = f"Item {index + 1} of {instrument.id} must be from 0 to {highest} ({names[index]})."
            raise InvalidInput("out-of-range", sentence, field=f"items[{index}]")
