"""What a source holds of a list and could not be read: a list with such gaps is not the whole of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from careloop.contracts.assessment import ChartList, ListGapsRecorded, Source
from careloop.kernel.commands import FactCommand
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.reading import Range
from careloop.kernel.restating import fact
from services.assessment.domain.events import Event
from services.assessment.domain.state import Assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordListGaps(FactCommand):
    """`left_out` entries of the list could not be read; 0 says that nothing is missing any more."""

    list: ChartList
    left_out: Annotated[int, Range(0, 100_000)]
    source: Source


recorded = fact(ListGapsRecorded, RecordListGaps)


@guarded(Guard.REPEAT, Guard.PAST, Guard.ENROLLED, Guard.BORN)
def record_list_gaps(command: RecordListGaps, state: Assessment) -> list[Event]:
    """How many entries of a source's list are missing here. It replaces what was said of that source and list."""
    return [recorded(command)]


def open_gaps(state: Assessment) -> Iterator[ListGapsRecorded]:
    """The last word on each list of each source, where something is missing."""
    last = {(said.list, said.source): said for said in state.standing(ListGapsRecorded)}
    return (said for said in last.values() if said.left_out)
