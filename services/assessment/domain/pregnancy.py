"""Whether a client is pregnant or breastfeeding."""

from dataclasses import dataclass

from careloop.contracts.assessment import PregnancyRecorded, PregnancyStatus, Source
from careloop.kernel.commands import FactCommand
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.restating import fact
from services.assessment.domain.events import Event
from services.assessment.domain.state import Assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPregnancy(FactCommand):
    status: PregnancyStatus
    source: Source


recorded = fact(PregnancyRecorded, RecordPregnancy)


@guarded(Guard.REPEAT, Guard.PAST, Guard.ENROLLED, Guard.BORN)
def record_pregnancy(command: RecordPregnancy, state: Assessment) -> list[Event]:
    """Whether the client is pregnant or breastfeeding."""
    return [recorded(command)]
