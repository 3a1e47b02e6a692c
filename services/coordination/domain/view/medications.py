"""What is taken, as the view shows it: what was reported and what was prescribed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeVar

from msgspec import UNSET, UnsetType

from careloop.contracts.assessment import CurrentMedication
from careloop.contracts.prescribing import (
    Alert,
    DosePlanEnded,
    NotChecked,
    Override,
    Regimen,
    StepChanged,
    StepHeld,
    is_overridden,
)
from careloop.contracts.terms import Coding, Medicine
from careloop.kernel.ids import FactId
from careloop.kernel.restating import shown
from services.coordination.domain.view.asked import Asked
from services.coordination.domain.view.dated_fact import DatedFact, newest, order
from services.coordination.domain.view.sections.assessment import AssessmentSection
from services.coordination.domain.view.sections.prescribing import Changed, Issued, PrescribingSection

ACTIVE, PLANNED, STOPPED = "active", "planned", "stopped"
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseChange:
    fact_id: FactId
    from_daily_dose_mg: Decimal | None
    to_daily_dose_mg: Decimal
    effective_on: date
    reason: str
    prescriber: str
    in_force: bool
    cancelled: bool
    regimen: Regimen | UnsetType = UNSET
    plan: FactId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Medication:
    fact_id: FactId
    medicine: Medicine
    source: str
    status: str
    daily_dose_mg: Decimal | None
    since: date | None
    until: date | None
    sig: str = ""
    status_reason: str = ""
    fhir_status_reason: str = ""
    dose_changes: tuple[DoseChange, ...] = ()
    overridden: tuple[Alert, ...] = ()
    overrides: tuple[Override, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()
    indication: Coding | UnsetType = UNSET
    regimen: Regimen | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class Medications:
    asked: Asked
    fact_id: FactId | None
    medications: tuple[Medication, ...]


dose_change = shown(DoseChange, Changed, "in_force", "cancelled")
reported = shown(Medication, CurrentMedication, "fact_id", "status", since="started_on", until="stopped_on")
prescribed = shown(
    Medication,
    Issued,
    *("source", "status", "daily_dose_mg", "until", "status_reason", "dose_changes"),
    "fhir_status_reason",
    *("overridden", "overrides", "not_checked", "regimen"),
    medicine="order.medicine",
    since="order.starts_on",
    sig="order.sig",
    indication="order.indication",
)


def medications(assessed: AssessmentSection, ordered: PrescribingSection) -> Medications:
    """The newest reconciled list and every prescription, each saying where it comes from. What the list says of a
    prescription of ours is no second medicine: it agrees, or it is a discrepancy."""
    listed = newest(assessed.medications)
    every = [*_reported(assessed, ordered), *(_prescribed(dated, ordered) for dated in ordered.issued)]
    asked = Asked.NOT_ASKED
    if listed is not None:
        asked = Asked.LISTED if listed.medications else Asked.NONE_KNOWN
    return Medications(
        asked=asked, fact_id=listed.fact_id if listed else None, medications=tuple(sorted(every, key=_by_name))
    )


def _by_name(medication: Medication) -> tuple[bool, str, str, str]:
    return (
        medication.status != ACTIVE,
        medication.medicine.name.casefold(),
        medication.source,
        str((medication.fact_id, medication.since, medication.daily_dose_mg)),
    )


def _reported(assessed: AssessmentSection, ordered: PrescribingSection) -> list[Medication]:
    listed = newest(assessed.medications)
    if listed is None:
        return []
    standing = {k.fact.fact_id for k in ordered.issued}
    ours = {
        matched.medicine
        for k in ordered.compared
        for matched in k.fact.matched
        if k.fact.listed_in == listed.fact_id and matched.prescription in standing
    }
    return [
        reported(current, fact_id=listed.fact_id, status=STOPPED if current.stopped_on else ACTIVE)
        for current in listed.medications
        if current.medicine not in ours
    ]


def _prescribed(dated: DatedFact[Issued], ordered: PrescribingSection) -> Medication:
    """With the dose that is in force by facts; one that has not begun is planned, with the dose that was ordered."""
    issued = dated.fact
    changes = _changes(issued.fact_id, ordered)
    now = next((change for change in changes if change.in_force), None)
    ended = newest([k for k in ordered.discontinued if k.fact.prescription == issued.fact_id])
    decided: list[Issued | Changed] = [
        issued,
        *(k.fact for k in ordered.changed if k.fact.prescription == issued.fact_id),
    ]
    said = [(one.alerts, one.overrides) for one in decided]
    if ended is not None:
        said.append((ended.alerts or (), ended.overrides or ()))
    return prescribed(
        issued,
        source="prescribed",
        status=STOPPED if ended else ACTIVE if now or _in_force(dated, issued.order.starts_on, ordered) else PLANNED,
        daily_dose_mg=now.to_daily_dose_mg if now else _ordered_dose(issued, ordered),
        regimen=now.regimen if now else issued.order.regimen,
        until=ended.stopped_on if ended else None,
        status_reason=ended.status_reason if ended else "",
        fhir_status_reason=ended.status_reason.fhir if ended else "",
        dose_changes=changes,
        overridden=_each_once(alert for found, answers in said for alert in found if is_overridden(alert, answers)),
        overrides=_each_once(override for _, answers in said for override in answers),
        not_checked=_each_once(gap for one in decided for gap in one.not_checked),
    )


def _ordered_dose(issued: Issued, ordered: PrescribingSection) -> Decimal | None:
    """The dose by the order: that of the phase of its regimen that began last, else the one that was ordered."""
    begun = [k.fact for k in ordered.took_effect if k.fact.prescription == issued.fact_id and k.fact.change is None]
    latest = max(begun, key=lambda effect: effect.effective_on, default=None)
    return latest.daily_dose_mg if latest else issued.order.daily_dose_mg


def _each_once(found: Iterable[Found]) -> tuple[Found, ...]:
    return tuple(dict.fromkeys(found))


def _changes(prescription: FactId, ordered: PrescribingSection) -> tuple[DoseChange, ...]:
    mine = [k for k in ordered.changed if k.fact.prescription == prescription]
    latest_first = sorted(mine, key=lambda k: (k.fact.effective_on, order(k)), reverse=True)
    cancelled = {change for k in mine for change in k.fact.cancels} | _not_taken(ordered)
    return tuple(
        dose_change(
            k.fact,
            in_force=k.fact.fact_id not in cancelled and _in_force(k, k.fact.effective_on, ordered),
            cancelled=k.fact.fact_id in cancelled,
        )
        for k in latest_first
    )


def _not_taken(ordered: PrescribingSection) -> set[FactId]:
    """The changes of confirmed steps that were held, moved or ended before their day."""
    waiting: list[StepHeld | StepChanged | DosePlanEnded] = [k.fact for k in ordered.steps_held]
    waiting += [*(k.fact for k in ordered.steps_changed), *(k.fact for k in ordered.plans_ended)]
    return {cancelled for one in waiting for cancelled in one.cancels}


def _in_force(dated: DatedFact[Issued] | DatedFact[Changed], day: date, ordered: PrescribingSection) -> bool:
    """Whether it took effect on the day of its decision, or a fact says that it did since; of a step of a plan, only
    the latter. A decision published without its day is taken to have been decided on the day it was recorded."""
    of_plan = isinstance(dated.fact, Changed) and dated.fact.plan is not None
    if not of_plan and day <= (dated.fact.as_of or dated.recorded_at.date()):
        return True
    return any(dated.fact.fact_id == (k.fact.change or k.fact.prescription) for k in ordered.took_effect)
