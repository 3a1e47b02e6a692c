"""When a dose limit holds for this patient, and what is not known that would decide it."""

from decimal import Decimal

from careloop.knowledge.chart import Sex
from careloop.knowledge.findings import Reason
from careloop.knowledge.pack.shapes.screening import Circumstances
from careloop.knowledge.screening.case import Case
from careloop.knowledge.screening.checks.conditions import phenotypes
from careloop.knowledge.screening.results import lowest

EGFR, CLEARANCE = "egfr", "creatinine-clearance"


def holds(case: Case, when: Circumstances) -> list[tuple[str, ...]]:
    """One entry for every way in which it holds: the further drug that is the cause, or nothing further."""
    if not _met(case, when):
        return []
    causes = {drug for drug in _taken(case) if case.pack.among(drug, when.with_drugs) and drug not in case.ingredients}
    return ([()] if _personal(case, when) else []) + [(drug,) for drug in sorted(causes)]


def _taken(case: Case) -> set[str]:
    return {drug for taken in case.overlapping() for drug in taken.ingredients}


def _met(case: Case, when: Circumstances) -> bool:
    """Whether nothing of what must be absent is there."""
    if any(case.pack.among(drug, when.without_drugs) for drug in _taken(case)):
        return False
    if case.has_condition(when.without_conditions):
        return False
    return not when.starting or case.starts(when.restart_days)


def _personal(case: Case, when: Circumstances) -> bool:
    if not _triggers(when):
        return True
    older = when.age_over is not None and case.age is not None and case.age > when.age_over
    of_sex = when.sex is not None and case.chart.patient.sex is when.sex
    gene = when.gene is not None and any(one in when.phenotypes for one in phenotypes(case, when.gene))
    return older or of_sex or gene or case.has_condition(when.conditions) or _renal(case, when)


def _triggers(when: Circumstances) -> bool:
    stated = (when.age_over, when.sex, when.gene, when.egfr_below)
    return any(one is not None for one in stated) or bool(when.with_drugs or when.conditions)


def _renal(case: Case, when: Circumstances) -> bool:
    rate = lowest(case, *rates(when)) if when.egfr_below is not None else None
    if rate is None or when.egfr_below is None:
        return False
    return (when.egfr_from or Decimal(0)) <= rate < when.egfr_below


def rates(when: Circumstances) -> tuple[str, ...]:
    """The measures of filtration that bound it, the better one first."""
    return (CLEARANCE, EGFR) if when.by_clearance else (EGFR,)


def unknown(case: Case, when: Circumstances) -> list[Reason]:
    """Facts nobody recorded. A genotype or filtration rate is seldom known; its absence is not counted as one."""
    patient = case.chart.patient
    listed = bool(when.with_drugs or when.without_drugs or when.starting)
    facts = (
        (when.age_over is not None and case.age is None, Reason.BIRTH_DATE_MISSING),
        (when.sex is not None and patient.sex in (None, Sex.UNKNOWN), Reason.SEX_UNKNOWN),
        (listed and case.taken is None, Reason.MEDICATIONS_NOT_RECORDED),
        (bool(when.conditions or when.without_conditions) and patient.conditions is None,
         Reason.CONDITIONS_NOT_RECORDED),
    )  # fmt: skip
    return [reason for missing, reason in facts if missing]
