"""Supply and controlled substances: how much may be handed out, and what the law asks for first."""

from careloop.knowledge.chart import SuicideRisk
from careloop.knowledge.findings import Alert, Check, NotChecked, Reason
from careloop.knowledge.pack.shapes.screening import ControlledRule
from careloop.knowledge.screening.case import Case, CheckResult, alert, missing


def supply(case: Case) -> CheckResult:
    """Large supplies of what is dangerous in overdose, at a suicide risk that is not known to be low."""
    rules = case.rules("supply")
    days = case.order.days_supply
    done = frozenset({Check.SUPPLY})
    if rules and (days is None or days < 0):
        return missing(Check.SUPPLY, Reason.DAYS_SUPPLY_MISSING, rules[0][1])
    large = [(rule, drug) for rule, drug in rules if days is not None and days > rule.max_days]
    risk = case.chart.patient.suicide_risk or SuicideRisk.UNKNOWN
    if large and risk is SuicideRisk.UNKNOWN:
        return missing(Check.SUPPLY, Reason.SUICIDE_RISK_UNKNOWN, large[0][1])
    held = [(rule, drug) for rule, drug in large if risk in rule.risks]
    return CheckResult(
        tuple(alert(rule, Check.SUPPLY, drug, days=days, limit=rule.max_days) for rule, drug in held), done=done
    )


def schedule(case: Case) -> CheckResult:
    """The duties that come with a drug's schedule; days of supply only where a rule counts them."""
    days = case.order.days_supply
    alerts: list[Alert] = []
    gaps: list[NotChecked] = []
    for rule in filter(case.in_force, case.pack.controlled):
        for drug in case.ingredients:
            if not _concerns(case, rule, drug):
                continue
            if rule.above_days is not None and days is None:
                gaps.append(
                    NotChecked(check=Check.CONTROLLED_SUBSTANCE, reason=Reason.DAYS_SUPPLY_MISSING, subject=drug)
                )
            elif rule.above_days is None or (days or 0) > rule.above_days:
                alerts.append(alert(rule, Check.CONTROLLED_SUBSTANCE, drug, days=days))
    return CheckResult(tuple(alerts), tuple(gaps), frozenset({Check.CONTROLLED_SUBSTANCE}))


def _concerns(case: Case, rule: ControlledRule, drug: str) -> bool:
    if case.pack.among(drug, rule.drugs_except):
        return False
    return case.pack.drugs[drug].schedule in rule.schedules or case.pack.among(drug, rule.drugs)
