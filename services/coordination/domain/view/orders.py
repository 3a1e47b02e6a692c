"""Orders that were declined or went ahead against an alert, as the view shows them."""

from dataclasses import dataclass
from decimal import Decimal

from careloop.contracts.prescribing import Alert, NotChecked, Override
from careloop.contracts.terms import Medicine
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from services.coordination.domain.view.dated_fact import order
from services.coordination.domain.view.sections.prescribing import Changed, Issued, PrescribingSection


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclinedOrder:
    fact_id: FactId
    medicine: Medicine
    daily_dose_mg: Decimal | None
    prescriber: str
    reasons: tuple[str, ...]
    alerts: tuple[Alert, ...]
    not_checked: tuple[NotChecked, ...]
    occurred_at: Instant


def declined_orders(ordered: PrescribingSection) -> tuple[DeclinedOrder, ...]:
    """The latest first."""
    return tuple(
        DeclinedOrder(
            fact_id=k.fact.fact_id,
            medicine=k.fact.order.medicine,
            daily_dose_mg=k.fact.order.daily_dose_mg,
            prescriber=k.fact.prescriber,
            reasons=k.fact.reasons,
            alerts=k.fact.alerts,
            not_checked=k.fact.not_checked,
            occurred_at=k.fact.occurred_at,
        )
        for k in reversed(ordered.declined)
    )


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


def overrides(ordered: PrescribingSection) -> tuple[OverriddenOrder, ...]:
    """Prescriptions and changes of dose that a prescriber answered alerts for, the latest first."""
    medicines = {k.fact.fact_id: k.fact.order.medicine for k in ordered.issued}
    issued = [(order(k), _overridden_order(k.fact)) for k in ordered.issued if k.fact.overrides]
    changed = [
        (order(k), _overridden_change(k.fact, ordered))
        for k in ordered.changed
        if k.fact.overrides and k.fact.prescription in medicines
    ]
    return tuple(overridden for _, overridden in sorted([*issued, *changed], key=lambda pair: pair[0], reverse=True))


def _overridden_order(issued: Issued) -> OverriddenOrder:
    return OverriddenOrder(
        fact_id=issued.fact_id,
        medicine=issued.order.medicine,
        daily_dose_mg=issued.order.daily_dose_mg,
        prescriber=issued.prescriber,
        overrides=issued.overrides,
        alerts=issued.alerts,
        not_checked=issued.not_checked,
        occurred_at=issued.occurred_at,
    )


def _overridden_change(changed: Changed, ordered: PrescribingSection) -> OverriddenOrder:
    medicine = next(k.fact.order.medicine for k in ordered.issued if k.fact.fact_id == changed.prescription)
    return OverriddenOrder(
        fact_id=changed.fact_id,
        medicine=medicine,
        daily_dose_mg=changed.to_daily_dose_mg,
        prescriber=changed.prescriber,
        overrides=changed.overrides,
        alerts=changed.alerts,
        not_checked=changed.not_checked,
        occurred_at=changed.occurred_at,
    )
