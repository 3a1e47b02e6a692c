"""Ending a prescription."""

from dataclasses import dataclass
from datetime import date, datetime

from careloop.kernel.credentials import Credential, require_prescriber
from careloop.kernel.errors import NotKnown, RuleViolated
from careloop.kernel.events import require_past
from careloop.kernel.ids import FactId, PersonId
from services.prescribing.domain.codes import StatusReason
from services.prescribing.domain.events import Event, PrescriptionDiscontinued
from services.prescribing.domain.state import PrescriptionChart


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
