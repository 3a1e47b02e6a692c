"""A client's allergies and intolerances, as one whole list."""

from dataclasses import dataclass

from careloop.contracts.assessment import AllergiesRecorded, Allergy
from careloop.kernel.commands import FactCommand
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.restating import fact
from services.assessment.domain.empty_lists import require_said
from services.assessment.domain.events import Event
from services.assessment.domain.state import Assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAllergies(FactCommand):
    """The whole list as of `occurred_at`; `no_known_allergies` says that none are known."""

    allergies: tuple[Allergy, ...] = ()
    no_known_allergies: bool = False


recorded = fact(AllergiesRecorded, RecordAllergies)


@guarded(Guard.REPEAT, Guard.PAST, Guard.ENROLLED, Guard.BORN)
def record_allergies(command: RecordAllergies, state: Assessment) -> list[Event]:
    """The whole allergy list. Raises InvalidInput when none are listed and that was not said, or both."""
    require_said(bool(command.allergies), command.no_known_allergies, "allergies", "no_known_allergies")
    return [recorded(command)]
