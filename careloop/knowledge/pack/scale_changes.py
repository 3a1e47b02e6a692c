"""What a change of a scale means: one dated rule for each figure, checked when they are read."""

from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from functools import cache

import msgspec

from careloop.knowledge.pack.instruments import instruments
from careloop.knowledge.pack.pack import PackInvalid, parse, read_data
from careloop.knowledge.pack.shapes.entries import Basis, Entry


class Kind(StrEnum):
    """What a rule says; the words stand explained at the head of changes.yaml."""

    RESPONSE = "response"
    REMISSION = "remission"
    RELAPSE = "relapse"
    MEANINGFUL = "meaningful"
    RELIABLE = "reliable"
    RISE = "rise"
    RANK_RISE = "rank-rise"
    EARLY_IMPROVEMENT = "early-improvement"
    PLAN_CHANGE = "plan-change"


_FIGURES: Mapping[Kind, frozenset[str]] = {
    Kind.RESPONSE: frozenset({"percent", "eligible_from"}),
    Kind.REMISSION: frozenset({"through"}),
    Kind.RELAPSE: frozenset({"from_"}),
    Kind.MEANINGFUL: frozenset({"points"}),
    Kind.RELIABLE: frozenset({"points"}),
    Kind.RISE: frozenset({"points"}),
    Kind.RANK_RISE: frozenset(),
    Kind.EARLY_IMPROVEMENT: frozenset({"points", "by_days"}),
    Kind.PLAN_CHANGE: frozenset({"by_days"}),
}


class ChangeRule(Entry, frozen=True, kw_only=True):
    """One figure of one instrument. It judges results of days in [effective_from, effective_to]."""

    id: str
    version: int
    instrument: str
    kind: Kind
    action: str
    source: str
    basis: Basis
    reviewed: bool
    effective_from: date
    effective_to: date | None = None
    percent: int = 0
    eligible_from: int = 0
    through: int = 0
    from_: int = msgspec.field(name="from", default=0)
    points: int = 0
    by_days: int = 0

    def in_force(self, day: date) -> bool:
        return self.effective_from <= day <= (self.effective_to or date.max)


def read_change_rules(content: Mapping[str, bytes]) -> tuple[ChangeRule, ...]:
    """The rules of these data files. Raises PackInvalid on a missing figure or two rules for one thing on one day."""
    found = parse(content, "changes.yaml", ChangeRule)
    for fault in (*_faults(found), *_overlaps(found)):
        raise PackInvalid(f"changes.yaml: {fault}")
    return found


@cache
def change_rules() -> tuple[ChangeRule, ...]:
    """Every rule of the pack."""
    return read_change_rules(read_data())


def rules_for(instrument: str, day: date) -> Mapping[Kind, ChangeRule]:
    """The rules in force for the instrument on that day, at most one of each kind."""
    return {rule.kind: rule for rule in change_rules() if rule.instrument == instrument and rule.in_force(day)}


def _faults(rules: tuple[ChangeRule, ...]) -> Iterator[str]:
    for rule in rules:
        named = {name for name in frozenset().union(*_FIGURES.values()) if getattr(rule, name)}
        if rule.instrument not in instruments():
            yield f"{rule.id}: no such instrument"
        if named != _FIGURES[rule.kind]:
            yield f"{rule.id}: a {rule.kind} has the figures {', '.join(sorted(_FIGURES[rule.kind]))}"


def _overlaps(rules: tuple[ChangeRule, ...]) -> Iterator[str]:
    for index, rule in enumerate(rules):
        for other in rules[index + 1 :]:
            same = (rule.instrument, rule.kind) == (other.instrument, other.kind)
            days = (max(rule.effective_from, other.effective_from), rule.effective_to, other.effective_to)
            if rule.id == other.id:
                yield f"{rule.id}: given twice"
            if same and days[0] <= min(days[1] or date.max, days[2] or date.max):
                yield f"{rule.id} and {other.id} hold on the same day"
