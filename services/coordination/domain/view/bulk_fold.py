"""Many events of one source folded at once: the section that `add` makes of them one by one, for less work."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import reduce
from operator import lt
from typing import Any, cast

from msgspec import structs

from careloop.contracts.terms import EnteredInError
from careloop.kernel.ids import FactId
from services.coordination.domain.view.dated_fact import DatedFact, order
from services.coordination.domain.view.section_fold import add
from services.coordination.domain.view.sections import Section
from services.coordination.domain.view.sections.shelf import STRUCK, Shelf

Filling = dict[str, tuple[Shelf, list[DatedFact[Any]]]]
"""By name each shelf that something comes onto, and what will stand on it, of which what stood there is in order."""


def add_all(section: Section, facts: Sequence[DatedFact[Any]]) -> Section:
    """The section with these events of its source, in the order in which they came. Never raises."""
    filling = _filling(section, facts)
    if STRUCK.field in filling:
        if any(shelf.latest is not None and len(there) > shelf.latest for shelf, there in filling.values()):
            # What a strike takes from a full shelf depends on what had fallen off before it came.
            return reduce(add, facts, section)
        filling = _everything(section) | filling
    struck = filling[STRUCK.field][1] if STRUCK.field in filling else section.struck
    wrong = {dated.fact.fact_id for dated in struck}
    shelves = {
        shelf.field: _in_order(shelf, _without(wrong, there))
        if wrong and shelf is not STRUCK
        else _in_order(shelf, there, stood=len(getattr(section, shelf.field)))
        for shelf, there in filling.values()
    }
    return cast(Section, replace(cast(Any, section), **shelves))


def _filling(section: Section, facts: Sequence[DatedFact[Any]]) -> Filling:
    filling: Filling = {}
    places: dict[type, tuple[Shelf, list[DatedFact[Any]]] | None] = {}
    for dated in facts:
        kind = type(dated.fact)
        if kind not in places:
            places[kind] = _place(section, kind, filling)
        place = places[kind]
        if place is not None:
            shelf, coming = place
            fact = shelf.form(dated.fact)
            coming.append(dated if fact is dated.fact else structs.replace(dated, fact=fact))
    return filling


def _place(section: Section, kind: type, filling: Filling) -> tuple[Shelf, list[DatedFact[Any]]] | None:
    shelf = STRUCK if issubclass(kind, EnteredInError) else section.shelves.get(kind)
    return None if shelf is None else filling.setdefault(shelf.field, (shelf, list(getattr(section, shelf.field))))


def _everything(section: Section) -> Filling:
    return {shelf.field: (shelf, list(getattr(section, shelf.field))) for shelf in section.shelves.values()}


def _without(wrong: set[FactId], facts: Sequence[DatedFact[Any]]) -> list[DatedFact[Any]]:
    return [dated for dated in facts if getattr(dated.fact, "fact_id", None) not in wrong]


def _in_order(shelf: Shelf, facts: list[DatedFact[Any]], stood: int = 0) -> tuple[DatedFact[Any], ...]:
    """By when they were true; of two at one place the one that came first. The first `stood` of them are in order."""
    moments = [dated.fact.occurred_at for dated in facts[max(stood - 1, 0) :]]
    if not all(map(lt, moments, moments[1:])):
        first: dict[tuple[datetime, int], DatedFact[Any]] = {}
        for dated in facts:
            first.setdefault(order(dated), dated)
        facts = [first[place] for place in sorted(first)]
    return tuple(facts if shelf.latest is None else facts[-shelf.latest :])
