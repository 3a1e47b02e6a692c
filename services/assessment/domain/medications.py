"""The medications a client takes, as one whole list."""

from dataclasses import dataclass

from careloop.contracts.assessment import CurrentMedication, MedicationsReconciled
from careloop.kernel.commands import FactCommand
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import InvalidInput
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


@guarded(Guard.REPEAT, Guard.PAST, Guard.ENROLLED)
def reconcile_medications(command: ReconcileMedications, state: Assessment) -> list[Event]:
    """The whole medication list. Raises InvalidInput when none are listed and that was not said, or both, or when a
    medication stopped before it started."""
    require_said(bool(command.medications), command.none_taken, "medications", "none_taken")
    for index, medication in enumerate(command.medications):
        _require_ordered(medication, f"medications[{index}].stopped_on")
    return [reconciled(command)]


def _require_ordered(medication: CurrentMedication, field: str) -> None:
    started, stopped = medication.started_on, medication.stopped_on
    if started is not None and stopped is not None and stopped < started:
        raise InvalidInput("stopped-before-started", f"{field} may not lie before started_on.", field=field)
