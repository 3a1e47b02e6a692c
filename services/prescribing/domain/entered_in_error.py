"""Striking a fact that prescribing should never have recorded."""

from dataclasses import dataclass
from datetime import datetime

from careloop.kernel.errors import NotKnown
from careloop.kernel.ids import FactId, PersonId
from services.prescribing.domain.events import EnteredInError, Event
from services.prescribing.domain.state import PrescriptionChart


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkEnteredInError:
    fact_id: FactId
    reason: str
    marked_by: PersonId
    now: datetime


def mark_entered_in_error(command: MarkEnteredInError, chart: PrescriptionChart) -> list[Event]:
    """Strikes a fact decided here; the history of what was known stays. Striking twice changes nothing."""
    if command.fact_id in chart.struck:
        return []
    if command.fact_id not in chart.decided:
        raise NotKnown("fact-not-known", "There is no such fact in this service.", field="fact_id")
    return [
        EnteredInError(
            fact_id=command.fact_id, reason=command.reason, marked_by=command.marked_by, occurred_at=command.now
        )
    ]
