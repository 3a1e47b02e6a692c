"""Striking a fact that should never have been recorded."""

from dataclasses import dataclass
from datetime import datetime

from careloop.kernel.errors import NotKnown, RuleViolated
from careloop.kernel.ids import FactId, PersonId
from services.assessment.domain.events import EnteredInError, Event, PatientEnrolled
from services.assessment.domain.recording import require_enrolled
from services.assessment.domain.state import Assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkEnteredInError:
    """Strikes the fact `fact_id`."""

    fact_id: FactId
    reason: str
    actor: PersonId
    now: datetime


def mark_entered_in_error(command: MarkEnteredInError, state: Assessment) -> list[Event]:
    """Strikes a fact and what means nothing without it: with a scale the risk it raised, with a completion its
    amendments.

    Striking again is nothing. Raises NotKnown for a fact this client does not have, RuleViolated `only-enrolment`
    for the one identity that stands (enrol again to correct it).
    """
    require_enrolled(state)
    if not state.knows(command.fact_id):
        raise NotKnown("fact-not-known", "This client has no such fact here.", field="fact_id")
    if command.fact_id in state.struck:
        return []
    if [fact.fact_id for fact in state.standing(PatientEnrolled)] == [command.fact_id]:
        raise RuleViolated("only-enrolment", "A client's only identity is corrected by enrolling again, not struck.")
    return [
        EnteredInError(fact_id=struck, reason=command.reason, marked_by=command.actor, occurred_at=command.now)
        for struck in (command.fact_id, *state.following(command.fact_id))
    ]
