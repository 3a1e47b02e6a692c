"""The ends of legal rules, which move with the Federal Register and not with a release: an operator may move them."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from careloop.knowledge.pack.reading import PackInvalid
from careloop.knowledge.pack.shapes.entries import Sourced
from careloop.knowledge.pack.shapes.supply import LegalDate

FILE = "legal-dates.yaml"
LEGAL = ("telehealth.yaml", "controlled.yaml", "prescriptions.yaml", "refills.yaml")
"""The files whose rules are law."""


def with_dates(read: Mapping[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    """The entries of all files, with the ends of legal rules moved.

    Raises PackInvalid for a rule that is no legal one, or is named twice, for an end before its first day, and where
    nobody is named who set it, or no document.
    """
    moved: tuple[LegalDate, ...] = read.get(FILE, ())
    if not moved:
        return dict(read)
    ends = {one.rule: one for one in moved}
    legal = [rule for name in LEGAL for rule in read.get(name, ())]
    for fault in _faults(moved, legal):
        raise PackInvalid(f"{FILE}: {fault}")
    return {**read, **{name: tuple(_moved(rule, ends) for rule in read[name]) for name in LEGAL if name in read}}


def _moved(rule: Sourced, ends: Mapping[str, LegalDate]) -> Sourced:
    end = ends.get(rule.id)
    if end is None:
        return rule
    source = f"{rule.source}; its end moved by {end.set_by}: {end.citation}"
    return msgspec.structs.replace(rule, effective_to=end.effective_to, source=source)


def _faults(moved: tuple[LegalDate, ...], legal: Iterable[Sourced]) -> Iterable[str]:
    first = {rule.id: rule.effective_from for rule in legal}
    names = [one.rule for one in moved]
    for one in moved:
        if one.rule not in first:
            yield f"{one.rule}: the legal rules are {', '.join(sorted(first))}"
        elif names.count(one.rule) > 1:
            yield f"{one.rule} is named twice"
        elif one.effective_to is not None and one.effective_to < first[one.rule]:
            yield f"{one.rule}: {one.effective_to} is before its first day, {first[one.rule]}"
        if not (one.citation.strip() and one.set_by.strip()):
            yield f"{one.rule}: say in citation and set_by after which document, and who moved it"
