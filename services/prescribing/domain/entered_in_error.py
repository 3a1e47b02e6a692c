"""Striking a fact that prescribing should never have recorded."""

from dataclasses import dataclass

from careloop.contracts.terms import EnteredInError
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.ids import FactId
from careloop.kernel.reading import Actor, Now
from careloop.kernel.restating import fact
from services.prescribing.domain.events import Event
from services.prescribing.domain.state import PrescriptionChart


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkEnteredInError:
    fact_id: FactId
    reason: str
    marked_by: Actor
    now: Now


strike = fact(EnteredInError, MarkEnteredInError, occurred_at="now")


@guarded(Guard.STRIKE)
def mark_entered_in_error(command: MarkEnteredInError, chart: PrescriptionChart) -> list[Event]:
    """Strikes a fact decided here; the history of what was known stays."""
    return [strike(command)]
