"""Doses taken and skipped."""

from dataclasses import dataclass
from datetime import datetime

from careloop.kernel.errors import InvalidInput
from careloop.kernel.events import require_past
from careloop.kernel.ids import FactId, PersonId
from services.monitoring.domain.codes import DoseStatus
from services.monitoring.domain.events import DoseRecorded, Event
from services.monitoring.domain.medicines import Medicine
from services.monitoring.domain.state import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDose:
    """`reason` says why a dose was skipped and is required then."""

    fact_id: FactId
    medicine: Medicine
    prescription: FactId | None
    status: DoseStatus
    reason: str
    actor: PersonId
    occurred_at: datetime
    now: datetime


def record_dose(command: RecordDose, watch: Watch) -> list[Event]:
    """A dose taken or skipped. Raises InvalidInput for a skipped dose without a reason."""
    if command.fact_id in watch.recorded:
        return []
    require_past(command.occurred_at, command.now)
    if command.status is DoseStatus.SKIPPED and not command.reason:
        raise InvalidInput("reason-required", "reason is required for a skipped dose.", field="reason")
    return [
        DoseRecorded(
            fact_id=command.fact_id,
            medicine=command.medicine,
            prescription=command.prescription,
            status=command.status,
            reason=command.reason,
            recorded_by=command.actor,
            occurred_at=command.occurred_at,
        )
    ]
