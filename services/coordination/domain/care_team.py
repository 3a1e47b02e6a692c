"""The care team of one patient: who holds which role from when to when, and who may write to whom."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from careloop.kernel.decider import Decider
from careloop.kernel.errors import NotKnown, RuleViolated
from careloop.kernel.ids import FactId, PersonId
from services.coordination.domain.commands import AssignTeamMember, MarkEnteredInError, PostMessage, ReleaseTeamMember
from services.coordination.domain.events import (
    CLIENT,
    EnteredInError,
    Event,
    MessagePosted,
    TeamMemberAssigned,
    TeamMemberReleased,
    TeamRole,
)


@dataclass(frozen=True, slots=True)
class CareTeam:
    """`facts` are the ids of all facts here, struck ones included; a struck fact is in neither list."""

    assigned: tuple[TeamMemberAssigned, ...] = ()
    released: tuple[TeamMemberReleased, ...] = ()
    facts: frozenset[FactId] = frozenset()
    struck: frozenset[FactId] = frozenset()

    def in_role(self, person: PersonId, role: TeamRole) -> TeamMemberAssigned | None:
        """The assignment that no release has ended yet, be it effective already or not."""
        return next((a for a in self.assigned if (a.person, a.role) == (person, role) and not self._ended(a)), None)

    def has_member(self, person: PersonId, moment: datetime) -> bool:
        """Whether the person holds any role at `moment`."""
        return any(a.person == person and self._holds(a, moment) for a in self.assigned)

    def _holds(self, assigned: TeamMemberAssigned, moment: datetime) -> bool:
        ends = [r.effective_from for r in self.released if _ends(r, assigned)]
        return assigned.effective_from <= moment and all(moment < end for end in ends)

    def _ended(self, assigned: TeamMemberAssigned) -> bool:
        return any(_ends(released, assigned) for released in self.released)


def _ends(released: TeamMemberReleased, assigned: TeamMemberAssigned) -> bool:
    same = (released.person, released.role) == (assigned.person, assigned.role)
    return same and released.effective_from >= assigned.effective_from


initial = CareTeam()


def evolve(team: CareTeam, event: Event) -> CareTeam:
    if isinstance(event, EnteredInError):
        return CareTeam(
            assigned=tuple(a for a in team.assigned if a.fact_id != event.fact_id),
            released=tuple(r for r in team.released if r.fact_id != event.fact_id),
            facts=team.facts,
            struck=team.struck | {event.fact_id},
        )
    noted = replace(team, facts=team.facts | {event.fact_id})
    if event.fact_id in team.struck:
        return noted
    if isinstance(event, TeamMemberAssigned):
        return replace(noted, assigned=(*team.assigned, event))
    if isinstance(event, TeamMemberReleased):
        return replace(noted, released=(*team.released, event))
    return noted


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


def mark_entered_in_error(command: MarkEnteredInError, team: CareTeam) -> Sequence[Event]:
    """Refused for a fact that this stream does not hold; a second mark changes nothing."""
    if command.fact_id in team.struck:
        return []
    if command.fact_id not in team.facts:
        raise NotKnown("fact-not-known", "No such fact of this patient is held here.", field="fact_id")
    return [
        EnteredInError(
            fact_id=command.fact_id, reason=command.reason, marked_by=command.actor, occurred_at=command.occurred_at
        )
    ]


DECIDER: Decider[CareTeam, Event] = Decider(initial=initial, evolve=evolve)
