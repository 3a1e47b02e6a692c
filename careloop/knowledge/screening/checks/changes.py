"""Drug-drug beyond pairs: levels that move because something stopped, and effects that add up over all drugs."""

from collections.abc import Iterable, Mapping

from careloop.knowledge.findings import Alert, Check
from careloop.knowledge.pack.index import listed_on, load_points, same_molecule
from careloop.knowledge.pack.shapes.screening import LoadRule
from careloop.knowledge.screening.case import Case, CheckResult, alert

LEAST = 3
"""Fewer drugs are a pair, which has rules of its own."""


def stopped(case: Case) -> CheckResult:
    """Medications whose last dose is near or to come, and whose leaving moves the level of the ordered drug."""
    alerts = [
        alert(rule, Check.DRUG_DRUG, drug, other, days=rule.days)
        for taken in case.met()
        if taken.days_since_last_dose is not None
        for rule in listed_on(case.pack, "stopping", case.starts_on)
        if taken.days_since_last_dose <= rule.days
        for drug in case.concerned(rule.affected)
        for other in taken.ingredients
        if case.pack.among(other, rule.stopped)
    ]
    return CheckResult(tuple(alerts))


def loads(case: Case) -> CheckResult:
    """Sums over the order and everything that overlaps it."""
    others = sorted({drug for taken in case.overlapping() for drug in taken.ingredients})
    if not others and len(case.ingredients) < LEAST:
        return CheckResult()
    points = {drug: load_points(case.pack, drug) for drug in (*others, *case.ingredients)}
    found = [
        _load(case, rule, {drug: those[place] for drug, those in points.items()}, others)
        for place, rule in enumerate(case.pack.loads)
        if rule.in_force(case.starts_on)
    ]
    return CheckResult(tuple(one for one in found if one is not None))


def _load(case: Case, rule: LoadRule, points: Mapping[str, int], others: Iterable[str]) -> Alert | None:
    counted = [drug for drug in case.ingredients if points[drug]]
    if not counted:
        return None
    for drug in others:
        if points[drug] and not any(same_molecule(case.pack, drug, known) for known in counted):
            counted.append(drug)
    if len(counted) < LEAST or sum(points[drug] for drug in counted) < rule.at_least:
        return None
    return alert(rule, Check.DRUG_DRUG, *counted, drugs=", ".join(counted))
