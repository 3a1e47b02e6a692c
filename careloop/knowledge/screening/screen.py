"""The safety check of an order against a chart: pure, three-valued, never silent."""

from collections.abc import Callable
from datetime import date

from careloop.knowledge.chart import Chart, OrderedMedicine
from careloop.knowledge.findings import Alert, Check, NotChecked, PackReference, Screening, headline
from careloop.knowledge.pack.drugs import Unresolved, resolve
from careloop.knowledge.pack.pack import Pack, current_pack
from careloop.knowledge.screening.case import Case, CheckResult, doubts, open_case
from careloop.knowledge.screening.checks import (
    allergies,
    ceilings,
    changes,
    conditions,
    controlled,
    doses,
    indications,
    labs,
    needs,
    pairs,
    people,
    trials,
)

CHECKS: tuple[Callable[[Case], CheckResult], ...] = (
    pairs.check,
    changes.stopped,
    changes.loads,
    conditions.check,
    conditions.genotypes,
    indications.check,
    allergies.check,
    doses.check,
    ceilings.check,
    people.age,
    people.pregnancy,
    labs.check,
    trials.check,
    controlled.supply,
    controlled.schedule,
    needs.check,
    needs.thin,
)


def screen(chart: Chart, order: OrderedMedicine, as_of: date, pack: Pack | None = None) -> Screening:
    """What speaks against the order, and all that could not be looked at.

    Never raises on typed input; does not depend on the order of lists. A medication added to a recorded list never
    removes an alert, but for limits that the rule itself hangs on the list: those of a start, once the drug is taken
    already, and those that an inducer lifts. Without a known drug nothing is claimed as checked.
    """
    pack = pack or current_pack()
    ordered = resolve(order.name, order.rxcui, pack)
    gaps = [
        NotChecked(check=kind, reason=reason, subject=subject) for reason, subject in doubts(ordered) for kind in Check
    ]
    if isinstance(ordered, Unresolved):
        return _answer(pack.reference, (), gaps, frozenset())
    case = open_case(pack, chart, order, ordered, as_of)
    founds = [check(case) for check in CHECKS]
    alerts = tuple(alert for found in founds for alert in found.alerts)
    gaps += [gap for found in founds for gap in found.not_checked]
    done = frozenset[Check]().union(*(found.done for found in founds))
    return _answer(pack.reference, alerts, gaps, done)


def _answer(
    reference: PackReference, alerts: tuple[Alert, ...], gaps: list[NotChecked], done: frozenset[Check]
) -> Screening:
    """Worst alerts first, nothing twice; the same whatever the order of the chart's lists."""
    kinds = list(Check)
    listed = tuple(
        sorted(
            set(alerts), key=lambda a: (a.severity.rank, kinds.index(a.kind), a.rule, a.involves, a.message, a.action)
        )
    )
    not_checked = tuple(sorted(set(gaps), key=lambda gap: (kinds.index(gap.check), gap.reason, gap.subject)))
    return Screening(
        knowledge=reference,
        outcome=headline(listed, not_checked),
        alerts=listed,
        not_checked=not_checked,
        checked=tuple(kind for kind in kinds if kind in done),
    )
