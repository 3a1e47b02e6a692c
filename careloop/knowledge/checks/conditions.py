"""Drug-condition: diagnoses that speak against the ordered drug."""

from careloop.knowledge.case import Case, Found, alert, missing
from careloop.knowledge.findings import Check, NotChecked, Reason


def check(case: Case) -> Found:
    """A condition given by a SNOMED CT code alone that is in no group of the pack is listed as not understood."""
    rules = [
        (rule, drug) for rule in filter(case.in_force, case.pack.drug_conditions) for drug in case.concerned(rule.drugs)
    ]
    if case.chart.patient.conditions is None:
        return missing(Check.DRUG_CONDITION, Reason.CONDITIONS_NOT_RECORDED)
    alerts = [
        alert(rule, Check.DRUG_CONDITION, drug, *_names(case, rule.conditions))
        for rule, drug in rules
        if case.has_condition(rule.conditions)
    ]
    gaps = _not_understood(case) if rules else ()
    return Found(tuple(alerts), gaps, frozenset({Check.DRUG_CONDITION}))


def _names(case: Case, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if case.has_condition((name,))]


def _not_understood(case: Case) -> tuple[NotChecked, ...]:
    known = {code for group in case.pack.conditions.values() for code in group.snomed}
    return tuple(
        NotChecked(check=Check.DRUG_CONDITION, reason=Reason.UNKNOWN_CONDITION, subject=condition.snomed or "")
        for condition in case.chart.patient.conditions or ()
        if not (condition.icd10 or condition.text) and condition.snomed not in known
    )
