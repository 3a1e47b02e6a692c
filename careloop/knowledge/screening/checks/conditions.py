"""Drug-condition: diagnoses and genotypes that speak against the ordered drug."""

from dataclasses import replace

from careloop.knowledge.chart import Genotype
from careloop.knowledge.findings import Alert, Check, NotChecked, Reason
from careloop.knowledge.pack.index import condition_groups, known_snomed, phenotype_words
from careloop.knowledge.pack.shapes.screening import ConditionRule, GenotypeRule
from careloop.knowledge.screening.case import Case, CheckResult, alert, missing
from careloop.knowledge.screening.genotypes import finding_of


def check(case: Case) -> CheckResult:
    """A condition given by a SNOMED CT code alone that is in no group of the pack is listed as not understood. One that
    is resolved speaks one step more softly: what is over is no hard stop."""
    rules = case.rules("drug_conditions")
    if case.chart.patient.conditions is None:
        return missing(Check.DRUG_CONDITION, Reason.CONDITIONS_NOT_RECORDED)
    alerts = [
        _softened(alert(rule, Check.DRUG_CONDITION, drug, *_names(case, rule.conditions)), resolved=over)
        for rule, drug, over in _worst(case, rules)
    ]
    gaps = _not_understood(case) if rules else ()
    return CheckResult(tuple(alerts), gaps, frozenset({Check.DRUG_CONDITION}))


def _softened(found: Alert, *, resolved: bool) -> Alert:
    if not resolved:
        return found
    return replace(found, severity=found.severity.softer, message=f"{found.message} The condition is resolved.")


def _worst(case: Case, rules: tuple[tuple[ConditionRule, str], ...]) -> list[tuple[ConditionRule, str, bool]]:
    """Of one condition the worst rule for each mechanism: what is contraindicated is not listed once more as high. With
    each whether every condition that it holds for is resolved."""
    rules = tuple((rule, drug) for rule, drug in rules if _accompanied(case, rule))
    worst_met: list[tuple[ConditionRule, str, bool]] = []
    for condition in case.chart.patient.conditions or ():
        groups = condition_groups(case.pack, condition.icd10, condition.snomed, condition.text)
        met = [(rule, drug) for rule, drug in rules if not groups.isdisjoint(rule.conditions)]
        worst: dict[tuple[str, str], int] = {}
        for rule, drug in met:
            worst[drug, rule.mechanism] = min(rule.severity.rank, worst.get((drug, rule.mechanism), rule.severity.rank))
        worst_met += [
            (rule, drug, condition.is_resolved)
            for rule, drug in met
            if rule.severity.rank == worst[drug, rule.mechanism]
        ]
    standing = {(rule.id, drug) for rule, drug, over in worst_met if not over}
    return [(rule, drug, over) for rule, drug, over in worst_met if not over or (rule.id, drug) not in standing]


def _accompanied(case: Case, rule: ConditionRule) -> bool:
    if not (rule.together_with or rule.risks):
        return True
    return case.has_condition(rule.together_with) or case.chart.patient.suicide_risk in rule.risks


def genotypes(case: Case) -> CheckResult:
    """Genotypes are seldom known: only a rule that asks for the test speaks when there is none."""
    found = [
        alert(rule, Check.DRUG_CONDITION, drug, rule.gene)
        for rule, drug in case.rules("genotypes")
        if _speaks(case, rule)
    ]
    return CheckResult(tuple(found), _not_read(case))


def _speaks(case: Case, rule: GenotypeRule) -> bool:
    if rule.untested:
        return not results_of(case, rule.gene)
    return any(phenotype in rule.phenotypes for phenotype in phenotypes(case, rule.gene))


def phenotypes(case: Case, gene: str) -> list[str]:
    """What was found of a gene, in the words of the rules: `poor` for "Poor Metabolizer"."""
    if phenotype_words(case.pack):
        return [found for found in findings(case, gene) if found is not None]
    return [one.phenotype.casefold().split(" ")[0] for one in results_of(case, gene)]


def results_of(case: Case, gene: str) -> list[Genotype]:
    """The results that say something of a gene, however its name is written."""
    known = case.chart.patient.genotypes or ()
    if phenotype_words(case.pack):
        return [one for one in known if finding_of(case.pack, one, gene) is not None]
    return [one for one in known if _gene(one.gene) == _gene(gene)]


def findings(case: Case, gene: str) -> list[str | None]:
    """Of each result about a gene the phenotype; None for one that is not understood."""
    told = (finding_of(case.pack, one, gene) for one in case.chart.patient.genotypes or ())
    return [found.phenotype for found in told if found is not None]


def _gene(written: str) -> str:
    """As packs from before the phenotypes were listed are read."""
    return "".join(written.upper().split()).replace(":", "")


def _not_read(case: Case) -> tuple[NotChecked, ...]:
    """The results about a gene that decides on the order, in words that nobody understands."""
    if not phenotype_words(case.pack):
        return ()
    bounded = (rule.when.gene for rule, _ in case.rules("doses") if rule.when is not None and rule.when.gene)
    genes = {*(rule.gene for rule, _ in case.rules("genotypes")), *bounded}
    return tuple(
        NotChecked(
            check=Check.DRUG_CONDITION,
            reason=Reason.RESULT_NOT_UNDERSTOOD,
            subject=f"{one.gene} {one.phenotype}",
            settled_by="the phenotype in words that the pack knows (phenotypes.yaml)",
        )
        for one in case.chart.patient.genotypes or ()
        for gene in genes
        if (found := finding_of(case.pack, one, gene)) is not None and found.phenotype is None
    )


def _names(case: Case, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if case.has_condition((name,))]


def _not_understood(case: Case) -> tuple[NotChecked, ...]:
    known = known_snomed(case.pack)
    return tuple(
        NotChecked(check=Check.DRUG_CONDITION, reason=Reason.UNKNOWN_CONDITION, subject=condition.snomed or "")
        for condition in case.chart.patient.conditions or ()
        if not (condition.icd10 or condition.text) and condition.snomed not in known
    )
