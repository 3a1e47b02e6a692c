"""What the pack says about a drug, a pair or a condition: looked up once, then remembered for the life of the pack."""

from functools import lru_cache
from typing import Any

from careloop.knowledge.findings import Check
from careloop.knowledge.pack import Pack
from careloop.knowledge.schema import PairRule, Relation
from careloop.knowledge.text import mentions, words

_SOME, _MANY = 4096, 65536


@lru_cache(_SOME)
def concerning(pack: Pack, field: str, drug: str) -> tuple[Any, ...]:
    """The rules of one list that name the drug or a class of it, or no drug at all."""
    return tuple(rule for rule in getattr(pack, field) if not rule.drugs or pack.among(drug, rule.drugs))


@lru_cache(_MANY)
def between(pack: Pack, drug: str, other: str) -> tuple[tuple[Check, PairRule, bool], ...]:
    """Every pair rule that speaks of these two, duplicates first; True when `drug` stands on its left side."""
    kinds = ((Check.DUPLICATE_THERAPY, pack.duplicates), (Check.DRUG_DRUG, pack.interactions))
    return tuple(
        (kind, rule, drug_is_left)
        for kind, rules in kinds
        for rule in rules
        for drug_is_left in (True, False)
        if _sided(pack, rule, *((drug, other) if drug_is_left else (other, drug)))
    )


def _sided(pack: Pack, rule: PairRule, left: str, right: str) -> bool:
    excepted = pack.among(left, rule.left_except) or pack.among(right, rule.right_except)
    return pack.among(left, rule.left) and pack.among(right, rule.right) and not excepted


@lru_cache(_MANY)
def same_molecule(pack: Pack, drug: str, other: str) -> bool:
    """The same ingredient, or an enantiomer or metabolite of it."""
    return drug == other or any(
        group.relation is Relation.SAME and pack.among(drug, group.members) and pack.among(other, group.members)
        for group in pack.groups
    )


@lru_cache(_MANY)
def condition_groups(pack: Pack, icd10: str | None, snomed: str | None, text: str | None) -> frozenset[str]:
    """The groups a condition belongs to, by code or by a mention in its words."""
    code, said = (icd10 or "").strip().upper(), words(text or "")
    return frozenset(
        group.name
        for group in pack.conditions.values()
        if snomed in group.snomed
        or bool(code and code.startswith(group.icd10))
        or any(mentions(said, words(phrase)) for phrase in group.words)
    )


@lru_cache(_SOME)
def membership(pack: Pack, drug: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """How the drug comes to be meant by one of these names: the name, and the classes on the way down to the drug."""
    if drug in names:
        return ()
    for name in names:
        if drug not in pack.members[name]:
            continue
        if name in pack.drugs[drug].classes:
            return (name,)
        return (name, *membership(pack, drug, pack.includes.get(name, ())))
    return ()
