"""The knowledge pack: all data files, read once, checked strictly, and named by a digest over their content."""

from collections.abc import Collection, Iterable, Mapping
from functools import cache, lru_cache
from hashlib import sha256
from itertools import chain
from typing import Any, TypeVar, cast

import msgspec

from careloop.knowledge.findings import PackReference
from careloop.knowledge.pack.instruments import read_instruments
from careloop.knowledge.pack.kinds import KINDS, READ_BY_THEMSELVES, SINCE
from careloop.knowledge.pack.reading import PackInvalid, parse, read_data
from careloop.knowledge.pack.shapes import entries, follow_up, screening, vocabulary
from careloop.knowledge.pack.soundness.dangers import require_one_row
from careloop.knowledge.pack.soundness.dosing import require_dosing
from careloop.knowledge.pack.soundness.follow_up import require_follow_up, require_restarts
from careloop.knowledge.pack.soundness.references import (
    CONDITIONS,
    DRUGS,
    MEASURE,
    MECHANISM,
    require_disjoint,
    require_known,
    require_periods,
    require_ranges,
    require_unique,
)
from careloop.knowledge.pack.soundness.urgency import require_urgency
from careloop.knowledge.pack.text import tokens

__all__ = ["Pack", "PackInvalid", "current_pack", "digest_of", "load", "parse", "read_data"]

E = TypeVar("E", bound=entries.Entry)


