"""A fact that should never have been recorded is marked so."""

from dataclasses import dataclass

from careloop.contracts.terms import EnteredInError
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.ids import FactId
from careloop.kernel.reading import Actor, Now
from careloop.kernel.restating import fact
from services.coordination.domain.events import Event
from services.coordination.domain.state import CareTeam


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkEnteredInError:
    fact_id: FactId
    reason: str
    actor: Actor
    now: Now


strike = fact(EnteredInError, MarkEnteredInError, marked_by="actor", occurred_at="now")


@guarded(Guard.STRIKE)
def mark_entered_in_error(command: MarkEnteredInError, team: CareTeam) -> list[Event]:
    """Strikes an assignment, a release or a message. Striking twice changes nothing."""
    return [strike(command)]
