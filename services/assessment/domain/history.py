"""Medical and psychiatric history: conditions and earlier treatments."""

from dataclasses import dataclass

from services.assessment.domain.details import Condition, EarlierTreatment
from services.assessment.domain.events import Event, HistoryRecorded
from services.assessment.domain.recording import FactCommand, is_new, require_said
from services.assessment.domain.state import Assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordHistory(FactCommand):
    """`nothing_known` says that history was asked for and there is none."""

    conditions: tuple[Condition, ...] = ()
    earlier_treatments: tuple[EarlierTreatment, ...] = ()
    nothing_known: bool = False
    source: str


def record_history(command: RecordHistory, state: Assessment) -> list[Event]:
    """Adds to the history. Raises InvalidInput for an empty one that was not said to be empty."""
    if not is_new(command, state):
        return []
    listed = bool(command.conditions or command.earlier_treatments)
    require_said(listed, command.nothing_known, "conditions", "nothing_known")
    return [
        HistoryRecorded(
            fact_id=command.fact_id,
            conditions=command.conditions,
            earlier_treatments=command.earlier_treatments,
            source=command.source,
            nothing_known=command.nothing_known,
            occurred_at=command.occurred_at,
        )
    ]
