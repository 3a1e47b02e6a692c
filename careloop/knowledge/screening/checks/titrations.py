"""Dose of a drug with a fixed way up: the order against the step of the day it starts."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from careloop.knowledge.findings import Check, NotChecked, Reason
from careloop.knowledge.pack.index import same_molecule
from careloop.knowledge.screening.case import Case, CheckResult, ListedMedication, alert, amount, figure
from careloop.knowledge.screening.titration import restart_days, step_on, titration_of


def check(case: Case, drug: str, dose: Decimal) -> CheckResult:
    """Of a treatment under way; a start has limits of its own. A rise is not judged where no start is known."""
    rules = [rule for rule, _ in case.rules("doses") if rule.titrated]
    way_up = titration_of(drug, _beside(case), case.starts_on, case.pack) if rules else None
    if way_up is None:
        return CheckResult()
    current = list(_current(case, drug))
    if not current and case.order.taken_since is None:
        return CheckResult()
    since = _since(case, current)
    if since is None:
        known = max((amount(taken.medication.daily_dose_mg) or Decimal(0) for taken in current), default=Decimal(0))
        gap = NotChecked(check=Check.DOSE, reason=Reason.START_DATE_MISSING, subject=drug)
        return CheckResult(not_checked=(gap,) if dose > max(known, way_up.steps[0].dose_mg) else ())
    step = step_on(way_up, since, case.starts_on)
    if step is None or dose <= (limit := step.dose_mg / step.every_days):
        return CheckResult()
    alerts = (alert(rule, Check.DOSE, drug, dose=figure(dose), limit=figure(limit)) for rule in rules)
    return CheckResult(tuple(alerts))


def _beside(case: Case) -> set[str]:
    return {drug for taken in case.overlapping() for drug in taken.ingredients}


def _current(case: Case, drug: str) -> Iterator[ListedMedication]:
    restart = restart_days(drug, case.starts_on, case.pack)
    for taken in case.taken or ():
        recent = (taken.days_since_last_dose or 0) < restart
        if recent and any(same_molecule(case.pack, drug, other) for other in taken.ingredients):
            yield taken


def _since(case: Case, current: list[ListedMedication]) -> date | None:
    """The first day of the treatment under way, as far as anybody stated it."""
    stated = [taken.medication.started_on for taken in current]
    known = [day for day in (*stated, case.order.taken_since) if day is not None]
    return min(known, default=None)
