"""Many events of one source folded at once: the section that `keep` makes of them one by one, for less work."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import reduce
from operator import lt
from typing import Any, cast

from msgspec import structs

from careloop.contracts.terms import EnteredInError
from careloop.kernel.ids import FactId
from services.coordination.domain.view.dated_fact import Kept, order
from services.coordination.domain.view.section_fold import keep
from services.coordination.domain.view.sections import Section, Shelf

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
    shelves = {
        shelf.field: _in_order(shelf, kept if shelf is STRUCK or not wrong else _without(wrong, kept))
        for shelf, kept in filling.values()
    }
    return cast(Section, replace(cast(Any, section), **shelves))


def _filling(section: Section, told: Sequence[Kept[Any]]) -> Filling:
    filling: Filling = {}
    places: dict[type, tuple[Shelf, list[Kept[Any]]] | None] = {}
    for kept in told:
        kind = type(kept.fact)
        if kind not in places:
            places[kind] = _place(section, kind, filling)
        place = places[kind]
        if place is not None:
            shelf, facts = place
            fact = shelf.form(kept.fact)
            facts.append(kept if fact is kept.fact else structs.replace(kept, fact=fact))
    return filling


def _place(section: Section, kind: type, filling: Filling) -> tuple[Shelf, list[Kept[Any]]] | None:
    shelf = STRUCK if issubclass(kind, EnteredInError) else section.shelves.get(kind)
    return None if shelf is None else filling.setdefault(shelf.field, (shelf, list(getattr(section, shelf.field))))


def _everything(section: Section) -> Filling:
    return {shelf.field: (shelf, list(getattr(section, shelf.field))) for shelf in section.shelves.values()}


def _without(wrong: set[FactId], facts: Sequence[Kept[Any]]) -> list[Kept[Any]]:
    return [kept for kept in facts if getattr(kept.fact, "fact_id", None) not in wrong]


def _in_order(shelf: Shelf, facts: list[Kept[Any]]) -> tuple[Kept[Any], ...]:
    """By when they were true; of two at one place the one that came first."""
    moments = [kept.fact.occurred_at for kept in facts]
    if not all(map(lt, moments, moments[1:])):
        first: dict[tuple[datetime, int], Kept[Any]] = {}
        for kept in facts:
            first.setdefault(order(kept), kept)
        facts = [first[place] for place in sorted(first)]
    return tuple(facts if shelf.latest is None else facts[-shelf.latest :])
