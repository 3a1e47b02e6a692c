"""A client's allergies and intolerances: the whole list, or one more entry of it."""

from dataclasses import dataclass

from careloop.contracts.assessment import AllergiesRecorded, Allergy
from careloop.kernel.commands import FactCommand
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.restating import fact
from services.assessment.domain.empty_lists import no_list_yet, require_said
from services.assessment.domain.events import Event
from services.assessment.domain.state import Assessment
from services.assessment.domain.whole_lists import allergies_in, require_confirmed


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAllergies(FactCommand):
    """The whole list as of `occurred_at`; `no_known_allergies` says that none are known, and `confirm_removal` that
    entries of the list before may drop out."""

    allergies: tuple[Allergy, ...] = ()
    no_known_allergies: bool = False
    confirm_removal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AddAllergy(FactCommand):
    """One entry more on the list as it is."""

    allergy: Allergy


recorded = fact(AllergiesRecorded, RecordAllergies)
added = fact(AllergiesRecorded, AddAllergy, "allergies", "no_known_allergies", "occurred_at")


@guarded(Guard.REPEAT, Guard.PAST, Guard.ENROLLED, Guard.BORN)
def record_allergies(command: RecordAllergies, state: Assessment) -> list[Event]:
    """The whole allergy list. Raises InvalidInput when none are listed and that was not said, or both, and
    NeedsConfirmation when entries would drop out."""
    require_said(bool(command.allergies), command.no_known_allergies, "allergies", "no_known_allergies")
    before = state.latest(AllergiesRecorded)
    if before is not None and command.occurred_at >= before.occurred_at:
        dropping, left = allergies_in(before.allergies), allergies_in(command.allergies)
        require_confirmed(dropping, left, confirmed=command.confirm_removal)
    return [recorded(command)]


@guarded(Guard.REPEAT, Guard.PAST, Guard.ENROLLED, Guard.BORN)
def add_allergy(command: AddAllergy, state: Assessment) -> list[Event]:
    """The list with the entry, in the place of one that says the same of the same substance; as of the list's own
    moment where `occurred_at` lies before it. Raises RuleViolated `no-list-yet` while nobody took the whole list."""
    before = state.latest(AllergiesRecorded)
    if before is None:
        raise no_list_yet("RecordAllergies")
    about = allergies_in((command.allergy,)).keys()
    rest = tuple(one for one in before.allergies if not allergies_in((one,)).keys() & about)
    occurred_at = max(command.occurred_at, before.occurred_at)
    return [added(command, allergies=(*rest, command.allergy), no_known_allergies=False, occurred_at=occurred_at)]
