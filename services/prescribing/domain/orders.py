"""Issuing a prescription: the order passes the safety check or is declined."""

from dataclasses import dataclass

from careloop.contracts.prescribing import Order
from careloop.kernel.days import Span
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import RuleViolated
from careloop.kernel.restating import fact
from careloop.knowledge.pack.drugs import ingredients
from services.prescribing.domain.declining import CheckedCommand, check_order
from services.prescribing.domain.events import Event, PrescriptionDeclined, PrescriptionIssued
from services.prescribing.domain.indications import require_condition_code
from services.prescribing.domain.regimens import completed
from services.prescribing.domain.state import PrescriptionChart


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuePrescription(CheckedCommand):
    order: Order


issued = fact(PrescriptionIssued, IssuePrescription, "order", "ingredients", "capsule")


@guarded(Guard.REPEAT, Guard.PAST, Guard.ENROLLED, Guard.BORN, Guard.PRESCRIBER)
def issue(command: IssuePrescription, chart: PrescriptionChart) -> list[Event]:
    """A prescription if the safety check allows it, else the recorded fact that the order was declined.

    Raises InvalidInput for a start before the client's birth, for an indication that is no code of a condition, and for
    a regimen that is none of an order, RuleViolated `episode-closed` after the end of the client's episode of care.
    """
    require_open(chart)
    Span(first=chart.birth_date).require(command.order.starts_on, "order.starts_on")
    require_condition_code(command.order)
    order = completed(command.order)
    checked = check_order(command, order, chart)
    if isinstance(checked, PrescriptionDeclined):
        return [checked]
    return [issued(command, order=order, ingredients=_ingredients(order), capsule=checked)]


def _ingredients(order: Order) -> tuple[str, ...]:
    return ingredients(order.medicine.name or None, order.medicine.rxcui or None)


def require_open(chart: PrescriptionChart) -> None:
    """Raises RuleViolated `episode-closed` after the end of the client's episode of care."""
    if chart.ended is not None:
        raise RuleViolated("episode-closed", "The client's episode of care is closed; EnrollPatient begins the next.")
