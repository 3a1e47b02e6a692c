"""Ending a prescription."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from careloop.contracts.prescribing import PrescriptionDiscontinued, StatusReason
from careloop.kernel.commands import FactCommand
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import NotKnown, RuleViolated
from careloop.kernel.ids import FactId
from careloop.kernel.reading import Actor, Else, Licence, Named, today
from careloop.kernel.restating import fact
from services.prescribing.domain.events import Event, PrescriptionIssued
from services.prescribing.domain.state import PrescriptionChart


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscontinuePrescription(FactCommand):
    prescription: Annotated[FactId, Named("prescription_id")]
    status_reason: StatusReason
    stopped_on: Annotated[date, Else(today)]
    prescriber: Actor
    credential: Licence


discontinued = fact(PrescriptionDiscontinued, DiscontinuePrescription)


@guarded(Guard.REPEAT, Guard.PAST, Guard.BORN, Guard.PRESCRIBER)
def discontinue(command: DiscontinuePrescription, chart: PrescriptionChart) -> list[Event]:
    """The end of a prescription. Ending one that has ended changes nothing.

    Raises NotKnown for a prescription that is not there, RuleViolated for a last dose in the future, or before the
    first; one that has not begun ends on a day since it was issued.
    """
    issued = chart.prescription(command.prescription)
    if issued is None:
        raise NotKnown("prescription-not-known", "There is no such prescription.", field="prescription_id")
    if chart.discontinuation(command.prescription):
        return []
    if command.stopped_on > command.now.date():
        raise RuleViolated("stopped-in-the-future", "stopped_on may not lie in the future.", field="stopped_on")
    if command.stopped_on < first_day(issued, command.now):
        sentence = "stopped_on may not lie before the prescription began."
        raise RuleViolated("stopped-before-started", sentence, field="stopped_on")
    return [discontinued(command)]


def first_day(issued: PrescriptionIssued, now: datetime) -> date:
    """The first day on which the prescription can have ended: that of its first dose, or, while that is to come, the
    day on which it was issued."""
    starts_on = issued.order.starts_on
    return starts_on if starts_on <= now.date() else min(starts_on, issued.occurred_at.date())
