"""Whether a client is pregnant or breastfeeding."""

from dataclasses import dataclass

from services.assessment.domain.codes import PregnancyStatus
from services.assessment.domain.events import Event, PregnancyRecorded
from services.assessment.domain.recording import FactCommand, is_new
from services.assessment.domain.state import Assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPregnancy(FactCommand):
    status: PregnancyStatus
    source: str


def record_pregnancy(command: RecordPregnancy, state: Assessment) -> list[Event]:
    """Whether the client is pregnant or breastfeeding."""
    if not is_new(command, state):
        return []
    return [
        PregnancyRecorded(
            fact_id=command.fact_id, status=command.status, source=command.source, occurred_at=command.occurred_at
        )
    ]
