"""The ways to score: how the answers of one instrument become a total and a band."""

from collections.abc import Callable, Mapping, Sequence

from careloop.knowledge.chart import Sex
from careloop.knowledge.pack.instruments import SUM, Instrument

Answers = Sequence[int | None]
Scored = tuple[int | None, str | None]


def total_and_band(instrument: Instrument, answers: Answers, sex: Sex | None) -> Scored:
    """Total and band of complete or incomplete answers that are within their ranges."""
    if instrument.score == SUM:
        return _added(instrument, answers, sex)
    return OWN_RULES[instrument.score](answers)


def band_of(instrument: Instrument, total: int, sex: Sex | None) -> str | None:
    """The highest band that the total reaches; None where the instrument has no bands."""
    bands = instrument.bands_by_sex.get(sex or Sex.UNKNOWN, instrument.bands)
    return next((band.name for band in reversed(bands) if total >= band.from_), None)


def highest_band(instrument: Instrument, answers: Answers) -> str:
    """The band of a screener if every missing answer to what was to be asked were a yes."""
    _total, band = OWN_RULES[instrument.score](_AT_WORST[instrument.score](answers))
    assert band is not None
    return band


def _added(instrument: Instrument, answers: Answers, sex: Sex | None) -> Scored:
    counted = [answers[index] for index in instrument.counted]
    given = [answer for answer in counted if answer is not None]
    if not given or len(counted) - len(given) > instrument.missing_allowed:
        return None, None
    total = (2 * sum(given) * len(counted) + len(given)) // (2 * len(given))
    return total, band_of(instrument, total, sex)


def _columbia_screener(answers: Answers) -> Scored:
    """The highest band that a yes reaches. Without one, none: but only if nothing that mattered is missing.

    Questions 3 to 5 are only asked after a yes to question 2, and whether it was recent after a yes to ever.
    """
    wish, thoughts, method, intent, plan, lifetime, recent = answers
    if 1 in (intent, plan, recent):
        return None, "high"
    if 1 in (method, lifetime):
        return None, "moderate"
    followed = (method, intent, plan) if thoughts else ()
    if None in (wish, thoughts, lifetime, *followed):
        return None, None
    return None, "low" if 1 in (wish, thoughts) else "none"


def _answered_at_worst(answers: Answers) -> list[int]:
    """Every missing answer as a yes, where it was to be asked."""
    _wish, thoughts, _method, _intent, _plan, lifetime, _recent = answers
    followed = thoughts != 0
    asked = (True, True, followed, followed, followed, True, lifetime != 0)
    return [int(asks) if answer is None else answer for answer, asks in zip(answers, asked, strict=True)]


def _mood_disorder(answers: Answers) -> Scored:
    """Positive with 7 symptoms or more in the same period and at least a moderate problem from them."""
    if None in answers:
        return None, None
    *symptoms, same_period, impairment = (answer or 0 for answer in answers)
    total = sum(symptoms)
    return total, "positive" if total >= 7 and same_period == 1 and impairment >= 2 else "negative"


def _involuntary_movement(answers: Answers) -> Scored:
    """Probable tardive dyskinesia: 2 or more in at least two areas, or 3 or more in one."""
    areas = [answer for answer in answers[:7] if answer is not None]
    probable = sum(area >= 2 for area in areas) >= 2 or any(area >= 3 for area in areas)
    if len(areas) < 7:
        return None, "probable-dyskinesia" if probable else None
    return sum(areas), "probable-dyskinesia" if probable else "below-criterion"


def _tolerability(answers: Answers) -> Scored:
    """The worst of the systems; a missing one leaves it open unless another is distressing already."""
    if 2 in answers:
        return None, "distressing"
    if None in answers:
        return None, None
    return None, "tolerable" if 1 in answers else "none"


OWN_RULES: Mapping[str, Callable[[Answers], Scored]] = {
    "columbia-screener": _columbia_screener,
    "mood-disorder": _mood_disorder,
    "involuntary-movement": _involuntary_movement,
    "tolerability": _tolerability,
}
"""Ways to score that are not a sum, by their name in the data."""
_AT_WORST: Mapping[str, Callable[[Answers], Answers]] = {"columbia-screener": _answered_at_worst}
