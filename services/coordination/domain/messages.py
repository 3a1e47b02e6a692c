"""Messages between the members of a care team and the client."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from careloop.kernel.errors import RuleViolated
from careloop.kernel.ids import FactId, PersonId
from services.coordination.domain.events import CLIENT, Event, MessagePosted
from services.coordination.domain.state import CareTeam


@dataclass(frozen=True, slots=True, kw_only=True)
class PostMessage:
    """`actor` is CLIENT when the patient writes."""

    fact_id: FactId
    recipient: PersonId
    about: FactId | None
    text: str
    actor: PersonId
    occurred_at: datetime
    now: datetime


def post(command: PostMessage, team: CareTeam) -> Sequence[Event]:
    """Both ends must be in the team now, or one of them be the client: a message never goes where nobody reads it."""
    if command.fact_id in team.facts:
        return []
    if command.actor == command.recipient:
        raise RuleViolated("message-to-oneself", "A message goes to somebody else.", field="recipient")
    if command.actor != CLIENT and not team.has_member(command.actor, command.now):
        raise RuleViolated("sender-not-in-team", "Only the care team and the client write messages here.")
    if command.recipient != CLIENT and not team.has_member(command.recipient, command.now):
        raise RuleViolated("recipient-not-in-team", "The recipient is not in the care team.", field="recipient")
    return [
        MessagePosted(
            fact_id=command.fact_id,
            sender=command.actor,
            recipient=command.recipient,
            about=command.about,
            text=command.text,
            occurred_at=command.occurred_at,
        )
    ]
