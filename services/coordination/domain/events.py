"""What the coordination stream of a patient holds."""

from dataclasses import dataclass

from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId, PersonId
from services.coordination.domain.codes import TeamRole

CLIENT = PersonId("client")
"""How the patient is named as the sender or recipient of a message, whatever their token's subject."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamMemberAssigned:
    """A person takes a role from `effective_from` on. `email` is where notices go; '' for the inbox only."""

    fact_id: FactId
    person: PersonId
    name: str
    role: TeamRole
    email: str
    effective_from: Instant
    assigned_by: PersonId
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamMemberReleased:
    """A person leaves a role from `effective_from` on."""

    fact_id: FactId
    person: PersonId
    role: TeamRole
    effective_from: Instant
    released_by: PersonId
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePosted:
    """One member of the team, or the client, wrote to another. `about` is the fact it is tied to, of any service."""

    fact_id: FactId
    sender: PersonId
    recipient: PersonId
    about: FactId | None
    text: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class EnteredInError:
    """`fact_id` should never have been recorded."""

    fact_id: FactId
    reason: str
    marked_by: PersonId
    occurred_at: Instant


Event = TeamMemberAssigned | TeamMemberReleased | MessagePosted | EnteredInError

TOPICS: dict[str, type[Event]] = {
    f"coordination.{cls.__name__}.v1": cls
    for cls in (TeamMemberAssigned, TeamMemberReleased, MessagePosted, EnteredInError)
}
"""Every stored type of this service, by its registered topic."""
