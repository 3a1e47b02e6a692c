"""Results of laboratories and measurements."""

import re
from dataclasses import dataclass

from careloop.contracts.assessment import Result, ResultsRecorded, Source
from careloop.kernel.commands import FactCommand
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import InvalidInput
from careloop.kernel.restating import fact
from services.assessment.domain.empty_lists import require_said
from services.assessment.domain.events import Event
from services.assessment.domain.state import Assessment

LOINC = re.compile(r"[0-9]{1,7}-[0-9]")
"""A number and its check digit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordResults(FactCommand):
    """`none_known` says that results were asked for and there are none."""

    results: tuple[Result, ...] = ()
    none_known: bool = False
    source: Source


recorded = fact(ResultsRecorded, RecordResults)


@guarded(Guard.REPEAT, Guard.PAST, Guard.ENROLLED, Guard.BORN)
def record_results(command: RecordResults, state: Assessment) -> list[Event]:
    """Adds results. Raises InvalidInput when none are listed and that was not said, or both, for a code that is not
    LOINC's and for a result of a day to come, or from before the client's birth."""
    require_said(bool(command.results), command.none_known, "results", "none_known")
    for index, result in enumerate(command.results):
        if not LOINC.fullmatch(result.loinc):
            raise InvalidInput(
                "not-loinc", "loinc must be a LOINC code such as 2160-0.", field=f"results[{index}].loinc"
            )
        state.days_until(command.now).require(result.on, f"results[{index}].on")
    return [recorded(command)]
