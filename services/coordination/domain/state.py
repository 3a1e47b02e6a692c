"""The care team of one patient as decisions see it: who holds which role from when to when."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from careloop.kernel.decider import Decider
from careloop.kernel.ids import FactId, PersonId
from services.coordination.domain.events import (
    EnteredInError,
    Event,
    MessagePosted,
    TeamMemberAssigned,
    TeamMemberReleased,
)


@dataclass(frozen=True, slots=True)
class CareTeam:
    """`facts` are the ids of all facts here, struck ones included; a struck fact is in neither list."""

    assigned: tuple[TeamMemberAssigned, ...] = ()
    released: tuple[TeamMemberReleased, ...] = ()
    facts: frozenset[FactId] = frozenset()
    struck: frozenset[FactId] = frozenset()

    def knows(self, fact_id: FactId) -> bool:
        return fact_id in self.facts

    def in_role(self, person: PersonId, role: str) -> TeamMemberAssigned | None:
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
    match event:
        case TeamMemberAssigned():
            return replace(noted, assigned=(*team.assigned, event))
        case TeamMemberReleased():
            return replace(noted, released=(*team.released, event))
        case MessagePosted():
            return noted
        case _:
            assert_never(event)


DECIDER: Decider[CareTeam, Event] = Decider(initial=initial, evolve=evolve)
