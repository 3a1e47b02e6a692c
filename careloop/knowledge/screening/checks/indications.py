"""Indications: whether the drug is ordered for something that it is usually given for."""

from collections.abc import Iterable

from careloop.knowledge.chart import Condition
from careloop.knowledge.findings import Check
from careloop.knowledge.pack.index import condition_groups, indications_of
from careloop.knowledge.pack.shapes.screening import Indication, NoIndicationRule
from careloop.knowledge.screening.case import Case, CheckResult, alert


def check(case: Case) -> CheckResult:
    """Silent while no diagnosis is known, where one is not understood, and for a drug of which nothing is said.

    The indication that the order names stands for the diagnoses: it is judged alone. Of a combination one fitting
    ingredient is enough.
    """
    known = [_indications(case, drug) for drug in case.ingredients]
    named = case.order.indication
    judged = standing(case) if named is None else (named,)
    if not (judged and known and all(known)) or any(_may_be(case, one, known) for one in judged):
        return CheckResult()
    rules = (rule for rule in case.pack.entries(NoIndicationRule) if case.in_force(rule))
    return CheckResult(
        tuple(
            alert(rule, Check.DRUG_CONDITION, *case.ingredients, named=_words(judged))
            for rule in rules
            if rule.named is (named is not None)
        )
    )


def standing(case: Case) -> tuple[Condition, ...]:
    """The diagnoses that are not over."""
    return tuple(
        one for one in case.chart.patient.conditions or () if one.is_diagnosis and not one.is_resolved and _said(one)
    )


def _indications(case: Case, drug: str) -> tuple[Indication, ...]:
    return tuple(entry for entry in indications_of(case.pack, drug) if case.in_force(entry))


def _may_be(case: Case, condition: Condition, known: Iterable[tuple[Indication, ...]]) -> bool:
    """Whether it is an indication of one of the drugs, or may be one as nobody understands it."""
    code = (condition.icd10 or "").strip().upper()
    groups = condition_groups(case.pack, condition.icd10, condition.snomed, condition.text)
    if not (code or groups):
        return True
    return any(
        not groups.isdisjoint(entry.conditions) or bool(code and code.startswith(entry.icd10))
        for entries in known
        for entry in entries
    )


def _words(conditions: Iterable[Condition]) -> str:
    return ", ".join(_said(one) for one in conditions)


def _said(condition: Condition) -> str:
    return condition.icd10 or condition.text or condition.snomed or ""
