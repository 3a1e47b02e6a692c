"""Striking a fact that monitoring should never have recorded."""

from dataclasses import dataclass
from datetime import datetime

from careloop.kernel.errors import NotKnown
from careloop.kernel.ids import FactId, PersonId
from services.monitoring.domain.events import EnteredInError, Event
from services.monitoring.domain.scales import risk_of_scale
from services.monitoring.domain.state import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkEnteredInError:
    fact_id: FactId
    reason: str
    actor: PersonId
    now: datetime


def mark_entered_in_error(command: MarkEnteredInError, watch: Watch) -> list[Event]:
    """Strikes a fact reported here, and with a scale the risk raised from it. Striking twice changes nothing."""
    if command.fact_id in watch.struck:
        return []
    if command.fact_id not in watch.recorded:
        raise NotKnown("fact-not-known", "There is no such fact in this service.", field="fact_id")
    risk = risk_of_scale(command.fact_id)
    struck = [command.fact_id] + ([risk] if risk in watch.recorded - watch.struck else [])
    return [
        EnteredInError(fact_id=fact_id, reason=command.reason, marked_by=command.actor, occurred_at=command.now)
        for fact_id in struck
    ]
