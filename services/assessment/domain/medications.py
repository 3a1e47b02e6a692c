"""The medications a client takes: the whole list, or one more entry of it."""

from dataclasses import dataclass

from careloop.contracts.assessment import CurrentMedication, MedicationsReconciled
from careloop.kernel.commands import FactCommand
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.restating import fact
from services.assessment.domain.empty_lists import no_list_yet, require_said
from services.assessment.domain.events import Event
from services.assessment.domain.state import Assessment
from services.assessment.domain.whole_lists import listed_in, require_confirmed, substance, taken_in


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileMedications(FactCommand):
    """The whole list as of `occurred_at`; `none_taken` says that the client takes nothing, and `confirm_removal` that
    what was still taken by the list before may drop out."""

    medications: tuple[CurrentMedication, ...] = ()
    none_taken: bool = False
    confirm_removal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AddMedication(FactCommand):
    """One entry more on the list as it is."""

    medication: CurrentMedication


reconciled = fact(MedicationsReconciled, ReconcileMedications)
added = fact(MedicationsReconciled, AddMedication, "medications", "none_taken", "occurred_at")


@guarded(Guard.REPEAT, Guard.PAST, Guard.ENROLLED, Guard.BORN)
def reconcile_medications(command: ReconcileMedications, state: Assessment) -> list[Event]:
    """The whole medication list. Raises InvalidInput when none are listed and that was not said, or both, when a
    medication stopped before it started, and for days before the client's birth or after `occurred_at`; and
    NeedsConfirmation when what was still taken would drop out."""
    require_said(bool(command.medications), command.none_taken, "medications", "none_taken")
    possible = state.days_until(command.occurred_at)
    for index, medication in enumerate(command.medications):
        fields = (f"medications[{index}].{day}" for day in ("started_on", "stopped_on"))
        possible.require_in_order(medication.started_on, medication.stopped_on, fields)
    before = state.latest(MedicationsReconciled)
    if before is not None and command.occurred_at >= before.occurred_at:
        dropping, left = taken_in(before.medications), listed_in(command.medications)
        require_confirmed(dropping, left, confirmed=command.confirm_removal)
    return [reconciled(command)]


@guarded(Guard.REPEAT, Guard.PAST, Guard.ENROLLED, Guard.BORN)
def add_medication(command: AddMedication, state: Assessment) -> list[Event]:
    """The list with the entry, in the place of one of the same medicine; as of the list's own moment where
    `occurred_at` lies before it. Raises RuleViolated `no-list-yet` while nobody took the whole list, and InvalidInput
    for days as in a whole list."""
    before = state.latest(MedicationsReconciled)
    if before is None:
        raise no_list_yet("ReconcileMedications")
    fields = ("medication.started_on", "medication.stopped_on")
    state.days_until(command.occurred_at).require_in_order(
        command.medication.started_on, command.medication.stopped_on, fields
    )
    about = substance(command.medication.medicine)
    rest = tuple(one for one in before.medications if substance(one.medicine) != about)
    occurred_at = max(command.occurred_at, before.occurred_at)
    return [added(command, medications=(*rest, command.medication), none_taken=False, occurred_at=occurred_at)]
