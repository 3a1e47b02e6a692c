"""Many events of one source folded at once: the section that `keep` makes of them one by one, for less work."""

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from operator import itemgetter
from typing import Any, cast

from careloop.contracts.terms import EnteredInError
from careloop.kernel.ids import FactId
from services.coordination.domain.care_view import keep
from services.coordination.domain.kept import Kept, order
from services.coordination.domain.sections import Section, Shelf

STRUCK = Shelf(field="struck")
Filling = dict[str, tuple[Shelf, list[Kept[Any]]]]
"""By name each shelf that something comes onto, and what will stand on it, not yet in order."""


def grow(section: Section, told: Sequence[Kept[Any]]) -> Section:
    """The section with these events of its source, in the order in which they came. Never raises."""
    filling = _filling(section, told)
    if STRUCK.field in filling:
        if any(shelf.latest is not None and len(kept) > shelf.latest for shelf, kept in filling.values()):
            # What a strike takes from a full shelf depends on what had fallen off before it came.
            return reduce(keep, told, section)
        filling = _everything(section) | filling
    struck = filling[STRUCK.field][1] if STRUCK.field in filling else section.struck
    wrong = {kept.fact.fact_id for kept in struck}
    shelves = {shelf.field: _in_order(shelf, kept, wrong) for shelf, kept in filling.values()}
    return cast(Section, replace(cast(Any, section), **shelves))


def _filling(section: Section, told: Sequence[Kept[Any]]) -> Filling:
    filling: Filling = {}
    shelves = section.shelves
    for kept in told:
        shelf = STRUCK if isinstance(kept.fact, EnteredInError) else shelves.get(type(kept.fact))
        if shelf is None:
            continue
        if shelf.field not in filling:
            filling[shelf.field] = shelf, list(getattr(section, shelf.field))
        fact = shelf.form(kept.fact)
        filling[shelf.field][1].append(kept if fact is kept.fact else replace(kept, fact=fact))
    return filling


def _everything(section: Section) -> Filling:
    return {shelf.field: (shelf, list(getattr(section, shelf.field))) for shelf in section.shelves.values()}


def _in_order(shelf: Shelf, facts: Sequence[Kept[Any]], wrong: set[FactId]) -> tuple[Kept[Any], ...]:
    """By when they were true, without the struck; of two at one place the one that came first."""
    placed = [
        (order(kept), kept)
        for kept in facts
        if not wrong or shelf is STRUCK or getattr(kept.fact, "fact_id", None) not in wrong
    ]
    placed.sort(key=itemgetter(0))
    first = [kept for n, (place, kept) in enumerate(placed) if n == 0 or placed[n - 1][0] != place]
    return tuple(first if shelf.latest is None else first[-shelf.latest :])
