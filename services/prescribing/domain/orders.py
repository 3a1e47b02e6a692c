"""Issuing a prescription: the order passes the safety check or is declined."""

from dataclasses import dataclass

from careloop.kernel.credentials import require_prescriber
from careloop.kernel.errors import RuleViolated
from careloop.kernel.events import require_past
from careloop.knowledge.pack.drugs import ingredients
from services.prescribing.domain.declining import CheckedCommand, check_order
from services.prescribing.domain.events import Event, Order, PrescriptionDeclined, PrescriptionIssued
from services.prescribing.domain.noted import ProfileNoted
from services.prescribing.domain.state import PrescriptionChart


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuePrescription(CheckedCommand):
    order: Order


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
    checked = check_order(command, command.order, chart)
    if isinstance(checked, PrescriptionDeclined):
        return [checked]
    return [
        PrescriptionIssued(
            fact_id=command.fact_id,
            order=command.order,
            ingredients=_ingredients(command.order),
            prescriber=command.prescriber,
            capsule=checked,
            occurred_at=command.occurred_at,
        )
    ]


def _ingredients(order: Order) -> tuple[str, ...]:
    return ingredients(order.medicine.name or None, order.medicine.rxcui or None)


def _require_enrolled(chart: PrescriptionChart) -> None:
    if chart.latest(ProfileNoted) is None:
        raise RuleViolated("not-enrolled", "Prescribing does not know of this patient's enrolment.", field="patient_id")
