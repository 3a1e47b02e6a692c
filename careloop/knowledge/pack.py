"""The knowledge pack: all data files, read once, checked strictly, and named by a digest over their content."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from itertools import chain
from typing import Any, TypeVar

import msgspec
import yaml

from careloop.knowledge import schema
from careloop.knowledge.findings import PackReference
from careloop.knowledge.text import tokens

E = TypeVar("E", bound=msgspec.Struct)


class PackInvalid(ValueError):
    """A data file says something the pack may not: an unknown key, a repeated id or a name that leads nowhere."""


class Title(schema.Entry, frozen=True, kw_only=True):
    """Name and version of the pack, and the drugs for which an unchecked order must not pass without a reason."""

    name: str
    version: str
    high_risk: tuple[str, ...]


class Pack(schema.Entry, frozen=True, kw_only=True):
    """Everything the checks decide with. `members` holds, for every class and every drug name, the drugs meant."""

    title: Title
    digest: str
    drugs: dict[str, schema.Drug]
    members: dict[str, frozenset[str]]
    conditions: dict[str, schema.ConditionGroup]
    groups: tuple[schema.SubstanceGroup, ...]
    not_drugs: frozenset[str]
    interactions: tuple[schema.PairRule, ...]
    washouts: tuple[schema.WashoutRule, ...]
    duplicates: tuple[schema.PairRule, ...]
    same_ingredient: schema.Rule
    allergies: tuple[schema.AllergyRule, ...]
    doses: tuple[schema.DoseRule, ...]
    drug_conditions: tuple[schema.ConditionRule, ...]
    ages: tuple[schema.AgeRule, ...]
    pregnancy: tuple[schema.PregnancyRule, ...]
    labs: tuple[schema.LabRule, ...]
    trials: tuple[schema.TrialRule, ...]
    supply: tuple[schema.SupplyRule, ...]
    controlled: tuple[schema.ControlledRule, ...]
    combinations: tuple[schema.Combination, ...]
    product_words: frozenset[str]
    units: tuple[schema.UnitOf, ...]
    lexicon: dict[tuple[str, ...], tuple[str, ...]]
    longest_name: int
    codes: dict[str, tuple[tuple[str, ...], bool]]

    @property
    def reference(self) -> PackReference:
        return PackReference(pack=self.title.name, version=self.title.version, digest=self.digest)

    def rules(self) -> tuple[schema.Rule, ...]:
        """Every rule."""
        return (self.same_ingredient, *(rule for field in RULES for rule in getattr(self, field)))

    def among(self, drug: str, names: Iterable[str]) -> bool:
        """Whether the drug is one of these drugs or in one of these classes."""
        return any(drug in self.members[name] for name in names)


RULES: Mapping[str, type[schema.Rule]] = {
    "interactions": schema.PairRule,
    "washouts": schema.WashoutRule,
    "duplicates": schema.PairRule,
    "allergies": schema.AllergyRule,
    "doses": schema.DoseRule,
    "drug_conditions": schema.ConditionRule,
    "ages": schema.AgeRule,
    "pregnancy": schema.PregnancyRule,
    "labs": schema.LabRule,
    "trials": schema.TrialRule,
    "supply": schema.SupplyRule,
    "controlled": schema.ControlledRule,
}
"""The lists of rules of a pack; each is a data file of the same name."""


def _file_of(field: str) -> str:
    return f"{field.replace('_', '-')}.yaml"


class _StrictLoader(yaml.CSafeLoader):
    """YAML without repeated keys, which plain YAML readers let the last one win."""


def _mapping(loader: _StrictLoader, node: yaml.MappingNode) -> dict[Hashable, object]:
    keys = [loader.construct_object(key) for key, _ in node.value]
    if len(keys) != len(set(keys)):
        raise PackInvalid(f"a key is repeated near line {node.start_mark.line + 1}")
    return loader.construct_mapping(node, deep=True)


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_data() -> dict[str, bytes]:
    """The pack's own data files by name."""
    folder = files("careloop.knowledge") / "data"
    return {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.name.endswith(".yaml")}


def parse(content: Mapping[str, bytes], name: str, shape: type[E]) -> tuple[E, ...]:
    """The entries of one data file. Raises PackInvalid naming the file and the place."""
    try:
        read = yaml.load(content[name], _StrictLoader)  # noqa: S506 - built on the safe loader
        return msgspec.convert(read, tuple[shape, ...])  # type: ignore[valid-type]
    except (KeyError, yaml.YAMLError, msgspec.ValidationError, PackInvalid) as fault:
        raise PackInvalid(f"{name}: {fault}") from fault


