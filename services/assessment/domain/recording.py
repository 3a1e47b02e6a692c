"""What recording any fact of a client asks for: enrolled, not from the future, and not recorded before."""

from dataclasses import dataclass
from datetime import datetime

from careloop.kernel.errors import InvalidInput, RuleViolated
from careloop.kernel.events import require_past
from careloop.kernel.ids import FactId
from services.assessment.domain.events import PatientEnrolled
from services.assessment.domain.state import Assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class FactCommand:
    """What every command names: the fact it makes, when that was true, and the moment of deciding."""

    fact_id: FactId
    occurred_at: datetime
    now: datetime


def is_new(command: FactCommand, state: Assessment) -> bool:
    """Whether the fact is still to be recorded. Raises RuleViolated if the client is not enrolled, InvalidInput for
    a fact from the future."""
    if state.knows(command.fact_id):
        return False
    require_enrolled(state)
    require_past(command.occurred_at, command.now)
    return True


def require_enrolled(state: Assessment) -> PatientEnrolled:
    """The client's identity. Raises RuleViolated if nobody enrolled this client."""
    if state.identity is None:
        raise RuleViolated("not-enrolled", "This client is not enrolled.")
    return state.identity


def require_said(listed: bool, said_none: bool, list_field: str, flag_field: str) -> None:
    """An empty list may mean "not asked": that there is none must be said, and only when nothing is listed."""
    if listed and said_none:
        sentence = f"{flag_field} may not be set when {list_field} are listed."
        raise InvalidInput("both-some-and-none", sentence, field=flag_field)
    if not listed and not said_none:
        sentence = f"Give {list_field}, or say with {flag_field} that there are none."
        raise InvalidInput("none-not-said", sentence, field=list_field)
