"""The care team of one patient as decisions see it: who holds which role from when to when."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import assert_never

from careloop.contracts.care_team import Changes
from careloop.contracts.terms import Role
from careloop.kernel.decider import Decider
from careloop.kernel.ids import FactId, PersonId
from services.coordination.domain.events import (
    EnteredInError,
    Event,
    MessagePosted,
    TeamMemberAssigned,
    TeamMemberReleased,
)

_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CareTeam:
    """`facts` are the ids of all facts here, struck ones included; a struck one counts for nothing."""

    changes: Changes = field(default_factory=Changes)
    facts: frozenset[FactId] = frozenset()
    struck: frozenset[FactId] = frozenset()

    def knows(self, fact_id: FactId) -> bool:
        return fact_id in self.facts

    def held_since(self, person: PersonId, role: str) -> datetime | None:
        """From when on the person holds the role that no release ends, be it effective already or not."""
        return self.changes.held(_EVER, self.struck).get((person, Role(role)))

    def has_member(self, person: PersonId, moment: datetime) -> bool:
        """Whether the person holds any role at `moment`."""
        return any(member == person for member, _role in self.changes.held(moment, self.struck))

    def has_left(self, person: str, moment: datetime) -> bool:
        return self.changes.has_left(person, moment, self.struck)


initial = CareTeam()


def evolve(team: CareTeam, event: Event) -> CareTeam:
    if isinstance(event, EnteredInError):
        return replace(team, struck=team.struck | {event.fact_id})
    noted = replace(team, facts=team.facts | {event.fact_id})
    match event:
        case TeamMemberAssigned() | TeamMemberReleased():
            return replace(noted, changes=team.changes.having(event, begins=isinstance(event, TeamMemberAssigned)))
        case MessagePosted():
            return noted
        case _:
            assert_never(event)


DECIDER: Decider[CareTeam, Event] = Decider(initial=initial, evolve=evolve)
