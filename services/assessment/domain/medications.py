"""The medications a client takes, as one whole list."""

from dataclasses import dataclass

from careloop.kernel.errors import InvalidInput
from services.assessment.domain.details import CurrentMedication
from services.assessment.domain.events import Event, MedicationsReconciled
from services.assessment.domain.recording import FactCommand, is_new, require_said
from services.assessment.domain.state import Assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileMedications(FactCommand):
    """The whole list as of `occurred_at`; `none_taken` says that the client takes nothing."""

    medications: tuple[CurrentMedication, ...] = ()
    none_taken: bool = False


def reconcile_medications(command: ReconcileMedications, state: Assessment) -> list[Event]:
    """The whole medication list. Raises InvalidInput when none are listed and that was not said, or both, or when a
    medication stopped before it started."""
    if not is_new(command, state):
        return []
    require_said(bool(command.medications), command.none_taken, "medications", "none_taken")
    for index, medication in enumerate(command.medications):
        _require_ordered(medication, f"medications[{index}].stopped_on")
    return [
        MedicationsReconciled(
            fact_id=command.fact_id,
            medications=command.medications,
            none_taken=command.none_taken,
            occurred_at=command.occurred_at,
        )
    ]


def _require_ordered(medication: CurrentMedication, field: str) -> None:
    started, stopped = medication.started_on, medication.stopped_on
    if started is not None and stopped is not None and stopped < started:
        raise InvalidInput("stopped-before-started", f"{field} may not lie before started_on.", field=field)
