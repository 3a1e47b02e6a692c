"""Who is in the care team: a person takes a role or leaves it, today or on a day to come."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from careloop.contracts.coordination import CLIENT
from careloop.kernel.commands import FactCommand
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import RuleViolated, patient_not_known
from careloop.kernel.ids import PersonId
from careloop.kernel.reading import Actor, Later, Length
from careloop.kernel.restating import fact
from services.coordination.domain.codes import TeamRole
from services.coordination.domain.events import Event, TeamMemberAssigned, TeamMemberReleased
from services.coordination.domain.state import CareTeam

Person = Annotated[PersonId, Length(200)]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignTeamMember(FactCommand):
    person: Person
    name: Annotated[str, Length(200)]
    role: TeamRole
    email: str
    effective_from: datetime
    actor: Actor
    enrolled: Annotated[bool, Later()] = False
    """Whether the assessment service said that this client is enrolled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseTeamMember(FactCommand):
    person: Person
    role: TeamRole
    effective_from: datetime
    actor: Actor


assigned = fact(TeamMemberAssigned, AssignTeamMember, assigned_by="actor")
released = fact(TeamMemberReleased, ReleaseTeamMember, released_by="actor")


@guarded(Guard.REPEAT, Guard.PAST)
def assign(command: AssignTeamMember, team: CareTeam) -> list[Event]:
    """Raises NotKnown for a client who is not enrolled, and RuleViolated when the person holds, or is about to hold,
    this role already, or is named as the client."""
    if not command.enrolled:
        raise patient_not_known()
    if command.person == CLIENT:
        raise RuleViolated("reserved-name", "This name stands for the client; use the person's own.", field="person")
    if team.held_since(command.person, command.role) is not None:
        raise RuleViolated("already-in-role", "This person already has this role in the care team.")
    return [assigned(command)]


@guarded(Guard.REPEAT, Guard.PAST)
def release(command: ReleaseTeamMember, team: CareTeam) -> list[Event]:
    """Raises RuleViolated when the person does not hold the role, or would leave it before having taken it."""
    since = team.held_since(command.person, command.role)
    if since is None:
        raise RuleViolated("not-in-role", "This person does not have this role in the care team.")
    if command.effective_from < since:
        raise RuleViolated("released-before-assigned", "A role cannot end before it began.", field="effective_from")
    return [released(command)]
