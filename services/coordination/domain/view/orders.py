"""Orders that were declined or went ahead against an alert, as the view shows them."""

from dataclasses import dataclass
from decimal import Decimal

from careloop.contracts.prescribing import Alert, NotChecked, Override
from careloop.contracts.terms import Medicine
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from careloop.kernel.restating import shown
from services.coordination.domain.view.dated_fact import order
from services.coordination.domain.view.sections.prescribing import Changed, Declined, Issued, PrescribingSection


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclinedOrder:
    fact_id: FactId
    medicine: Medicine
    daily_dose_mg: Decimal | None
    prescriber: str
    reasons: tuple[str, ...]
    alerts: tuple[Alert, ...]
    not_checked: tuple[NotChecked, ...]
    missing: tuple[str, ...]
    occurred_at: Instant


ORDERED = {"medicine": "order.medicine", "daily_dose_mg": "order.daily_dose_mg"}
declined_order = shown(DeclinedOrder, Declined, **ORDERED)


def declined_orders(ordered: PrescribingSection) -> tuple[DeclinedOrder, ...]:
    """The latest first."""
    return tuple(declined_order(k.fact) for k in reversed(ordered.declined))


@dataclass(frozen=True, slots=True, kw_only=True)
class OverriddenOrder:
    fact_id: FactId
    medicine: Medicine
    daily_dose_mg: Decimal | None
    prescriber: str
    overrides: tuple[Override, ...]
    alerts: tuple[Alert, ...]
    not_checked: tuple[NotChecked, ...]
    occurred_at: Instant


overridden_order = shown(OverriddenOrder, Issued, **ORDERED)
overridden_change = shown(OverriddenOrder, Changed, "medicine", daily_dose_mg="to_daily_dose_mg")


def overrides(ordered: PrescribingSection) -> tuple[OverriddenOrder, ...]:
    """Prescriptions and changes of dose that a prescriber answered alerts for, the latest first."""
    medicines = {k.fact.fact_id: k.fact.order.medicine for k in ordered.issued}
    issued = [(order(k), overridden_order(k.fact)) for k in ordered.issued if k.fact.overrides]
    changed = [
        (order(k), overridden_change(k.fact, medicine=medicines[k.fact.prescription]))
        for k in ordered.changed
        if k.fact.overrides and k.fact.prescription in medicines
    ]
    return tuple(overridden for _, overridden in sorted([*issued, *changed], key=lambda pair: pair[0], reverse=True))
