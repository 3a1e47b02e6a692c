"""The medications a client takes, as one whole list."""

from dataclasses import dataclass

from careloop.contracts.assessment import CurrentMedication, MedicationsReconciled
from careloop.kernel.commands import FactCommand
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.restating import fact
from services.assessment.domain.empty_lists import require_said
from services.assessment.domain.events import Event
from services.assessment.domain.state import Assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileMedications(FactCommand):
    """The whole list as of `occurred_at`; `none_taken` says that the client takes nothing."""

    medications: tuple[CurrentMedication, ...] = ()
    none_taken: bool = False


reconciled = fact(MedicationsReconciled, ReconcileMedications)


@guarded(Guard.REPEAT, Guard.PAST, Guard.ENROLLED, Guard.BORN)
def reconcile_medications(command: ReconcileMedications, state: Assessment) -> list[Event]:
    """The whole medication list. Raises InvalidInput when none are listed and that was not said, or both, when a
    medication stopped before it started, and for days before the client's birth or after `occurred_at`."""
    require_said(bool(command.medications), command.none_taken, "medications", "none_taken")
    possible = state.days_until(command.occurred_at)
    for index, medication in enumerate(command.medications):
        fields = (f"medications[{index}].{day}" for day in ("started_on", "stopped_on"))
        possible.require_in_order(medication.started_on, medication.stopped_on, fields)
    return [reconciled(command)]
