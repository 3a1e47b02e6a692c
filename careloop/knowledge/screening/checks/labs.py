"""Lab: results a drug must not be ordered without, and results that speak against it."""

from datetime import date
from decimal import Decimal
from functools import lru_cache

from careloop.knowledge.findings import Alert, Check, NotChecked, Reason
from careloop.knowledge.pack.index import concerning_on, measure_named
from careloop.knowledge.pack.pack import Pack
from careloop.knowledge.pack.shapes.screening import LabRule
from careloop.knowledge.screening.case import Case, CheckResult, alert, missing
from careloop.knowledge.screening.checks.circumstances import rates
from careloop.knowledge.screening.results import in_unit, is_known, last, not_understood, of_last_day, results_of


def check(case: Case) -> CheckResult:
    """Per result only the worst bound crossed is shown. Results after the day of the screen are not yet known."""
    strange = not_understood(case, measures_read(case))
    rules = [(rule, drug) for rule, drug in case.rules("labs") if _of_patient(case, rule)]
    if not rules:
        return CheckResult(not_checked=tuple(strange), done=frozenset({Check.LAB}))
    asked_for = [drug for rule, drug in rules if not rule.if_known]
    if case.chart.patient.labs is None and asked_for:
        return missing(Check.LAB, Reason.LABS_NOT_RECORDED, asked_for[0])
    alerts: dict[tuple[str, ...], Alert] = {}
    gaps = [*strange]
    for rule, drug in rules:
        crossed, gap = _judged(case, rule)
        gaps += [gap] if gap else []
        raised = alert(rule, Check.LAB, drug)
        about = (drug, rule.id if rule.within_days else "bound", *codes_of(case, rule))
        if crossed and (about not in alerts or raised.severity.rank < alerts[about].severity.rank):
            alerts[about] = raised
    return CheckResult(tuple(alerts.values()), tuple(gaps), frozenset({Check.LAB}))


def measures_read(case: Case) -> frozenset[str]:
    """The measures that some rule about the order reads."""
    return frozenset().union(*(_read_of(case.pack, drug, case.starts_on) for drug in case.ingredients))


@lru_cache(4096)
def _read_of(pack: Pack, drug: str, day: date) -> frozenset[str]:
    """Those with a unit, for of the others no value is read."""
    bounded = (rule.when for rule, _ in concerning_on(pack, "doses", drug, day) if rule.when is not None)
    by_rate = {name for when in bounded if when.egfr_below is not None for name in rates(when)}
    names = {name for rule, _ in concerning_on(pack, "labs", drug, day) for name in rule.measures} | by_rate
    measures = (measure_named(pack, name) for name in names)
    return frozenset(one.name for one in measures if one is not None and one.unit is not None)


def codes_of(case: Case, rule: LabRule) -> tuple[str, ...]:
    """The codes of all results that the rule reads."""
    measures = (measure_named(case.pack, name) for name in rule.measures)
    return (*rule.loinc, *(code for measure in measures if measure is not None for code in measure.codes))


def _of_patient(case: Case, rule: LabRule) -> bool:
    meant = (not rule.conditions or case.has_condition(rule.conditions)) and (
        not rule.starting or case.starts(rule.restart_days)
    )
    return meant and not case.has_condition(rule.without_conditions)


def _judged(case: Case, rule: LabRule) -> tuple[bool, NotChecked | None]:
    if rule.within_days is not None:
        results = results_of(case, codes_of(case, rule))
        recent = any((case.starts_on - lab.at).days <= rule.within_days for lab in results)
        return not recent and not any(is_known(case, name, rule.within_days) for name in rule.measures), None
    if not rule.measures:
        return _judged_by_code(case, rule)
    readings = [reading for name in rule.measures if (reading := last(case, name)) is not None]
    crossed = any(_crosses(rule, value) for reading in readings for value in reading.values)
    return crossed, None


def _judged_by_code(case: Case, rule: LabRule) -> tuple[bool, NotChecked | None]:
    """As packs from before the measures are read."""
    values = [in_unit(case.pack, lab, rule.unit) for lab in of_last_day(results_of(case, rule.loinc))]
    known = [value for value in values if value is not None]
    unread = NotChecked(check=Check.LAB, reason=Reason.LAB_UNIT_UNKNOWN, subject=rule.loinc[0])
    return any(_crosses(rule, value) for value in known), unread if len(known) < len(values) else None


def _crosses(rule: LabRule, value: Decimal) -> bool:
    return (rule.below is not None and value < rule.below) or (rule.above is not None and value > rule.above)
