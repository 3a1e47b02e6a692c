"""Drug-condition: diagnoses and genotypes that speak against the ordered drug."""

from careloop.knowledge.chart import Genotype
from careloop.knowledge.findings import Check, NotChecked, Reason
from careloop.knowledge.pack.index import condition_groups
from careloop.knowledge.pack.shapes.screening import ConditionRule, GenotypeRule
from careloop.knowledge.screening.case import Case, CheckResult, alert, missing


def check(case: Case) -> CheckResult:
    """A condition given by a SNOMED CT code alone that is in no group of the pack is listed as not understood."""
    rules = case.rules("drug_conditions")
    if case.chart.patient.conditions is None:
        return missing(Check.DRUG_CONDITION, Reason.CONDITIONS_NOT_RECORDED)
    alerts = [
        alert(rule, Check.DRUG_CONDITION, drug, *_names(case, rule.conditions)) for rule, drug in _worst(case, rules)
    ]
    gaps = _not_understood(case) if rules else ()
    return CheckResult(tuple(alerts), gaps, frozenset({Check.DRUG_CONDITION}))


def _worst(case: Case, rules: tuple[tuple[ConditionRule, str], ...]) -> list[tuple[ConditionRule, str]]:
    """Of one condition the worst rule for each mechanism: what is contraindicated is not listed once more as high."""
    worst_met: list[tuple[ConditionRule, str]] = []
    for condition in case.chart.patient.conditions or ():
        groups = condition_groups(case.pack, condition.icd10, condition.snomed, condition.text)
        met = [(rule, drug) for rule, drug in rules if not groups.isdisjoint(rule.conditions)]
        worst: dict[tuple[str, str], int] = {}
        for rule, drug in met:
            worst[drug, rule.mechanism] = min(rule.severity.rank, worst.get((drug, rule.mechanism), rule.severity.rank))
        worst_met += [(rule, drug) for rule, drug in met if rule.severity.rank == worst[drug, rule.mechanism]]
    return worst_met


def genotypes(case: Case) -> CheckResult:
    """Genotypes are seldom known: only a rule that asks for the test speaks when there is none."""
    found = [
        alert(rule, Check.DRUG_CONDITION, drug, rule.gene)
        for rule, drug in case.rules("genotypes")
        if _speaks(case, rule)
    ]
    return CheckResult(tuple(found))


def _speaks(case: Case, rule: GenotypeRule) -> bool:
    known = phenotypes(case, rule.gene)
    return not known if rule.untested else any(phenotype in rule.phenotypes for phenotype in known)


def phenotypes(case: Case, gene: str) -> list[str]:
    """First words of what was found of a gene: `poor` for "Poor Metabolizer"."""
    return [one.phenotype.casefold().split(" ")[0] for one in results_of(case, gene)]


def results_of(case: Case, gene: str) -> list[Genotype]:
    """What was found of a gene, however its name is written."""
    return [one for one in case.chart.patient.genotypes or () if _gene(one.gene) == _gene(gene)]


def _gene(written: str) -> str:
    return "".join(written.upper().split()).replace(":", "")


def _names(case: Case, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if case.has_condition((name,))]


def _not_understood(case: Case) -> tuple[NotChecked, ...]:
    known = {code for group in case.pack.conditions.values() for code in group.snomed}
    return tuple(
        NotChecked(check=Check.DRUG_CONDITION, reason=Reason.UNKNOWN_CONDITION, subject=condition.snomed or "")
        for condition in case.chart.patient.conditions or ()
        if not (condition.icd10 or condition.text) and condition.snomed not in known
    )
