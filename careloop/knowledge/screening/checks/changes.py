"""Drug-drug beyond pairs: levels that move because something stopped, and effects that add up over all drugs."""

from careloop.knowledge.findings import Alert, Check
from careloop.knowledge.pack.index import same_molecule
from careloop.knowledge.pack.shapes.screening import LoadRule
from careloop.knowledge.screening.case import Case, CheckResult, alert


def stopped(case: Case) -> CheckResult:
    """Medications whose last dose is near or to come, and whose leaving moves the level of the ordered drug."""
    alerts = [
        alert(rule, Check.DRUG_DRUG, drug, other, days=rule.days)
        for taken in case.met()
        if taken.days_since_last_dose is not None
        for rule in filter(case.in_force, case.pack.stopping)
        if taken.days_since_last_dose <= rule.days
        for drug in case.concerned(rule.affected)
        for other in taken.ingredients
        if case.pack.among(other, rule.stopped)
    ]
    return CheckResult(tuple(alerts))


def loads(case: Case) -> CheckResult:
    """Sums over the order and everything that overlaps it."""
    found = [_load(case, rule) for rule in filter(case.in_force, case.pack.loads)]
    return CheckResult(tuple(one for one in found if one is not None))


def _load(case: Case, rule: LoadRule) -> Alert | None:
    ours = [drug for drug in case.ingredients if _points(case, rule, drug)]
    if not ours:
        return None
    counted = list(ours)
    others = sorted({drug for taken in case.overlapping() for drug in taken.ingredients})
    for drug in others:
        if _points(case, rule, drug) and not any(same_molecule(case.pack, drug, known) for known in counted):
            counted.append(drug)
    if len(counted) < 3 or sum(_points(case, rule, drug) for drug in counted) < rule.at_least:
        return None
    return alert(rule, Check.DRUG_DRUG, *counted, drugs=", ".join(counted))


def _points(case: Case, rule: LoadRule, drug: str) -> int:
    return max((weight.points for weight in rule.weights if case.pack.among(drug, weight.drugs)), default=0)
