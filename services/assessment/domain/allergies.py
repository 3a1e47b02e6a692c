"""A client's allergies and intolerances, as one whole list."""

from dataclasses import dataclass

from services.assessment.domain.details import Allergy
from services.assessment.domain.events import AllergiesRecorded, Event
from services.assessment.domain.recording import FactCommand, is_new, require_said
from services.assessment.domain.state import Assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAllergies(FactCommand):
    """The whole list as of `occurred_at`; `no_known_allergies` says that none are known."""

    allergies: tuple[Allergy, ...] = ()
    no_known_allergies: bool = False


def record_allergies(command: RecordAllergies, state: Assessment) -> list[Event]:
    """The whole allergy list. Raises InvalidInput when none are listed and that was not said, or both."""
    if not is_new(command, state):
        return []
    require_said(bool(command.allergies), command.no_known_allergies, "allergies", "no_known_allergies")
    return [
        AllergiesRecorded(
            fact_id=command.fact_id,
            allergies=command.allergies,
            no_known_allergies=command.no_known_allergies,
            occurred_at=command.occurred_at,
        )
    ]