def digest_of(content: Mapping[str, bytes]) -> str:
    """`sha256:` over names and bytes of all data files: any change of any rule gives another digest."""
    total = sha256()
    for name in sorted(content):
        total.update(f"{name}\0{len(content[name])}\0".encode())
        total.update(content[name])
    return f"sha256:{total.hexdigest()}"


def load(content: Mapping[str, bytes]) -> Pack:
    """A checked pack. Raises PackInvalid on an unknown key, a repeated id or a dangling reference."""
    drugs = parse(content, "drugs.yaml", schema.Drug)
    groups = parse(content, "groups.yaml", schema.SubstanceGroup)
    conditions = parse(content, "conditions.yaml", schema.ConditionGroup)
    combinations = parse(content, "combinations.yaml", schema.Combination)
    words = parse(content, "product-words.yaml", schema.Words)
    lexicon = _lexicon(drugs, combinations)
    titles = parse(content, "pack.yaml", Title)
    same = parse(content, "same-ingredient.yaml", schema.Rule)
    if len(titles) != 1 or len(same) != 1:
        raise PackInvalid("pack.yaml and same-ingredient.yaml hold exactly one entry each")
    lists: dict[str, Any] = {field: parse(content, _file_of(field), shape) for field, shape in RULES.items()}
    pack = Pack(
        **lists,
        title=titles[0],
        digest=digest_of(content),
        drugs={drug.name: drug for drug in drugs},
        members=_members(drugs, parse(content, "classes.yaml", schema.DrugClass)),
        conditions={group.name: group for group in conditions},
        groups=groups,
        not_drugs=frozenset(entry.name for entry in parse(content, "not-drugs.yaml", schema.Named)),
        same_ingredient=same[0],
        combinations=combinations,
        product_words=frozenset(word for kind in words for word in kind.words),
        units=parse(content, "units.yaml", schema.UnitOf),
        lexicon=lexicon,
        longest_name=max(map(len, lexicon)),
        codes=_codes(drugs, combinations),
    )
    _require_unique("code", (code.rxcui for entry in drugs for code in entry.codes))
    _require_unique("code of a combination", (code.rxcui for entry in combinations for code in entry.codes))
    _require_unique("group", (group.name for group in groups))
    _require_unique("condition", (group.name for group in conditions))
    _require_unique("rule", (rule.id for rule in pack.rules()))
    _require_known(pack)
    return pack


def _members(drugs: Iterable[schema.Drug], classes: Iterable[schema.DrugClass]) -> dict[str, frozenset[str]]:
    """Classes opened up to the drugs they mean, at any depth; each drug name means itself."""
    drugs, classes = tuple(drugs), tuple(classes)
    _require_unique("drug or class", [*(drug.name for drug in drugs), *(listed.name for listed in classes)])
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


def _lexicon(
    drugs: Iterable[schema.Drug], combinations: Iterable[schema.Combination]
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
    drugs: Iterable[schema.Drug], combinations: Iterable[schema.Combination]
) -> dict[str, tuple[tuple[str, ...], bool]]:
    coded: list[tuple[schema.Code, tuple[str, ...]]] = [(code, (drug.name,)) for drug in drugs for code in drug.codes]
    coded += [(code, entry.drugs) for entry in combinations for code in entry.codes]
    return {code.rxcui: (ingredients, code.verified) for code, ingredients in coded}


def _require_unique(what: str, names: Iterable[str]) -> None:
    repeated = sorted(name for name, times in Counter(names).items() if times > 1)
    if repeated:
        raise PackInvalid(f"{what} given more than once: {', '.join(repeated)}")


_DRUG_FIELDS = (
    "drugs", "left", "right", "left_except", "right_except", "after", "before", "after_except", "members", "cautions",
    "with_drugs", "high_risk",
)  # fmt: skip


def _require_known(pack: Pack) -> None:
    whens = [rule.when for rule in pack.doses if rule.when is not None]
    for entry in (*pack.rules(), *pack.groups, *pack.combinations, *whens, pack.title):
        for name in chain.from_iterable(getattr(entry, field, ()) for field in _DRUG_FIELDS):
            if name not in pack.members:
                raise PackInvalid(f"{name} is neither drug nor class")
        for name in getattr(entry, "conditions", ()):
            if name not in pack.conditions:
                raise PackInvalid(f"{name} is not a condition")


@cache
def current_pack() -> Pack:
    """The pack that ships with this version, read on first use."""
    return load(read_data())
