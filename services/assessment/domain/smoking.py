"""Whether a client smokes tobacco, which moves the levels of some medicines."""

from dataclasses import dataclass
from datetime import date

from careloop.contracts.assessment import SmokingRecorded, SmokingStatus, Source
from careloop.kernel.commands import FactCommand
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import InvalidInput
from careloop.kernel.restating import fact
from services.assessment.domain.events import Event
from services.assessment.domain.state import Assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSmoking(FactCommand):
    """`stopped_on` is the last day of a former smoker."""

    status: SmokingStatus
    stopped_on: date | None
    source: Source


recorded = fact(SmokingRecorded, RecordSmoking)


@guarded(Guard.REPEAT, Guard.PAST, Guard.ENROLLED, Guard.BORN)
def record_smoking(command: RecordSmoking, state: Assessment) -> list[Event]:
    """Whether the client smokes. Raises InvalidInput for a last day of somebody who is no former smoker, or one to
    come or from before the client's birth."""
    if command.stopped_on is not None and command.status is not SmokingStatus.FORMER:
        raise InvalidInput("not-a-former-smoker", "stopped_on is only for a former smoker.", field="stopped_on")
    if command.stopped_on is not None:
        state.days_until(command.now).require(command.stopped_on, "stopped_on")
    return [recorded(command)]