class Pack(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Everything the checks decide with. `members` holds, for every class and every drug name, the drugs meant;
    `meanings`, for every drug, all names that mean it.

    `files` holds the entries of every data file that `kinds.py` lists, and that packs of this version have.
    """

    title: vocabulary.Title
    digest: str
    files: dict[str, tuple[entries.Entry, ...]]
    drugs: dict[str, vocabulary.Drug]
    members: dict[str, frozenset[str]]
    meanings: dict[str, frozenset[str]]
    includes: dict[str, tuple[str, ...]]
    conditions: dict[str, screening.ConditionGroup]
    groups: tuple[screening.SubstanceGroup, ...]
    not_drugs: dict[str, vocabulary.NotDrug]
    interactions: tuple[screening.PairRule, ...]
    washouts: tuple[screening.WashoutRule, ...]
    stopping: tuple[screening.StoppingRule, ...]
    loads: tuple[screening.LoadRule, ...]
    duplicates: tuple[screening.PairRule, ...]
    same_ingredient: entries.Rule
    allergies: tuple[screening.AllergyRule, ...]
    doses: tuple[screening.DoseRule, ...]
    drug_conditions: tuple[screening.ConditionRule, ...]
    genotypes: tuple[screening.GenotypeRule, ...]
    needed_facts: tuple[screening.NeededFact, ...]
    coverage: tuple[screening.Coverage, ...]
    ages: tuple[screening.AgeRule, ...]
    pregnancy: tuple[screening.PregnancyRule, ...]
    labs: tuple[screening.LabRule, ...]
    trials: tuple[screening.TrialRule, ...]
    supply: tuple[screening.SupplyRule, ...]
    controlled: tuple[screening.ControlledRule, ...]
    combinations: tuple[vocabulary.Combination, ...]
    product_words: frozenset[str]
    units: tuple[vocabulary.UnitOf, ...]
    routes: dict[str, str]
    lexicon: dict[tuple[str, ...], tuple[str, ...]]
    longest_name: int
    codes: dict[str, tuple[tuple[str, ...], bool]]

    @property
    def reference(self) -> PackReference:
        return PackReference(pack=self.title.name, version=self.title.version, digest=self.digest)

    def rules(self) -> tuple[entries.Sourced, ...]:
        """Every rule of every file."""
        return tuple(entry for listed in self.files.values() for entry in listed if isinstance(entry, entries.Sourced))

    def entries(self, shape: type[E]) -> tuple[E, ...]:
        """All entries of one shape, in the order of their file."""
        return cast(tuple[E, ...], _of_shape(self, shape))

    def among(self, drug: str, names: Iterable[str]) -> bool:
        """Whether the drug is one of these drugs or in one of these classes."""
        return not self.meanings[drug].isdisjoint(names)


@lru_cache(512)
def _of_shape(pack: Pack, shape: type[entries.Entry]) -> tuple[entries.Entry, ...]:
    """Looked up once: rules of one shape are asked for with every order."""
    return tuple(entry for listed in pack.files.values() for entry in listed if type(entry) is shape)


LISTS = (
    "interactions", "washouts", "stopping", "loads", "duplicates", "allergies", "doses", "drug_conditions", "genotypes",
    "needed_facts", "coverage", "ages", "pregnancy", "labs", "trials", "supply", "controlled", "groups", "combinations",
    "units",
)  # fmt: skip
"""Fields of a pack that are a data file of the same name, as it stands; empty where an earlier version has none."""


def digest_of(content: Mapping[str, bytes]) -> str:
    """`sha256:` over names and bytes of all data files: any change of any rule gives another digest."""
    total = sha256()
    for name in sorted(content):
        total.update(f"{name}\0{len(content[name])}\0".encode())
        total.update(content[name])
    return f"sha256:{total.hexdigest()}"


def load(content: Mapping[str, bytes]) -> Pack:
    """A checked pack.

    Raises PackInvalid, naming file and entry, on an unknown key, a repeated id, two versions of a rule in force on one
    day, an empty range, a name that leads nowhere, a file that is missing, or one that no kind claims.
    """
    strange = sorted(content.keys() - KINDS.keys() - READ_BY_THEMSELVES)
    if strange:
        raise PackInvalid(f"no kind of entry claims {', '.join(strange)}")
    version = _version(parse(content, "pack.yaml", vocabulary.Title))
    read = {
        name: parse(content, name, shape)
        for name, shape in KINDS.items()
        if name in content or version >= SINCE.get(name, version)
    }
    _require_unambiguous(read)
    pack = _pack(read, digest_of(content))
    require_periods(read)
    require_ranges(read)
    require_follow_up(read)
    require_urgency(read, read_instruments(content))
    require_disjoint(pack.doses)
    mechanisms = {mechanism.name for mechanism in pack.entries(vocabulary.Mechanism)}
    known: Mapping[str, Collection[str]] = {
        DRUGS: pack.members,
        CONDITIONS: pack.conditions,
        MECHANISM: mechanisms,
        MEASURE: {measure.name for measure in pack.entries(follow_up.Measure)},
    }
    require_known(read, known)
    require_restarts(read, pack.members)
    require_one_row(read, pack.members)
    require_dosing(read, pack.members)
    return pack


def _version(titles: tuple[vocabulary.Title, ...]) -> tuple[int, ...]:
    if len(titles) != 1:
        raise PackInvalid("pack.yaml holds exactly one entry")
    try:
        return tuple(map(int, titles[0].version.split(".")))
    except ValueError:
        raise PackInvalid(f"pack.yaml: {titles[0].name}: a version is numbers with dots between") from None


def _require_unambiguous(read: Mapping[str, tuple[Any, ...]]) -> None:
    if len(read["same-ingredient.yaml"]) != 1:
        raise PackInvalid("same-ingredient.yaml holds exactly one entry")
    for name in ("drugs.yaml", "combinations.yaml"):
        require_unique(f"{name}: code", (code.rxcui for entry in read[name] for code in entry.codes))
    for name in ("groups.yaml", "conditions.yaml", "mechanisms.yaml", "not-drugs.yaml"):
        require_unique(f"{name}: name", (entry.name for entry in read[name]))


def _pack(read: Mapping[str, tuple[Any, ...]], digest: str) -> Pack:
    drugs, combinations = read["drugs.yaml"], read["combinations.yaml"]
    lexicon = _lexicon(drugs, combinations)
    members = _members(drugs, read["classes.yaml"])
    lists = {name: read.get(f"{name.replace('_', '-')}.yaml", ()) for name in LISTS}
    return Pack(
        **lists,
        title=read["pack.yaml"][0],
        digest=digest,
        files=dict(read),
        drugs={drug.name: drug for drug in drugs},
        members=members,
        meanings=_meanings(members, drugs),
        includes={listed.name: listed.includes for listed in read["classes.yaml"]},
        conditions={group.name: group for group in read["conditions.yaml"]},
        not_drugs={entry.name: entry for entry in read["not-drugs.yaml"]},
        same_ingredient=read["same-ingredient.yaml"][0],
        product_words=frozenset(word for kind in read["product-words.yaml"] for word in kind.words),
        routes={word: route.name for route in read["routes.yaml"] for word in route.words},
        lexicon=lexicon,
        longest_name=max(map(len, lexicon)),
        codes=_codes(drugs, combinations),
    )


def _members(drugs: Iterable[vocabulary.Drug], classes: Iterable[vocabulary.DrugClass]) -> dict[str, frozenset[str]]:
    """Classes opened up to the drugs they mean, at any depth; each drug name means itself."""
    drugs, classes = tuple(drugs), tuple(classes)
    require_unique("drug or class", [*(drug.name for drug in drugs), *(listed.name for listed in classes)])
    includes = {entry.name: entry.includes for entry in classes}
    members = {drug.name: frozenset({drug.name}) for drug in drugs}

    def opened(name: str, above: tuple[str, ...]) -> frozenset[str]:
        if name in members:
            return members[name]
        if name not in includes or name in above:
            raise PackInvalid(f"{name} is neither drug nor class, or includes itself")
        own = frozenset(drug.name for drug in drugs if name in drug.classes)
        return own.union(*(opened(part, (*above, name)) for part in includes[name]))

    for name in chain(includes, (listed for drug in drugs for listed in drug.classes)):
        members[name] = opened(name, ())
    return members


def _meanings(members: Mapping[str, frozenset[str]], drugs: Iterable[vocabulary.Drug]) -> dict[str, frozenset[str]]:
    """For every drug its own name and all classes it is in, at any depth."""
    names: dict[str, set[str]] = {drug.name: set() for drug in drugs}
    for name, meant in members.items():
        for drug in meant:
            names[drug].add(name)
    return {drug: frozenset(found) for drug, found in names.items()}


def _lexicon(
    drugs: Iterable[vocabulary.Drug], combinations: Iterable[vocabulary.Combination]
) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Every name as words, with the ingredients it means. Raises PackInvalid when one name means two things."""
    meant: list[tuple[str, tuple[str, ...]]] = [
        (name, (drug.name,)) for drug in drugs for name in (drug.name, *drug.also)
    ]
    meant += [(name, entry.drugs) for entry in combinations for name in (entry.name, *entry.also)]
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for name, ingredients in meant:
        if found.setdefault(tokens(name), ingredients) != ingredients:
            raise PackInvalid(f"{name} means two things")
    return found


def _codes(
    drugs: Iterable[vocabulary.Drug], combinations: Iterable[vocabulary.Combination]
) -> dict[str, tuple[tuple[str, ...], bool]]:
    coded: list[tuple[vocabulary.Code, tuple[str, ...]]] = [
        (code, (drug.name,)) for drug in drugs for code in drug.codes
    ]
    coded += [(code, entry.drugs) for entry in combinations for code in entry.codes]
    return {code.rxcui: (ingredients, code.verified) for code, ingredients in coded}


@cache
def current_pack() -> Pack:
    """The pack that ships with this version, read on first use."""
    return load(read_data())
