"""Who is in the care team: a person takes a role or leaves it, today or on a day to come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from careloop.kernel.errors import RuleViolated
from careloop.kernel.ids import FactId, PersonId
from services.coordination.domain.codes import TeamRole
from services.coordination.domain.events import Event, TeamMemberAssigned, TeamMemberReleased
from services.coordination.domain.state import CareTeam


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


def assign(command: AssignTeamMember, team: CareTeam) -> Sequence[Event]:
    """Refused when the person holds, or is about to hold, this role already."""
    if command.fact_id in team.facts:
        return []
    if team.in_role(command.person, command.role):
        raise RuleViolated("already-in-role", "This person already has this role in the care team.")
    return [
        TeamMemberAssigned(
            fact_id=command.fact_id,
            person=command.person,
            name=command.name,
            role=command.role,
            email=command.email,
            effective_from=command.effective_from,
            assigned_by=command.actor,
            occurred_at=command.occurred_at,
        )
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseTeamMember:
    fact_id: FactId
    person: PersonId
    role: TeamRole
    effective_from: datetime
    actor: PersonId
    occurred_at: datetime


def release(command: ReleaseTeamMember, team: CareTeam) -> Sequence[Event]:
    """Refused when the person does not hold the role, or would leave it before having taken it."""
    if command.fact_id in team.facts:
        return []
    assigned = team.in_role(command.person, command.role)
    if assigned is None:
        raise RuleViolated("not-in-role", "This person does not have this role in the care team.")
    if command.effective_from < assigned.effective_from:
        raise RuleViolated("released-before-assigned", "A role cannot end before it began.", field="effective_from")
    return [
        TeamMemberReleased(
            fact_id=command.fact_id,
            person=command.person,
            role=command.role,
            effective_from=command.effective_from,
            released_by=command.actor,
            occurred_at=command.occurred_at,
        )
    ]
