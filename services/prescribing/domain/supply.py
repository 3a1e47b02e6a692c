"""What a client has at home of a medicine."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated

from careloop.contracts.prescribing import SupplyCounted
from careloop.contracts.terms import Medicine
from careloop.kernel.commands import FactCommand
from careloop.kernel.days import Span
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import RuleViolated
from careloop.kernel.reading import Actor, Else, today
from careloop.kernel.restating import fact
from services.prescribing.domain.events import Event
from services.prescribing.domain.state import PrescriptionChart


@dataclass(frozen=True, slots=True, kw_only=True)
class CountSupply(FactCommand):
    """`units` are tablets or the like, `unit_mg` the milligrams in one; None is not known."""

    medicine: Medicine
    units: Decimal
    unit_mg: Decimal | None
    counted_on: Annotated[date, Else(today)]
    counted_by: Actor


counted = fact(SupplyCounted, CountSupply)


@guarded(Guard.REPEAT, Guard.PAST, Guard.BORN)
def count_supply(command: CountSupply, chart: PrescriptionChart) -> list[Event]:
    """A count of what is there, on or before today; it is taken of every patient, enrolled here yet or not.

    Raises RuleViolated for a count in the future, InvalidInput for one before the client's birth.
    """
    Span(first=chart.birth_date).require(command.counted_on, "counted_on")
    if command.counted_on > chart.today(command.now):
        raise RuleViolated("counted-in-the-future", "counted_on may not lie in the future.", field="counted_on")
    return [counted(command)]
