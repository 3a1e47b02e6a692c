"""Supply and controlled substances: how much may be handed out, and what the law asks for first."""

from datetime import date
from functools import lru_cache

from careloop.knowledge.chart import SuicideRisk
from careloop.knowledge.due_dates import shifted
from careloop.knowledge.findings import Alert, Check, NotChecked, Reason
from careloop.knowledge.pack.dangers import overdose_danger
from careloop.knowledge.pack.pack import Pack
from careloop.knowledge.pack.shapes.screening import ControlledRule, SupplyRule
from careloop.knowledge.pack.telehealth import AtADistance, indications, telehealth_ruling
from careloop.knowledge.screening.case import Case, CheckResult, ListedMedication, alert, missing


def supply(case: Case) -> CheckResult:
    """Large supplies of what is dangerous in overdose, at a suicide risk that is not known to be low."""
    rules = [(rule, drug) for rule, drug in case.rules("supply") if _is_limited(case, rule, drug)]
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


def _is_limited(case: Case, rule: SupplyRule, drug: str) -> bool:
    if not rule.of_overdose_danger:
        return True
    beside = {other for taken in case.overlapping() for other in taken.ingredients} | set(case.ingredients)
    return overdose_danger(case.pack, drug, case.starts_on, beside - {drug}) is not None


def schedule(case: Case) -> CheckResult:
    """The duties that come with a drug's schedule; days of supply only where a rule counts them."""
    days = case.order.days_supply
    alerts: list[Alert] = []
    gaps: list[NotChecked] = []
    for drug in case.ingredients:
        for rule in _rules(case.pack, drug, case.starts_on):
            if rule.telehealth:
                alerts += _at_a_distance(case, rule, drug)
            elif rule.above_days is not None and days is None:
                gaps.append(
                    NotChecked(check=Check.CONTROLLED_SUBSTANCE, reason=Reason.DAYS_SUPPLY_MISSING, subject=drug)
                )
            elif rule.above_days is None or (days or 0) > rule.above_days:
                alerts.append(alert(rule, Check.CONTROLLED_SUBSTANCE, drug, days=days))
    return CheckResult(tuple(alerts), tuple(gaps), frozenset({Check.CONTROLLED_SUBSTANCE}))


def _at_a_distance(case: Case, rule: ControlledRule, drug: str) -> list[Alert]:
    """What the chart says of an order that nobody knows to follow a visit; who was seen in person is not on it."""
    days, known = case.order.days_supply, case.chart.patient.conditions is not None
    begun = [case.order.taken_since, *(taken.medication.started_on for taken in _same(case, drug))]
    order = AtADistance(
        on=case.starts_on,
        first_on=min((day for day in begun if day is not None), default=None),
        through=None if days is None else shifted(case.starts_on, max(days - 1, 0)),
        indicated=case.has_condition(indications(case.pack)) if known else None,
    )
    ruling = telehealth_ruling(case.pack, drug, order)
    refused = ruling is not None and not ruling[1]
    return [alert(rule, Check.CONTROLLED_SUBSTANCE, drug, days=days)] if refused else []


def _same(case: Case, drug: str) -> list[ListedMedication]:
    return [taken for taken in case.overlapping() if drug in taken.ingredients]


@lru_cache(4096)
def _rules(pack: Pack, drug: str, day: date) -> tuple[ControlledRule, ...]:
    """The duties that come with this drug on that day."""
    return tuple(rule for rule in pack.controlled if rule.in_force(day) and _concerns(pack, rule, drug))


def _concerns(pack: Pack, rule: ControlledRule, drug: str) -> bool:
    if pack.among(drug, rule.drugs_except):
        return False
    return pack.drugs[drug].schedule in rule.schedules or pack.among(drug, rule.drugs)
