"""K6: the whole safety check on the first day of every dose, with everything else as planned for that day.

The doses of the drug itself have constraints of their own, with figures.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from careloop.knowledge.dosing.checker.case import PlanCase
from careloop.knowledge.dosing.checker.courses import Course, Level
from careloop.knowledge.dosing.checker.findings import Constraint, Found, PlanFinding, PlanGap, Weight
from careloop.knowledge.findings import Alert, Check, Screening, Severity, without_notes
from careloop.knowledge.screening.screen import screen

ELSEWHERE = frozenset({Check.SUPPLY, Check.CONTROLLED_SUBSTANCE})
"""Rules of law and of supply are asked when a prescription is issued and a step is confirmed."""


def check(case: PlanCase) -> Iterator[Found]:
    told: set[tuple[str, frozenset[str], Weight]] = set()
    steps = sorted(
        ((level, one) for one in case.courses for level in one.levels if level.total_mg), key=lambda it: it[0].from_on
    )
    for level, one in steps:
        answer = _screened(case, one, level.total_mg, level.from_on)
        yield from (
            PlanGap(constraint=Constraint.SAFETY_CHECK, reason=gap.reason, subject=gap.subject)
            for gap in without_notes(answer.not_checked)
            if gap.check not in ELSEWHERE
        )
        known = _known_before(case, one, level)
        for alert in answer.alerts:
            key = (alert.rule, frozenset(alert.involves))
            own_dose = alert.kind is Check.DOSE and alert.involves[0] == one.drug
            weight = None if own_dose else _weight(alert, key in known)
            if weight is not None and (*key, weight) not in told:
                told.add((*key, weight))
                yield weight, _finding(alert, one, level.from_on)


def _weight(alert: Alert, known_before: bool) -> Weight | None:
    if alert.kind in ELSEWHERE or alert.severity not in (Severity.CONTRAINDICATED, Severity.HIGH):
        return None
    if known_before:
        return Weight.NOTE
    return Weight.VIOLATION if alert.severity is Severity.CONTRAINDICATED else Weight.TO_ANSWER


def _known_before(case: PlanCase, one: Course, level: Level) -> frozenset[tuple[str, frozenset[str]]]:
    """What the check says of the drug as it is taken before the plan, for a dose that is no higher: lowering a drug is
    not forbidden by what speaks against the drug."""
    dose = one.before.mean_mg if one.before else None
    if dose is None or level.total_mg > dose:
        return frozenset()
    answer = _screened(case, one, dose, case.as_of)
    return frozenset((alert.rule, frozenset(alert.involves)) for alert in answer.alerts)


def _screened(case: PlanCase, one: Course, dose: Decimal, day: date) -> Screening:
    return screen(case.chart_on(day, one.drug), case.order(one, dose, day), case.as_of, case.pack)


def _finding(alert: Alert, one: Course, day: date) -> PlanFinding:
    source, _, basis = alert.source.rpartition(" [")
    return PlanFinding(
        constraint=Constraint.SAFETY_CHECK,
        rule=alert.rule,
        version=alert.version,
        drug=one.drug,
        day=day,
        message=alert.message,
        involves=alert.involves,
        source=source,
        basis=basis.rstrip("]"),
        reviewed=alert.reviewed,
    )
