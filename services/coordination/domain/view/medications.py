"""What is taken and what was ordered, as the view shows it."""

from careloop.kernel.ids import FactId
from services.coordination.domain.view.care_view import (
    Asked,
    DeclinedOrder,
    DoseChange,
    Medication,
    Medications,
    OverriddenOrder,
)
from services.coordination.domain.view.dated_fact import order
from services.coordination.domain.view.intake import newest
from services.coordination.domain.view.sections import AssessmentSection, Changed, Issued, PrescribingSection

ACTIVE, STOPPED = "active", "stopped"


def medications(told: AssessmentSection, ordered: PrescribingSection) -> Medications:
    """The newest reconciled list and every prescription; nothing is merged, each says where it comes from."""
    listed = newest(told.medications)
    every = [*_reported(told), *(_prescribed(kept.fact, ordered) for kept in ordered.issued)]
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


def _reported(told: AssessmentSection) -> list[Medication]:
    listed = newest(told.medications)
    if listed is None:
        return []
    return [
        Medication(
            fact_id=listed.fact_id,
            medicine=current.medicine,
            source=current.source,
            status=STOPPED if current.stopped_on else ACTIVE,
            daily_dose_mg=current.daily_dose_mg,
            since=current.started_on,
            until=current.stopped_on,
        )
        for current in listed.medications
    ]


def _prescribed(issued: Issued, ordered: PrescribingSection) -> Medication:
    changes = _changes(issued.fact_id, ordered)
    ended = newest([k for k in ordered.discontinued if k.fact.prescription == issued.fact_id])
    return Medication(
        fact_id=issued.fact_id,
        medicine=issued.order.medicine,
        source="prescribed",
        status=STOPPED if ended else ACTIVE,
        daily_dose_mg=changes[0].to_daily_dose_mg if changes else issued.order.daily_dose_mg,
        since=issued.order.starts_on,
        until=ended.stopped_on if ended else None,
        sig=issued.order.sig,
        status_reason=ended.status_reason if ended else "",
        dose_changes=changes,
    )


def _changes(prescription: FactId, ordered: PrescribingSection) -> tuple[DoseChange, ...]:
    mine = [k for k in ordered.changed if k.fact.prescription == prescription]
    latest_first = sorted(mine, key=lambda k: (k.fact.effective_on, order(k)), reverse=True)
    return tuple(
        DoseChange(
            fact_id=k.fact.fact_id,
            from_daily_dose_mg=k.fact.from_daily_dose_mg,
            to_daily_dose_mg=k.fact.to_daily_dose_mg,
            effective_on=k.fact.effective_on,
            reason=k.fact.reason,
            prescriber=k.fact.prescriber,
        )
        for k in latest_first
    )


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
