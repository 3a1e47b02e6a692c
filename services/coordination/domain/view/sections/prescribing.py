"""What stands of the facts that prescribing published, without the evidence of their capsules."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar

from careloop.contracts import prescribing
from careloop.contracts.prescribing import Alert, NotChecked, Order, Override
from careloop.contracts.terms import EnteredInError
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from services.coordination.domain.view.dated_fact import DatedFact
from services.coordination.domain.view.sections.shelf import Shelf


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A prescription without the evidence of its capsule, which stays in the journal."""

    fact_id: FactId
    order: Order
    prescriber: str
    alerts: tuple[Alert, ...]
    not_checked: tuple[NotChecked, ...]
    overrides: tuple[Override, ...]
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    fact_id: FactId
    order: Order
    prescriber: str
    reasons: tuple[str, ...]
    alerts: tuple[Alert, ...]
    not_checked: tuple[NotChecked, ...]
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A change of the daily dose, in milligrams."""

    fact_id: FactId
    prescription: FactId
    from_daily_dose_mg: Decimal | None
    to_daily_dose_mg: Decimal
    effective_on: date
    reason: str
    prescriber: str
    alerts: tuple[Alert, ...]
    not_checked: tuple[NotChecked, ...]
    overrides: tuple[Override, ...]
    occurred_at: Instant


def _issued(event: prescribing.PrescriptionIssued) -> Issued:
    return Issued(
        fact_id=event.fact_id,
        order=event.order,
        prescriber=event.prescriber,
        alerts=event.capsule.alerts,
        not_checked=event.capsule.not_checked,
        overrides=event.capsule.overrides,
        occurred_at=event.occurred_at,
    )


def _declined(event: prescribing.PrescriptionDeclined) -> Declined:
    return Declined(
        fact_id=event.fact_id,
        order=event.order,
        prescriber=event.prescriber,
        reasons=event.reasons,
        alerts=event.capsule.alerts,
        not_checked=event.capsule.not_checked,
        occurred_at=event.occurred_at,
    )


def _changed(event: prescribing.DoseChanged) -> Changed:
    return Changed(
        fact_id=event.fact_id,
        prescription=event.prescription,
        from_daily_dose_mg=event.from_daily_dose_mg,
        to_daily_dose_mg=event.to_daily_dose_mg,
        effective_on=event.effective_on,
        reason=event.reason,
        prescriber=event.prescriber,
        alerts=event.capsule.alerts,
        not_checked=event.capsule.not_checked,
        overrides=event.capsule.overrides,
        occurred_at=event.occurred_at,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PrescribingSection:
    shelves: ClassVar[Mapping[type, Shelf]] = {
        prescribing.PrescriptionIssued: Shelf(field="issued", form=_issued),
        prescribing.PrescriptionDeclined: Shelf(field="declined", form=_declined),
        prescribing.DoseChanged: Shelf(field="changed", form=_changed),
        prescribing.PrescriptionDiscontinued: Shelf(field="discontinued"),
    }
    issued: tuple[DatedFact[Issued], ...] = ()
    declined: tuple[DatedFact[Declined], ...] = ()
    changed: tuple[DatedFact[Changed], ...] = ()
    discontinued: tuple[DatedFact[prescribing.PrescriptionDiscontinued], ...] = ()
    struck: tuple[DatedFact[EnteredInError], ...] = ()
