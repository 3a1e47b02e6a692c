"""Issuing a prescription: the order passes the safety check or is declined."""

from dataclasses import dataclass

from careloop.contracts.prescribing import Order
from careloop.kernel.days import Span
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.restating import fact
from careloop.knowledge.pack.drugs import ingredients
from services.prescribing.domain.declining import CheckedCommand, check_order
from services.prescribing.domain.events import Event, PrescriptionDeclined, PrescriptionIssued
from services.prescribing.domain.indications import require_condition_code
from services.prescribing.domain.state import PrescriptionChart


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuePrescription(CheckedCommand):
    order: Order


issued = fact(PrescriptionIssued, IssuePrescription, "ingredients", "capsule")


@guarded(Guard.REPEAT, Guard.PAST, Guard.ENROLLED, Guard.BORN, Guard.PRESCRIBER)
def issue(command: IssuePrescription, chart: PrescriptionChart) -> list[Event]:
    """A prescription if the safety check allows it, else the recorded fact that the order was declined.

    Raises InvalidInput for a start before the client's birth, and for an indication that is no code of a condition.
    """
    Span(first=chart.birth_date).require(command.order.starts_on, "order.starts_on")
    require_condition_code(command.order)
    checked = check_order(command, command.order, chart)
    if isinstance(checked, PrescriptionDeclined):
        return [checked]
    return [issued(command, ingredients=_ingredients(command.order), capsule=checked)]


def _ingredients(order: Order) -> tuple[str, ...]:
    return ingredients(order.medicine.name or None, order.medicine.rxcui or None)
