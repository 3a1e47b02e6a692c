"""What the coordination service publishes on `care.coordination.v1`."""

from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from careloop.contracts.terms import EnteredInError, Role, Triage
from careloop.kernel.events import Instant, topics
from careloop.kernel.ids import FactId, PersonId

CLIENT = PersonId("client")
"""How the patient is named as the sender or recipient of a message, whatever their token's subject."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamMemberAssigned:
    """A person takes a role in the patient's care team from `effective_from` on.

    `email` is where notices go; '' for the inbox only.
    """

    fact_id: FactId
    person: str
    name: str
    role: Role
    email: str
    effective_from: Instant
    assigned_by: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamMemberReleased:
    """A person leaves the patient's care team from `effective_from` on."""

    fact_id: FactId
    person: str
    role: Role
    effective_from: Instant
    released_by: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePosted:
    """One member of the care team, or the client, wrote to another. `about` is the fact it is tied to, of any service.

    The client is CLIENT. `flags` holds `not-known-yet` where no service was known to have recorded that fact; absent
    where there is nothing to say. `triage` is how soon somebody must read what a client wrote; absent of what others
    write, and of builds that did not read it.
    """

    fact_id: FactId
    sender: str
    recipient: str
    about: FactId | None
    text: str
    occurred_at: Instant
    flags: tuple[str, ...] | UnsetType = UNSET
    triage: Triage | UnsetType = UNSET


Published = TeamMemberAssigned | TeamMemberReleased | MessagePosted | EnteredInError
TYPES = topics("care.coordination", Published)
"""Every event type on the topic, by its name on the wire."""
