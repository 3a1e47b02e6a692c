"""What the pack says about a drug, a pair or a condition: looked up once, then remembered for the life of the pack."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from careloop.knowledge.findings import Check
from careloop.knowledge.pack.pack import Pack
from careloop.knowledge.pack.shapes.entries import FIRST_DAY, Rule, Sourced
from careloop.knowledge.pack.shapes.follow_up import Measure
from careloop.knowledge.pack.shapes.screening import DoseRule, Indication, PairRule, PhenotypeWords, Relation
from careloop.knowledge.pack.shapes.vocabulary import Mechanism
from careloop.knowledge.pack.text import mentions, words

_SOME, _MANY = 4096, 65536


@lru_cache(_SOME)
def concerning(pack: Pack, field: str, drug: str) -> tuple[Any, ...]:
    """The rules of one list that name the drug or a class of it, or no drug at all."""
    return tuple(rule for rule in getattr(pack, field) if not rule.drugs or pack.among(drug, rule.drugs))


@lru_cache(_MANY)
def concerning_on(pack: Pack, field: str, drug: str, day: date) -> tuple[tuple[Any, str], ...]:
    """Of these the rules in force on the day, each with the drug."""
    return tuple((rule, drug) for rule in concerning(pack, field, drug) if rule.in_force(day))


@lru_cache(_MANY)
def concerning_all(pack: Pack, field: str, drugs: tuple[str, ...], day: date) -> tuple[tuple[Any, str], ...]:
    """The same of several drugs, one after the other."""
    return tuple(one for drug in drugs for one in concerning_on(pack, field, drug, day))


@lru_cache(_SOME)
def listed_on(pack: Pack, field: str, day: date) -> tuple[Any, ...]:
    """The rules of one list in force on the day, whatever they name."""
    return tuple(rule for rule in getattr(pack, field) if rule.in_force(day))


@lru_cache(_SOME)
def in_force(pack: Pack, shape: type[Sourced], day: date) -> tuple[Any, ...]:
    """The rules of one shape that hold on the day; of a day before the first those of the first, so that none is
    without."""
    return tuple(rule for rule in pack.entries(shape) if rule.in_force(max(day, FIRST_DAY)))


@lru_cache(_MANY)
def between(pack: Pack, drug: str, other: str) -> tuple[tuple[Check, PairRule, bool], ...]:
    """Every pair rule that speaks of these two, duplicates first; True when `drug` stands on its left side."""
    (left, right), (other_left, other_right) = _sides(pack, drug), _sides(pack, other)
    ways = {True: left & other_right, False: right & other_left}
    rules = _pair_rules(pack)
    return tuple(
        (*rules[place], drug_is_left)
        for place in sorted(ways[True] | ways[False])
        for drug_is_left in (True, False)
        if place in ways[drug_is_left]
    )


@lru_cache(8)
def _pair_rules(pack: Pack) -> tuple[tuple[Check, PairRule], ...]:
    duplicates = tuple((Check.DUPLICATE_THERAPY, rule) for rule in pack.duplicates)
    return (*duplicates, *((Check.DRUG_DRUG, rule) for rule in pack.interactions))


@lru_cache(_SOME)
def _sides(pack: Pack, drug: str) -> tuple[frozenset[int], frozenset[int]]:
    """The places of the pair rules on whose left, and on whose right side the drug may stand."""
    left, right = set(), set()
    for place, (_, rule) in enumerate(_pair_rules(pack)):
        if pack.among(drug, rule.left) and not pack.among(drug, rule.left_except):
            left.add(place)
        if pack.among(drug, rule.right) and not pack.among(drug, rule.right_except):
            right.add(place)
    return frozenset(left), frozenset(right)


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
def indications_of(pack: Pack, drug: str) -> tuple[Indication, ...]:
    """What the drug is usually given for."""
    return tuple(entry for entry in pack.entries(Indication) if pack.among(drug, entry.drugs))


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


@lru_cache(_SOME)
def rule_of(pack: Pack, name: str, version: int) -> Rule | None:
    """The rule of this id and version, if the pack holds it."""
    known = (rule for rule in pack.rules() if rule.id == name and rule.version == version)
    return next((rule for rule in known if isinstance(rule, Rule)), None)


@lru_cache(_SOME)
def measure_named(pack: Pack, name: str) -> Measure | None:
    """The measure of this name."""
    return next((measure for measure in pack.entries(Measure) if measure.name == name), None)


@lru_cache(8)
def measures_by_code(pack: Pack) -> Mapping[str, str]:
    """By every code of a result, the first measure that has it."""
    return {code: measure.name for measure in reversed(pack.entries(Measure)) for code in measure.codes}


@lru_cache(_SOME)
def lowering(pack: Pack, drug: str) -> tuple[DoseRule, ...]:
    """The limits of treatments under way that hold while this drug is taken too."""
    return tuple(
        rule
        for rule in pack.doses
        if rule.when is not None and not rule.when.starting and pack.among(drug, rule.when.with_drugs)
    )


@lru_cache(_SOME)
def load_points(pack: Pack, drug: str) -> tuple[int, ...]:
    """What the drug adds to each load, in the order of the pack."""
    return tuple(
        max((weight.points for weight in rule.weights if pack.among(drug, weight.drugs)), default=0)
        for rule in pack.loads
    )


@lru_cache(_SOME)
def covered_checks(pack: Pack, drug: str) -> frozenset[Check]:
    """The checks for which the drug's entry was gone through."""
    entries = (entry for entry in pack.coverage if not entry.drugs or pack.among(drug, entry.drugs))
    return frozenset(kind for entry in entries for kind in entry.checks)


@lru_cache(_SOME)
def thin_checks(pack: Pack, drug: str) -> tuple[Check, ...]:
    """The others; none for a pack from before it was said."""
    covered = covered_checks(pack, drug)
    return tuple(kind for kind in Check if kind not in covered) if pack.coverage else ()


@lru_cache(8)
def known_snomed(pack: Pack) -> frozenset[str]:
    """The SNOMED CT codes of all groups of conditions."""
    return frozenset(code for group in pack.conditions.values() for code in group.snomed)


@lru_cache(8)
def phenotype_words(pack: Pack) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What is written for each phenotype, in the order of the data; empty for a pack from before they were listed."""
    return tuple((entry.name, entry.written) for entry in pack.entries(PhenotypeWords))


@lru_cache(8)
def mechanisms(pack: Pack) -> Mapping[str, str]:
    """The sentence of every mechanism, by its name."""
    return {mechanism.name: mechanism.text for mechanism in pack.entries(Mechanism)}
