"""Medical and psychiatric history: conditions and earlier treatments."""

from dataclasses import dataclass
from datetime import timedelta

from careloop.contracts.assessment import Condition, EarlierTreatment, HistoryRecorded, Source
from careloop.kernel.commands import FactCommand
from careloop.kernel.days import Span
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import InvalidInput
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


@guarded(Guard.REPEAT, Guard.PAST, Guard.ENROLLED, Guard.BORN)
def record_history(command: RecordHistory, state: Assessment) -> list[Event]:
    """Adds to the history. Raises InvalidInput for an empty one that was not said to be empty, for an onset before the
    client's birth or after `occurred_at`, and for a treatment that took longer than the client's life."""
    listed = bool(command.conditions or command.earlier_treatments)
    require_said(listed, command.nothing_known, "conditions", "nothing_known")
    possible = state.days_until(command.occurred_at)
    for index, condition in enumerate(command.conditions):
        possible.require(condition.onset, f"conditions[{index}].onset")
    for index, treatment in enumerate(command.earlier_treatments):
        _require_lived(treatment.weeks, possible, f"earlier_treatments[{index}].weeks")
    return [recorded(command)]


def _require_lived(weeks: int | None, possible: Span, field: str) -> None:
    if weeks is None or possible.first is None or possible.last is None:
        return
    if timedelta(weeks=weeks) > possible.last - possible.first:
        raise InvalidInput("longer-than-life", f"{field} is longer than the client has lived.", field=field)
