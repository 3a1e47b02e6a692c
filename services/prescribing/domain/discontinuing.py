"""Ending a prescription."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from careloop.contracts.prescribing import PrescriptionDiscontinued, StatusReason
from careloop.kernel.commands import FactCommand
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import NotKnown, RuleViolated
from careloop.kernel.ids import FactId
from careloop.kernel.reading import Actor, Else, Licence, Named, today
from careloop.kernel.restating import fact
from services.prescribing.domain.events import Event
from services.prescribing.domain.state import PrescriptionChart


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscontinuePrescription(FactCommand):
    prescription: Annotated[FactId, Named("prescription_id")]
    status_reason: StatusReason
    stopped_on: Annotated[date, Else(today)]
    prescriber: Actor
    credential: Licence


discontinued = fact(PrescriptionDiscontinued, DiscontinuePrescription)


@guarded(Guard.REPEAT, Guard.PAST, Guard.PRESCRIBER)
def discontinue(command: DiscontinuePrescription, chart: PrescriptionChart) -> list[Event]:
    """The end of a prescription. Ending one that has ended changes nothing."""
    if chart.prescription(command.prescription) is None:
        raise NotKnown("prescription-not-known", "There is no such prescription.", field="prescription_id")
    if chart.discontinuation(command.prescription):
        return []
    if command.stopped_on > command.now.date():
        raise RuleViolated("stopped-in-the-future", "stopped_on may not lie in the future.", field="stopped_on")
    return [discontinued(command)]
