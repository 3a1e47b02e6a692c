"""The prescriber's orders: what is issued, what is declined and why, how a prescription changes and ends."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from msgspec import UNSET

from careloop.kernel.credentials import Credential, require_prescriber
from careloop.kernel.errors import NotKnown, RuleViolated
from careloop.kernel.events import require_past
from careloop.kernel.ids import FactId, PersonId
from careloop.knowledge.findings import Alert, Check, NotChecked, Screening, Severity
from careloop.knowledge.pack.drugs import high_risk, ingredients
from services.prescribing.domain.events import (
    DecisionCapsule,
    DoseChanged,
    EnteredInError,
    Event,
    Order,
    Override,
    PrescriptionDeclined,
    PrescriptionDiscontinued,
    PrescriptionIssued,
    ProfileNoted,
    StatusReason,
)
from services.prescribing.domain.screening import UNINFORMED, Freshness, safety_check
from services.prescribing.domain.state import PrescriptionChart

CONTRAINDICATED = "contraindicated"
NOT_OVERRIDDEN = "high-alert-not-overridden"
NOT_CHECKED = "high-risk-not-checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuePrescription:
    fact_id: FactId
    order: Order
    overrides: tuple[Override, ...]
    prescriber: PersonId
    credential: Credential | None
    occurred_at: datetime
    now: datetime
    freshness: Freshness = UNINFORMED


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeDose:
    """`daily_dose_mg` is the new dose in milligrams a day, in force from `effective_on`."""

    fact_id: FactId
    prescription: FactId
    daily_dose_mg: Decimal
    effective_on: date
    reason: str
    overrides: tuple[Override, ...]
    prescriber: PersonId
    credential: Credential | None
    occurred_at: datetime
    now: datetime
    freshness: Freshness = UNINFORMED


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscontinuePrescription:
    fact_id: FactId
    prescription: FactId
    status_reason: StatusReason
    stopped_on: date
    prescriber: PersonId
    credential: Credential | None
    occurred_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkEnteredInError:
    fact_id: FactId
    reason: str
    marked_by: PersonId
    now: datetime


def issue(command: IssuePrescription, chart: PrescriptionChart) -> list[Event]:
    """A prescription if the safety check allows it, else the recorded fact that the order was declined.

    Raises NotAllowed without a prescriber's credential valid at `occurred_at` and now, RuleViolated for a patient
    who is not enrolled.
    """
    if command.fact_id in chart.decided:
        return []
    require_past(command.occurred_at, command.now)
    require_prescriber(command.credential, command.occurred_at, command.now)
    _require_enrolled(chart)
    screening = safety_check(chart, command.order, command.freshness, command.now.date())
    answered = _answers(command.overrides, screening)
    capsule = _capsule(chart, screening, answered, command)
    reasons = reasons_to_decline(command.order, screening, answered)
    if reasons:
        return [_declined(command, command.order, reasons, capsule)]
    return [
        PrescriptionIssued(
            fact_id=command.fact_id,
            order=command.order,
            ingredients=_ingredients(command.order),
            prescriber=command.prescriber,
            capsule=capsule,
            occurred_at=command.occurred_at,
        )
    ]


def change_dose(command: ChangeDose, chart: PrescriptionChart) -> list[Event]:
    """A new dose of an active prescription, checked as an order of that dose would be; declined as one.

    Raises NotAllowed as `issue` does, NotKnown for a prescription that is not there, RuleViolated for one that ended.
    """
    if command.fact_id in chart.decided:
        return []
    require_past(command.occurred_at, command.now)
    require_prescriber(command.credential, command.occurred_at, command.now)
    issued = _active(command.prescription, chart)
    before = chart.daily_dose_mg(issued)
    if before == command.daily_dose_mg:
        raise RuleViolated("dose-unchanged", "The prescription already has this daily dose.", field="daily_dose_mg")
    order = order_of_dose(issued.order, command.daily_dose_mg, command.effective_on)
    screening = safety_check(chart, order, command.freshness, command.now.date(), changing=command.prescription)
    answered = _answers(command.overrides, screening)
    capsule = _capsule(chart, screening, answered, command)
    reasons = reasons_to_decline(order, screening, answered)
    if reasons:
        return [_declined(command, order, reasons, capsule)]
    return [
        DoseChanged(
            fact_id=command.fact_id,
            prescription=command.prescription,
            from_daily_dose_mg=before,
            to_daily_dose_mg=command.daily_dose_mg,
            effective_on=command.effective_on,
            reason=command.reason,
            prescriber=command.prescriber,
            capsule=capsule,
            occurred_at=command.occurred_at,
        )
    ]


def discontinue(command: DiscontinuePrescription, chart: PrescriptionChart) -> list[Event]:
    """The end of a prescription. Ending one that has ended changes nothing."""
    require_past(command.occurred_at, command.now)
    require_prescriber(command.credential, command.occurred_at, command.now)
    issued = chart.prescription(command.prescription)
    if issued is None:
        raise NotKnown("prescription-not-known", "There is no such prescription.", field="prescription_id")
    if command.fact_id in chart.decided or chart.discontinuation(command.prescription):
        return []
    if command.stopped_on > command.now.date():
        raise RuleViolated("stopped-in-the-future", "stopped_on may not lie in the future.", field="stopped_on")
    return [
        PrescriptionDiscontinued(
            fact_id=command.fact_id,
            prescription=command.prescription,
            status_reason=command.status_reason,
            stopped_on=command.stopped_on,
            prescriber=command.prescriber,
            occurred_at=command.occurred_at,
        )
    ]


def mark_entered_in_error(command: MarkEnteredInError, chart: PrescriptionChart) -> list[Event]:
    """Strikes a fact decided here; the history of what was known stays. Striking twice changes nothing."""
    if command.fact_id in chart.struck:
        return []
    if command.fact_id not in chart.decided:
        raise NotKnown("fact-not-known", "There is no such fact in this service.", field="fact_id")
    return [
        EnteredInError(
            fact_id=command.fact_id, reason=command.reason, marked_by=command.marked_by, occurred_at=command.now
        )
    ]


def reasons_to_decline(order: Order, screening: Screening, answered: tuple[Override, ...]) -> tuple[str, ...]:
    """Why the order may not become a prescription, worst first; empty if it may.

    A contraindication cannot be overridden. A high alert needs a coded reason of its own. What was not checked needs
    one for a high-risk drug, and for a drug that nobody knows: it may be one.
    """
    worst = {alert.severity for alert in screening.alerts}
    reasons = [CONTRAINDICATED] if Severity.CONTRAINDICATED in worst else []
    high = [alert for alert in screening.alerts if alert.severity is Severity.HIGH]
    if any(not _answered(alert, answered, screening) for alert in high):
        reasons.append(NOT_OVERRIDDEN)
    given = {override.rule for override in answered}
    if _risky(order) and any(_gap(missing) not in given for missing in screening.not_checked):
        reasons.append(NOT_CHECKED)
    return tuple(reasons)


def _risky(order: Order) -> bool:
    return high_risk(order.medicine.name or None, order.medicine.rxcui or None)


def _gap(missing: NotChecked) -> str:
    return f"not-checked:{Check(missing.check)}"


def _answered(alert: Alert, overrides: tuple[Override, ...], screening: Screening) -> bool:
    return any(_answers_to(override, alert, screening) for override in overrides)


def _answers_to(override: Override, alert: Alert, screening: Screening) -> bool:
    """An override names the medicines it is about; it may leave them out only where the rule found one thing."""
    if override.rule != alert.rule:
        return False
    alone = sum(other.rule == alert.rule for other in screening.alerts) == 1
    return set(override.involves) == set(alert.involves) or (alone and not override.involves)


def _answers(overrides: tuple[Override, ...], screening: Screening) -> tuple[Override, ...]:
    """The overrides that answer something this check found; others are not part of the decision."""
    gaps = {_gap(missing) for missing in screening.not_checked}
    return tuple(
        override
        for override in overrides
        if override.rule in gaps or any(_answers_to(override, alert, screening) for alert in screening.alerts)
    )


def _capsule(
    chart: PrescriptionChart,
    screening: Screening,
    answered: tuple[Override, ...],
    command: IssuePrescription | ChangeDose,
) -> DecisionCapsule:
    return DecisionCapsule(
        screening=screening,
        overrides=answered,
        evidence=chart.evidence(),
        stream_version=chart.version,
        source_positions=command.freshness.positions,
        as_of=command.now.date(),
        changing=command.prescription if isinstance(command, ChangeDose) else UNSET,
    )


def _declined(
    command: IssuePrescription | ChangeDose, order: Order, reasons: tuple[str, ...], capsule: DecisionCapsule
) -> PrescriptionDeclined:
    return PrescriptionDeclined(
        fact_id=command.fact_id,
        order=order,
        prescriber=command.prescriber,
        reasons=reasons,
        capsule=capsule,
        occurred_at=command.occurred_at,
    )


def _ingredients(order: Order) -> tuple[str, ...]:
    return ingredients(order.medicine.name or None, order.medicine.rxcui or None)


def order_of_dose(order: Order, daily_dose_mg: Decimal, effective_on: date) -> Order:
    """The order as which a new dose is checked."""
    return Order(
        medicine=order.medicine,
        daily_dose_mg=daily_dose_mg,
        sig=order.sig,
        days_supply=order.days_supply,
        starts_on=effective_on,
    )


def _active(prescription: FactId, chart: PrescriptionChart) -> PrescriptionIssued:
    issued = chart.prescription(prescription)
    if issued is None:
        raise NotKnown("prescription-not-known", "There is no such prescription.", field="prescription_id")
    if chart.discontinuation(prescription):
        raise RuleViolated("prescription-ended", "The prescription has been discontinued.", field="prescription_id")
    return issued


def _require_enrolled(chart: PrescriptionChart) -> None:
    if chart.latest(ProfileNoted) is None:
        raise RuleViolated("not-enrolled", "Prescribing does not know of this patient's enrolment.", field="patient_id")
