"""Messages between the members of a care team and the client."""

from dataclasses import dataclass
from typing import Annotated

from careloop.contracts.coordination import CLIENT, MessagePosted
from careloop.kernel.commands import FactCommand
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import RuleViolated
from careloop.kernel.ids import FactId, PersonId
from careloop.kernel.reading import Call, FromCall, Length
from careloop.kernel.restating import fact
from services.coordination.domain.events import Event
from services.coordination.domain.state import CareTeam


def writer(call: Call) -> PersonId:
    return call.subject if call.patient is None else CLIENT


@dataclass(frozen=True, slots=True, kw_only=True)
class PostMessage(FactCommand):
    """`actor` is CLIENT when the patient writes."""

    recipient: Annotated[PersonId, Length(200)]
    about: FactId | None
    text: Annotated[str, Length(4000)]
    actor: Annotated[PersonId, FromCall(writer)]


posted = fact(MessagePosted, PostMessage, sender="actor")


@guarded(Guard.REPEAT, Guard.PAST)
def post(command: PostMessage, team: CareTeam) -> list[Event]:
    """Both ends must be in the team now, or one of them be the client: a message never goes where nobody reads it."""
    if command.actor == command.recipient:
        raise RuleViolated("message-to-oneself", "A message goes to somebody else.", field="recipient")
    if command.actor != CLIENT and not team.has_member(command.actor, command.now):
        raise RuleViolated("sender-not-in-team", "Only the care team and the client write messages here.")
    if command.recipient != CLIENT and not team.has_member(command.recipient, command.now):
        raise RuleViolated("recipient-not-in-team", "The recipient is not in the care team.", field="recipient")
    return [posted(command)]
