"""When a lower dose limit holds for this patient, and what is not known that would decide it."""

from careloop.knowledge.case import Case
from careloop.knowledge.findings import Reason
from careloop.knowledge.schema import Circumstances


def holds(case: Case, when: Circumstances) -> list[tuple[str, ...]]:
    """One entry for every way in which it holds: the further drug that is the cause, or nothing further."""
    older = when.age_over is not None and case.age is not None and case.age > when.age_over
    personal = older or case.has_condition(when.conditions) or _has_phenotype(case, when)
    causes = {
        drug
        for taken in case.overlapping()
        for drug in taken.ingredients
        if case.pack.among(drug, when.with_drugs) and drug not in case.ingredients
    }
    return ([()] if personal else []) + [(drug,) for drug in sorted(causes)]


def unknown(case: Case, when: Circumstances) -> list[Reason]:
    """Facts nobody recorded. A genotype is seldom known, and its absence is not counted as one."""
    facts = (
        (when.age_over is not None and case.age is None, Reason.BIRTH_DATE_MISSING),
        (bool(when.with_drugs) and case.taken is None, Reason.MEDICATIONS_NOT_RECORDED),
        (bool(when.conditions) and case.chart.patient.conditions is None, Reason.CONDITIONS_NOT_RECORDED),
    )
    return [reason for missing, reason in facts if missing]


def _has_phenotype(case: Case, when: Circumstances) -> bool:
    return any(
        known.gene.strip().upper() == when.gene and known.phenotype.casefold().split(" ")[0] in when.phenotypes
        for known in case.chart.patient.genotypes or ()
    )
