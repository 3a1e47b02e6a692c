"""Dose: daily doses above which no reason lets an order pass."""

from decimal import Decimal

from careloop.knowledge.findings import Check
from careloop.knowledge.pack.index import in_force
from careloop.knowledge.pack.shapes.screening import CeilingRule
from careloop.knowledge.screening.case import Case, CheckResult, alert, amount, figure
from careloop.knowledge.screening.checks.doses import max_daily_mg


def check(case: Case) -> CheckResult:
    """Of one ingredient at a stated dose; what is given once for weeks is no dose of a day. A drug without a maximum of
    its own, that no rule names, has no ceiling."""
    dose = amount(case.order.daily_dose_mg)
    if dose is None or len(case.ingredients) != 1 or case.depot is not None:
        return CheckResult()
    (drug,) = case.ingredients
    found = _ceiling(case, drug)
    if found is None or dose <= found[1]:
        return CheckResult()
    rule, limit = found
    return CheckResult((alert(rule, Check.DOSE, drug, dose=figure(dose), limit=figure(limit)),))


def _ceiling(case: Case, drug: str) -> tuple[CeilingRule, Decimal] | None:
    rules: tuple[CeilingRule, ...] = in_force(case.pack, CeilingRule, case.starts_on)
    own = max_daily_mg(case, drug)
    for rule in sorted(rules, key=lambda one: not one.drugs):
        if _fits(case, rule, drug):
            limit = rule.never_above_mg if own is None or rule.times_maximum is None else rule.times_maximum * own
            if limit is not None:
                return rule, limit
    return None


def _fits(case: Case, rule: CeilingRule, drug: str) -> bool:
    named = not rule.drugs or case.pack.among(drug, rule.drugs)
    return named and (not rule.conditions or case.has_condition(rule.conditions))
