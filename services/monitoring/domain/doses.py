"""Doses taken and skipped."""

from dataclasses import dataclass
from typing import Annotated

from careloop.contracts.monitoring import DoseRecorded, DoseStatus
from careloop.contracts.terms import Medicine
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import InvalidInput
from careloop.kernel.ids import FactId
from careloop.kernel.reading import Actor, Named, NewFact, Now, Past
from careloop.kernel.restating import fact
from services.monitoring.domain.events import Event
from services.monitoring.domain.state import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDose:
    """`reason` says why a dose was skipped and is required then."""

    fact_id: NewFact
    medicine: Medicine
    prescription: Annotated[FactId | None, Named("prescription_id")]
    status: DoseStatus
    reason: str = ""
    actor: Actor
    occurred_at: Past
    now: Now


recorded = fact(DoseRecorded, RecordDose, recorded_by="actor")


@guarded(Guard.REPEAT, Guard.PAST)
def record_dose(command: RecordDose, watch: Watch) -> list[Event]:
    """A dose taken or skipped. Raises InvalidInput for a skipped dose without a reason."""
    if command.status is DoseStatus.SKIPPED and not command.reason:
        raise InvalidInput("reason-required", "reason is required for a skipped dose.", field="reason")
    return [recorded(command)]
