"""Which medicine of one source is the same as one of another."""

from collections.abc import Hashable

from careloop.contracts.terms import Medicine
from careloop.knowledge.pack.drugs import ingredients


def substance(medicine: Medicine) -> Hashable:
    """What is meant, however it is written: the ingredients if they are known, else the words or the code."""
    return substance_of(medicine.name or None, medicine.rxcui or None)


def substance_of(name: str | None, rxcui: str | None) -> Hashable:
    return frozenset(ingredients(name, rxcui)) or (name or "").casefold() or rxcui
