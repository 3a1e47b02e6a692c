"""What stands of the facts that prescribing published, without the evidence of their capsules."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar

from msgspec import UNSET, UnsetType

from careloop.contracts import prescribing
from careloop.contracts.prescribing import Alert, NotChecked, Order, Override, Regimen
from careloop.contracts.terms import EnteredInError
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from careloop.kernel.restating import shown
from services.coordination.domain.view.dated_fact import DatedFact
from services.coordination.domain.view.sections.shelf import FormOf, Shelf, shelved


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A prescription without the evidence of its capsule, which stays in the journal. `as_of` is the day of the
    decision, None where its build did not publish it."""

    fact_id: FactId
    order: Order
    prescriber: str
    alerts: tuple[Alert, ...]
    not_checked: tuple[NotChecked, ...]
    overrides: tuple[Override, ...]
    as_of: date | None = None
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    fact_id: FactId
    order: Order
    prescriber: str
    reasons: tuple[str, ...]
    alerts: tuple[Alert, ...]
    not_checked: tuple[NotChecked, ...]
    missing: tuple[str, ...] = ()
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A change of the daily dose, in milligrams; `as_of` as in Issued. `cancels` are the planned ones that it ended;
    `plan` is the dose plan that it is a step of."""

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
    as_of: date | None = None
    cancels: tuple[FactId, ...] = ()
    regimen: Regimen | UnsetType = UNSET
    plan: FactId | None = None
    occurred_at: Instant


FOUND = {"alerts": "capsule.alerts", "not_checked": "capsule.not_checked"}
ANSWERED = {**FOUND, "overrides": "capsule.overrides"}
issued = shown(Issued, prescribing.PrescriptionIssued, "as_of", **ANSWERED)
ISSUED = FormOf(prescribing.PrescriptionIssued, lambda event: issued(event, as_of=event.capsule.as_of or None))
declined = shown(Declined, prescribing.PrescriptionDeclined, "missing", **FOUND)
DECLINED = FormOf(prescribing.PrescriptionDeclined, lambda event: declined(event, missing=event.capsule.missing or ()))
changed = shown(Changed, prescribing.DoseChanged, "as_of", "cancels", "plan", **ANSWERED)
CHANGED = FormOf(
    prescribing.DoseChanged,
    lambda event: changed(
        event, as_of=event.capsule.as_of or None, cancels=event.cancels or (), plan=event.plan or None
    ),
)


@shelved
@dataclass(frozen=True, slots=True, kw_only=True)
class PrescribingSection:
    shelves: ClassVar[Mapping[type, Shelf]]
    issued: Annotated[tuple[DatedFact[Issued], ...], ISSUED] = ()
    declined: Annotated[tuple[DatedFact[Declined], ...], DECLINED] = ()
    changed: Annotated[tuple[DatedFact[Changed], ...], CHANGED] = ()
    took_effect: tuple[DatedFact[prescribing.DoseTookEffect], ...] = ()
    discontinued: tuple[DatedFact[prescribing.PrescriptionDiscontinued], ...] = ()
    counted: tuple[DatedFact[prescribing.SupplyCounted], ...] = ()
    compared: tuple[DatedFact[prescribing.ListCompared], ...] = ()
    discrepancies: tuple[DatedFact[prescribing.DiscrepancyFound], ...] = ()
    overdue: tuple[DatedFact[prescribing.DiscrepancyOverdue], ...] = ()
    resolved: tuple[DatedFact[prescribing.DiscrepancyResolved], ...] = ()
    concerns_raised: tuple[DatedFact[prescribing.ConcernsRaised], ...] = ()
    concerns_answered: tuple[DatedFact[prescribing.ConcernAnswered], ...] = ()
    concerns_ended: tuple[DatedFact[prescribing.ConcernEnded], ...] = ()
    plans_signed: tuple[DatedFact[prescribing.DosePlanSigned], ...] = ()
    steps_due: tuple[DatedFact[prescribing.StepDue], ...] = ()
    steps_overdue: tuple[DatedFact[prescribing.StepOverdue], ...] = ()
    steps_confirmed: tuple[DatedFact[prescribing.StepConfirmed], ...] = ()
    safety_steps_taken: tuple[DatedFact[prescribing.SafetyStepTaken], ...] = ()
    steps_declined: tuple[DatedFact[prescribing.StepDeclined], ...] = ()
    steps_held: tuple[DatedFact[prescribing.StepHeld], ...] = ()
    steps_changed: tuple[DatedFact[prescribing.StepChanged], ...] = ()
    plans_ended: tuple[DatedFact[prescribing.DosePlanEnded], ...] = ()
    struck: tuple[DatedFact[EnteredInError], ...] = ()
