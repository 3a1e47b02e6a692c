"""Messages between the members of a care team and the client."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import UNSET, UnsetType

from careloop.contracts.coordination import CLIENT, MessagePosted
from careloop.contracts.terms import NOT_KNOWN_YET, Triage, TriageLevel
from careloop.kernel.commands import FactCommand
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import NotKnown, RuleViolated
from careloop.kernel.ids import FactId, PersonId
from careloop.kernel.reading import Call, FromCall, Later, Length
from careloop.kernel.restating import fact
from careloop.knowledge.urgency.triage import WrittenText, triage_text
from services.coordination.domain.events import Event
from services.coordination.domain.state import CareTeam


def writer(call: Call) -> PersonId:
    return call.subject if call.patient is None else CLIENT


@dataclass(frozen=True, slots=True, kw_only=True)
class PostMessage(FactCommand):
    """`actor` is CLIENT when the patient writes; `known` are the facts of this patient of which the view has heard, and
    `medicines` the names of what it says is taken, None while nobody said."""

    recipient: Annotated[PersonId, Length(200)]
    about: FactId | None
    text: Annotated[str, Length(4000)]
    actor: Annotated[PersonId, FromCall(writer)]
    known: Annotated[frozenset[FactId], Later()] = frozenset()
    medicines: Annotated[tuple[str, ...] | None, Later()] = None


posted = fact(MessagePosted, PostMessage, "flags", "triage", sender="actor")


@guarded(Guard.REPEAT, Guard.PAST)
def post(command: PostMessage, team: CareTeam) -> list[Event]:
    """Both ends must be in the team now, or one of them be the client: a message never goes where nobody reads it.

    What it is about may not be a fact of this service that was struck: NotKnown `fact-not-known`. A fact of another
    service of which nobody has heard here is taken, and flagged. What the client writes is read for danger.
    """
    if command.actor == command.recipient:
        raise RuleViolated("message-to-oneself", "A message goes to somebody else.", field="recipient")
    if command.actor != CLIENT and not team.has_member(command.actor, command.now):
        raise RuleViolated("sender-not-in-team", "Only the care team and the client write messages here.")
    if command.recipient != CLIENT and not team.has_member(command.recipient, command.now):
        raise RuleViolated("recipient-not-in-team", "The recipient is not in the care team.", field="recipient")
    if command.about in team.struck:
        raise NotKnown("fact-not-known", "There is no such fact any more.", field="about")
    unknown = command.about is not None and command.about not in team.facts | command.known
    return [posted(command, flags=(NOT_KNOWN_YET,) if unknown else UNSET, triage=_triaged(command))]


def _triaged(command: PostMessage) -> Triage | UnsetType:
    if command.actor != CLIENT:
        return UNSET
    on = command.occurred_at.date()
    found = triage_text(WrittenText(text=command.text, by_client=True, medicines=command.medicines, on=on))
    return Triage(
        level=TriageLevel(found.level),
        rule=found.rule,
        rule_version=found.version,
        red_flags=found.red_flags,
        due_at=None if found.within is None else command.now + found.within,
    )
