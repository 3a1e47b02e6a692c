"""What data files say about each other: every name must lead somewhere, and no id may mean two things at once."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import msgspec

from careloop.knowledge.pack.reading import PackInvalid
from careloop.knowledge.pack.shapes import screening
from careloop.knowledge.pack.shapes.entries import FIRST_DAY, Sourced

DRUGS, CONDITIONS, MECHANISM = "neither drug nor class", "not a condition", "not a mechanism"
MEASURE = "not a measure"
REFERENCES: Mapping[str, str] = {
    **dict.fromkeys(
        ("drug", "drugs", "drugs_except", "left", "right", "left_except", "right_except", "after", "before",
         "after_except", "before_except", "members", "cautions", "with_drugs", "without_drugs", "high_risk",
         "affected", "stopped"),
        DRUGS,
    ),
    "conditions": CONDITIONS,
    "without_conditions": CONDITIONS,
    "together_with": CONDITIONS,
    "indications": CONDITIONS,
    "mechanism": MECHANISM,
    "measures": MEASURE,
}  # fmt: skip
"""Fields that name drugs or classes, conditions, a mechanism or measures, in whatever entry they stand; and what is
said of a name that leads nowhere."""


def require_unique(what: str, names: Iterable[str]) -> None:
    """Raises PackInvalid for names given more than once."""
    repeated = sorted(name for name, times in Counter(names).items() if times > 1)
    if repeated:
        raise PackInvalid(f"{what} given more than once: {', '.join(repeated)}")


def require_known(entries: Mapping[str, Iterable[msgspec.Struct]], known: Mapping[str, Collection[str]]) -> None:
    """Raises PackInvalid, naming file and entry, for a name that none of `known` (by kind of reference) holds."""
    for file, listed in entries.items():
        for entry in listed:
            for fault, name in _named(entry):
                if name not in known[fault]:
                    raise PackInvalid(f"{file}: {label(entry)}: {name} is {fault}")


def _named(entry: msgspec.Struct) -> Iterator[tuple[str, str]]:
    for field in entry.__struct_fields__:
        value = getattr(entry, field)
        parts = value if isinstance(value, tuple) else (value,)
        for part in parts:
            if isinstance(part, msgspec.Struct):
                yield from _named(part)
            elif field in REFERENCES and isinstance(part, str):
                yield REFERENCES[field], part


def names_in(entry: object) -> frozenset[str]:
    """The drugs and classes an entry speaks of, exceptions left out."""
    if not isinstance(entry, msgspec.Struct):
        return frozenset()
    changed = msgspec.structs.replace(
        entry, **{field: () for field in entry.__struct_fields__ if field.endswith("_except")}
    )
    return frozenset(name for fault, name in _named(changed) if fault == DRUGS)


def require_periods(entries: Mapping[str, Iterable[msgspec.Struct]]) -> None:
    """A rule has one meaning on any day: two of one id must differ in version and follow each other in time."""
    periods: dict[str, list[tuple[date, date, int, str]]] = defaultdict(list)
    for file, listed in entries.items():
        for rule in listed:
            if isinstance(rule, Sourced):
                until = rule.effective_to or date.max
                if until < rule.effective_from:
                    raise PackInvalid(f"{file}: {rule.id}: ends before it begins")
                periods[rule.id].append((rule.effective_from, until, rule.version, file))
    for name, held in periods.items():
        require_unique(f"{held[0][3]}: {name}: version", (str(version) for _, _, version, _ in held))
        held.sort()
        for (_, until, _, _), (begins, _, _, file) in pairwise(held):
            if begins <= until:
                raise PackInvalid(f"{file}: {name}: two versions are in force on {begins}")


def days_of_change(rules: Iterable[Sourced]) -> list[date]:
    """The first day, and each later one on which a rule begins to hold or holds no longer."""
    days = {FIRST_DAY}
    for rule in rules:
        days.add(rule.effective_from)
        if rule.effective_to is not None and rule.effective_to < date.max:
            days.add(rule.effective_to + timedelta(days=1))
    return sorted(day for day in days if day >= FIRST_DAY)


def require_ranges(entries: Mapping[str, Iterable[msgspec.Struct]]) -> None:
    """Raises PackInvalid for a range of ages that holds nobody, such as from 65 to 24."""
    for file, listed in entries.items():
        for entry in listed:
            least, most = getattr(entry, "from_age", None), getattr(entry, "to_age", None)
            if least is not None and most is not None and most < least:
                raise PackInvalid(f"{file}: {label(entry)}: from_age is above to_age")


def require_disjoint(rules: Iterable[screening.DoseRule]) -> None:
    """Raises PackInvalid for two limits of one drug that judge by overlapping ranges of filtration rates."""
    ranges: dict[str, list[tuple[Decimal, Decimal, str]]] = defaultdict(list)
    for rule in rules:
        if rule.when is not None and rule.when.egfr_below is not None:
            for drug in rule.drugs:
                ranges[drug].append((rule.when.egfr_from or Decimal(0), rule.when.egfr_below, rule.id))
    for drug, held in ranges.items():
        for (_, until, one), (begins, _, other) in pairwise(sorted(held)):
            if begins < until:
                raise PackInvalid(f"doses.yaml: {one} and {other} overlap for {drug} at a rate of {begins}")


def label(entry: msgspec.Struct) -> str:
    """How an entry is called."""
    return str(getattr(entry, "id", None) or getattr(entry, "name", None) or type(entry).__name__)
