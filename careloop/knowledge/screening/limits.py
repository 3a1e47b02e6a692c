"""The daily limits in force for a patient and a drug, whatever is ordered."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from careloop.knowledge.chart import Chart, OrderedMedicine
from careloop.knowledge.pack.drugs import ResolvedDrug, resolve
from careloop.knowledge.pack.pack import Pack
from careloop.knowledge.pack.shapes.screening import DoseRule
from careloop.knowledge.screening.case import Case, open_case
from careloop.knowledge.screening.checks.circumstances import holds
from careloop.knowledge.screening.checks.doses import max_daily_mg


@dataclass(frozen=True, slots=True)
class DoseLimit:
    """A rule with the most milligrams a day that it allows here."""

    rule: DoseRule
    mg: Decimal

    @property
    def of_a_start(self) -> bool:
        """Whether it is that of a first dose."""
        return self.rule.when is not None and self.rule.when.starting


def dose_limits(chart: Chart, order: OrderedMedicine, as_of: date, pack: Pack) -> tuple[DoseLimit, ...]:
    """All of one ingredient's limits on the day the order starts, the lowest first; those of a titration's steps are
    left out. None for a drug that is not known and for a product of several ingredients."""
    ordered = resolve(order.name, order.rxcui, pack)
    if not isinstance(ordered, ResolvedDrug) or len(ordered.ingredients) != 1:
        return ()
    return tuple(sorted(_limits(open_case(pack, chart, order, ordered, as_of)), key=lambda limit: limit.mg))


def _limits(case: Case) -> Iterator[DoseLimit]:
    drug = case.ingredients[0]
    for rule, _ in case.rules("doses"):
        if rule.titrated:
            continue
        if rule.when is None:
            own = max_daily_mg(case, drug)
            if own is not None:
                yield DoseLimit(rule, own)
        elif rule.max_daily_mg is not None and case.pack.among(drug, rule.drugs) and holds(case, rule.when):
            yield DoseLimit(rule, rule.max_daily_mg)
