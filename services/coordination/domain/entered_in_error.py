"""A fact that should never have been recorded is marked so."""

from careloop.contracts.terms import EnteredInError
from careloop.kernel.commands import MarkEnteredInError
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.restating import fact
from services.coordination.domain.events import Event
from services.coordination.domain.state import CareTeam

strike = fact(EnteredInError, MarkEnteredInError, marked_by="actor", occurred_at="now")


@guarded(Guard.STRIKE)
def mark_entered_in_error(command: MarkEnteredInError, team: CareTeam) -> list[Event]:
    """Strikes an assignment, a release or a message. Striking twice changes nothing."""
    return [strike(command)]
