"""A fact that should never have been recorded is marked so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from careloop.kernel.errors import NotKnown
from careloop.kernel.ids import FactId, PersonId
from services.coordination.domain.events import EnteredInError, Event
from services.coordination.domain.state import CareTeam


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkEnteredInError:
    fact_id: FactId
    reason: str
    actor: PersonId
    occurred_at: datetime


def mark_entered_in_error(command: MarkEnteredInError, team: CareTeam) -> Sequence[Event]:
    """Refused for a fact that this stream does not hold; a second mark changes nothing."""
    if command.fact_id in team.struck:
        return []
    if command.fact_id not in team.facts:
        raise NotKnown("fact-not-known", "No such fact of this patient is held here.", field="fact_id")
    return [
        EnteredInError(
            fact_id=command.fact_id, reason=command.reason, marked_by=command.actor, occurred_at=command.occurred_at
        )
    ]
