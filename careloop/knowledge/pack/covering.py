"""Which drug was gone through for which check, with how many rules and from which sources."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from careloop.knowledge.findings import Check
from careloop.knowledge.pack.index import covered_checks
from careloop.knowledge.pack.pack import Pack
from careloop.knowledge.pack.shapes.entries import Sourced
from careloop.knowledge.pack.soundness.references import names_in

_LISTS: Mapping[Check, tuple[str, ...]] = {
    Check.DRUG_DRUG: ("interactions", "stopping", "loads"),
    Check.WASHOUT: ("washouts",),
    Check.DRUG_CONDITION: ("drug_conditions", "genotypes"),
    Check.ALLERGY: (),
    Check.DUPLICATE_THERAPY: ("duplicates",),
    Check.DOSE: ("doses",),
    Check.AGE: ("ages",),
    Check.PREGNANCY: ("pregnancy",),
    Check.LAB: ("labs", "needed_facts"),
    Check.PRIOR_TRIAL: (),
    Check.SUPPLY: ("supply",),
    Check.CONTROLLED_SUBSTANCE: ("controlled",),
}
"""The lists of a pack whose rules each check reads, where they name drugs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckCovered:
    """`reviewed`: the drug's entry was gone through for the check; otherwise an order gets the note `thin-coverage`.

    `rules` that name the drug or a class of it, and their `sources`; first those that the review was made against.
    """

    check: Check
    reviewed: bool
    rules: int
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrugCovered:
    drug: str
    checks: tuple[CheckCovered, ...]

    @property
    def thin(self) -> bool:
        """Whether some check is not covered."""
        return not all(one.reviewed for one in self.checks)


def covering(pack: Pack) -> tuple[DrugCovered, ...]:
    """Every drug of the pack by name, with every check."""
    naming = {
        check: [(rule, names_in(rule)) for name in lists for rule in getattr(pack, name)]
        for check, lists in _LISTS.items()
    }
    return tuple(
        DrugCovered(drug=drug, checks=tuple(_covered(pack, drug, check, naming[check]) for check in Check))
        for drug in sorted(pack.drugs)
    )


def _covered(pack: Pack, drug: str, check: Check, naming: Iterable[tuple[Sourced, frozenset[str]]]) -> CheckCovered:
    rules = [rule for rule, names in naming if not pack.meanings[drug].isdisjoint(names)]
    reviewed = check in covered_checks(pack, drug)
    sources = [*_reviews(pack, drug, check), *(rule.source for rule in rules)]
    return CheckCovered(check=check, reviewed=reviewed, rules=len(rules), sources=tuple(dict.fromkeys(sources)))


def _reviews(pack: Pack, drug: str, check: Check) -> Iterator[str]:
    for entry in pack.coverage:
        if check in entry.checks and (not entry.drugs or pack.among(drug, entry.drugs)):
            yield entry.source
