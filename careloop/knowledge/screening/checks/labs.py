"""Lab: results a drug must not be ordered without, and results that speak against it."""

from decimal import Decimal

from careloop.knowledge.chart import Lab
from careloop.knowledge.findings import Alert, Check, NotChecked, Reason
from careloop.knowledge.pack.pack import Pack
from careloop.knowledge.pack.shapes.screening import LabRule
from careloop.knowledge.screening.case import Case, CheckResult, alert, amount, missing


def check(case: Case) -> CheckResult:
    """Per result only the worst bound crossed is shown. Results after the day of the screen are not yet known."""
    rules = [(rule, drug) for rule, drug in case.rules("labs") if _of_patient(case, rule)]
    if not rules:
        return CheckResult(done=frozenset({Check.LAB}))
    asked_for = [drug for rule, drug in rules if not rule.if_known]
    if case.chart.patient.labs is None and asked_for:
        return missing(Check.LAB, Reason.LABS_NOT_RECORDED, asked_for[0])
    alerts: dict[tuple[str, ...], Alert] = {}
    gaps: list[NotChecked] = []
    for rule, drug in rules:
        crossed, gap = _judged(case, rule)
        gaps += [gap] if gap else []
        raised = alert(rule, Check.LAB, drug)
        about = (drug, rule.id if rule.within_days else "bound", *rule.loinc)
        if crossed and (about not in alerts or raised.severity.rank < alerts[about].severity.rank):
            alerts[about] = raised
    return CheckResult(tuple(alerts.values()), tuple(gaps), frozenset({Check.LAB}))


def _of_patient(case: Case, rule: LabRule) -> bool:
    meant = (not rule.conditions or case.has_condition(rule.conditions)) and (
        not rule.starting or case.starts(rule.restart_days)
    )
    return meant and not case.has_condition(rule.without_conditions)


def _judged(case: Case, rule: LabRule) -> tuple[bool, NotChecked | None]:
    results = [lab for lab in case.chart.patient.labs or () if lab.loinc in rule.loinc and lab.at <= case.as_of]
    if rule.within_days is not None:
        return not any((case.starts_on - lab.at).days <= rule.within_days for lab in results), None
    day = max((lab.at for lab in results), default=None)
    values = [_in_unit(case.pack, lab, rule.unit) for lab in results if lab.at == day]
    known = [value for value in values if value is not None]
    crossed = any(_crosses(rule, value) for value in known)
    unread = len(known) < len(values)
    return crossed, NotChecked(
        check=Check.LAB, reason=Reason.LAB_UNIT_UNKNOWN, subject=rule.loinc[0]
    ) if unread else None


def _crosses(rule: LabRule, value: Decimal) -> bool:
    return (rule.below is not None and value < rule.below) or (rule.above is not None and value > rule.above)


def last_in_unit(case: Case, loinc: str, unit: str) -> Decimal | None:
    """The last value known on the day of the screen, the lowest of that day; None without a readable one."""
    results = [lab for lab in case.chart.patient.labs or () if lab.loinc == loinc and lab.at <= case.as_of]
    day = max((lab.at for lab in results), default=None)
    values = [_in_unit(case.pack, lab, unit) for lab in results if lab.at == day]
    return min((value for value in values if value is not None), default=None)


def _in_unit(pack: Pack, lab: Lab, unit: str | None) -> Decimal | None:
    written = "".join((lab.unit or "").split()).casefold()
    factors = [known.factor for known in pack.units if known.unit == unit and written in known.written]
    value = amount(lab.value)
    return value * factors[0] if factors and value is not None else None
