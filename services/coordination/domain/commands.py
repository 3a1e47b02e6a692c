"""What can be asked of a care team. `now` and fact ids come with the command."""

from dataclasses import dataclass
from datetime import datetime

from careloop.kernel.ids import FactId, PersonId
from services.coordination.domain.events import TeamRole


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignTeamMember:
    fact_id: FactId
    person: PersonId
    name: str
    role: TeamRole
    email: str
    effective_from: datetime
    actor: PersonId
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseTeamMember:
    fact_id: FactId
    person: PersonId
    role: TeamRole
    effective_from: datetime
    actor: PersonId
    occurred_at: datetime


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


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkEnteredInError:
    fact_id: FactId
    reason: str
    actor: PersonId
    occurred_at: datetime
