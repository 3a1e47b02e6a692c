"""What an order is for, as the prescriber names it."""

import re

from msgspec import UNSET

from careloop.contracts.prescribing import Order
from careloop.contracts.terms import Coding
from careloop.kernel.errors import InvalidInput
from careloop.knowledge.chart import Condition

WRITTEN = {
    "icd-10-cm": (re.compile(r"[A-Z][0-9][0-9AB](\.[0-9A-Z]{1,4})?"), "an ICD-10-CM code such as F33.1"),
    "snomed": (re.compile(r"[1-9][0-9]{5,17}"), "a SNOMED CT code such as 370143000"),
}
"""By code system, how its codes are written."""


def require_condition_code(order: Order) -> None:
    """Raises InvalidInput for an indication in another system than ICD-10-CM or SNOMED CT, or not written as a code."""
    if order.indication is not UNSET:
        require_written(order.indication, "order.indication")


def require_written(named: Coding, field: str) -> None:
    """The same of a coding in this field."""
    if named.system not in WRITTEN:
        message = f"{field}.system must be icd-10-cm or snomed."
        raise InvalidInput("not-a-condition-code", message, field=f"{field}.system")
    form, example = WRITTEN[named.system]
    if not form.fullmatch(named.code):
        message = f"{field}.code must be {example}."
        raise InvalidInput("not-a-condition-code", message, field=f"{field}.code")


def indication_of(order: Order) -> Condition | None:
    """The condition as the safety check reads it; None where the order names none."""
    return None if order.indication is UNSET else _condition(order.indication)


def _condition(named: Coding) -> Condition:
    return Condition(
        icd10=named.code if named.system == "icd-10-cm" else None,
        snomed=named.code if named.system == "snomed" else None,
        text=named.display or None,
    )
