"""What nobody measured, and this drug at this dose must not be given without; and what was thinly covered."""

from careloop.knowledge.findings import Check, NotChecked, Reason
from careloop.knowledge.pack.index import thin_checks
from careloop.knowledge.pack.shapes.screening import NeededFact
from careloop.knowledge.screening.case import Case, CheckResult, amount
from careloop.knowledge.screening.checks.conditions import findings
from careloop.knowledge.screening.results import is_known, weight_kg


def check(case: Case) -> CheckResult:
    """A fact that is unknown is not taken to be normal where needed-facts.yaml says that it matters."""
    gaps = [
        NotChecked(check=rule.check, reason=rule.reason, subject=drug, settled_by=rule.settled_by)
        for rule, drug in case.rules("needed_facts")
        if _matters(case, rule, drug) and not _known(case, rule)
    ]
    return CheckResult(not_checked=tuple(gaps))


def _matters(case: Case, rule: NeededFact, drug: str) -> bool:
    dose = amount(case.order.daily_dose_mg) if len(case.ingredients) == 1 else None
    if rule.from_mg is not None and (dose is None or dose < rule.from_mg):
        return False
    if rule.above_renal_limit and not _above_renal_limit(case, drug):
        return False
    circumstances = (
        rule.from_age is not None and (case.age is None or case.age >= rule.from_age),
        bool(rule.conditions) and case.has_condition(rule.conditions),
        bool(rule.with_drugs) and _meets(case, rule, drug),
    )
    return any(circumstances) or not (rule.from_age is not None or rule.conditions or rule.with_drugs)


def _meets(case: Case, rule: NeededFact, drug: str) -> bool:
    others = {other for taken in case.overlapping() for other in taken.ingredients} | set(case.ingredients)
    return any(case.pack.among(other, rule.with_drugs) for other in others - {drug})


def _above_renal_limit(case: Case, drug: str) -> bool:
    """Whether the dose is more than some filtration rate allows; the dose of a combination is that of none."""
    dose = amount(case.order.daily_dose_mg) if len(case.ingredients) == 1 else None
    limits = (
        rule.max_daily_mg
        for rule, named in case.rules("doses")
        if named == drug and rule.drugs and rule.when is not None and rule.when.egfr_below is not None
    )
    return dose is not None and any(limit is not None and dose > limit for limit in limits)


def _known(case: Case, rule: NeededFact) -> bool:
    if rule.weight:
        return bool(weight_kg(case))
    if rule.gene:
        return bool(findings(case, rule.gene))
    return any(is_known(case, name, rule.within_days) for name in rule.measures)


def thin(case: Case) -> CheckResult:
    """Notes of the checks for which the entry of an ordered drug, or of one met, was not reviewed."""
    gaps = [_note(kind, drug) for drug in case.ingredients for kind in thin_checks(case.pack, drug)]
    met = {drug for taken in case.overlapping() for drug in taken.ingredients}
    gaps += [
        _note(Check.DRUG_DRUG, drug)
        for drug in sorted(met.difference(case.ingredients))
        if Check.DRUG_DRUG in thin_checks(case.pack, drug)
    ]
    return CheckResult(not_checked=tuple(gaps))


def _note(kind: Check, drug: str) -> NotChecked:
    return NotChecked(check=kind, reason=Reason.THIN_COVERAGE, subject=drug, note=True)
