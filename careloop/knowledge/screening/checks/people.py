"""Age and pregnancy: drugs that ask for care at some ages and states of life."""

from careloop.knowledge.chart import Pregnancy, Sex
from careloop.knowledge.findings import Check, Reason
from careloop.knowledge.pack.shapes.screening import AgeRule, PregnancyRule
from careloop.knowledge.screening.case import Case, CheckResult, alert, missing

CHILDBEARING = range(12, 56)
AGE = frozenset({Check.AGE})
PREGNANCY = frozenset({Check.PREGNANCY})


def age(case: Case) -> CheckResult:
    """Without a birth date nothing can be said of drugs that have an age rule."""
    rules = case.rules("ages")
    years = case.age
    if years is None:
        return missing(Check.AGE, Reason.BIRTH_DATE_MISSING) if rules else CheckResult(done=AGE)
    return CheckResult(tuple(alert(rule, Check.AGE, drug) for rule, drug in rules if _of_age(rule, years)), done=AGE)


def _of_age(rule: AgeRule, years: int) -> bool:
    return (rule.from_age is None or years >= rule.from_age) and (rule.to_age is None or years <= rule.to_age)


def pregnancy(case: Case) -> CheckResult:
    """Asked of everyone who may become pregnant; a state that was stated counts whatever the rest of the chart says."""
    rules = case.rules("pregnancy")
    stated = case.chart.patient.pregnancy or Pregnancy.UNKNOWN
    alerts = tuple(alert(rule, Check.PREGNANCY, drug) for rule, drug in rules if _holds(case, rule, stated))
    if rules and stated is Pregnancy.UNKNOWN and _may_become_pregnant(case):
        return CheckResult(alerts, missing(Check.PREGNANCY, Reason.PREGNANCY_UNKNOWN).not_checked)
    return CheckResult(alerts, done=PREGNANCY)


def _holds(case: Case, rule: PregnancyRule, stated: Pregnancy) -> bool:
    foreseen = rule.childbearing and stated not in (Pregnancy.PREGNANT, Pregnancy.POSSIBLE)
    return stated in rule.states or (foreseen and _may_become_pregnant(case))


def _may_become_pregnant(case: Case) -> bool:
    return case.chart.patient.sex is not Sex.MALE and (case.age is None or case.age in CHILDBEARING)
