"""Medical and psychiatric history: conditions and earlier treatments."""

from dataclasses import dataclass

from careloop.contracts.assessment import Condition, EarlierTreatment, HistoryRecorded, Source
from careloop.kernel.commands import FactCommand
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.restating import fact
from services.assessment.domain.empty_lists import require_said
from services.assessment.domain.events import Event
from services.assessment.domain.state import Assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordHistory(FactCommand):
    """`nothing_known` says that history was asked for and there is none."""

    conditions: tuple[Condition, ...] = ()
    earlier_treatments: tuple[EarlierTreatment, ...] = ()
    nothing_known: bool = False
    source: Source


recorded = fact(HistoryRecorded, RecordHistory)


@guarded(Guard.REPEAT, Guard.PAST, Guard.ENROLLED)
def record_history(command: RecordHistory, state: Assessment) -> list[Event]:
    """Adds to the history. Raises InvalidInput for an empty one that was not said to be empty."""
    listed = bool(command.conditions or command.earlier_treatments)
    require_said(listed, command.nothing_known, "conditions", "nothing_known")
    return [recorded(command)]
