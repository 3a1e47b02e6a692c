"""Striking a fact that prescribing should never have recorded."""

from careloop.contracts.terms import EnteredInError
from careloop.kernel.commands import MarkEnteredInError
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.restating import fact
from services.prescribing.domain.events import Event
from services.prescribing.domain.state import PrescriptionChart

strike = fact(EnteredInError, MarkEnteredInError, marked_by="actor", occurred_at="now")


@guarded(Guard.STRIKE)
def mark_entered_in_error(command: MarkEnteredInError, chart: PrescriptionChart) -> list[Event]:
    """Strikes a fact decided here; the history of what was known stays."""
    return [strike(command)]
