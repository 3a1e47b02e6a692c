"""Who is in a patient's care team at a moment."""

from dataclasses import dataclass
from datetime import datetime

from careloop.contracts.care_team import Changes
from careloop.contracts.terms import Role
from careloop.kernel.ids import FactId
from services.notifications.domain.noted import ReleaseNoted, TeamNoted

PRESCRIBING_ROLES = frozenset({Role.PSYCHIATRIST, Role.PSYCHIATRIC_NURSE_PRACTITIONER})


def alike(roles: frozenset[Role]) -> frozenset[Role]:
    """These roles and those that may take their place: any prescriber stands in for another."""
    return roles | PRESCRIBING_ROLES if roles & PRESCRIBING_ROLES else roles


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person in one role; `since` is when it took effect."""

    person: str
    role: Role
    since: datetime

    @property
    def prescribes(self) -> bool:
        return self.role in PRESCRIBING_ROLES


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Assignments and releases in the order they were noted; struck ones count for nothing."""

    changes: tuple[TeamNoted | ReleaseNoted, ...] = ()

    def with_change(self, change: TeamNoted | ReleaseNoted) -> "Team":
        return Team(changes=(*self.changes, change))

    def at(self, moment: datetime, struck: frozenset[FactId]) -> tuple[Member, ...]:
        """The members at `moment`, who joined first, first. A release counts from its very moment on."""
        held = self._recorded().held(moment, struck).items()
        found = (Member(person=person, role=role, since=since) for (person, role), since in held)
        return tuple(sorted(found, key=lambda member: (member.since, member.person)))

    def has_left(self, person: str, moment: datetime, struck: frozenset[FactId]) -> bool:
        """Whether the person was in the team and is in it no more."""
        return self._recorded().has_left(person, moment, struck)

    def roles_had(self, person: str, moment: datetime, struck: frozenset[FactId]) -> frozenset[Role]:
        """The roles that the person ever held up to `moment`."""
        return self._recorded().roles_had(person, moment, struck)

    def in_place_of(self, roles: frozenset[Role], moment: datetime, struck: frozenset[FactId]) -> tuple[Member, ...]:
        """The members in any of these roles or one alike."""
        return tuple(member for member in self.at(moment, struck) if member.role in alike(roles))

    def holds(self, fact_id: FactId) -> bool:
        """Whether it is a change of this team."""
        return any(change.fact_id == fact_id for change in self.changes)

    def was_noted(self, person: str) -> bool:
        """Whether the person was ever assigned, be it by mistake."""
        return any(isinstance(change, TeamNoted) and change.person == person for change in self.changes)

    def is_clinician(self, person: str, struck: frozenset[FactId]) -> bool:
        """Whether the person was ever assigned a role other than the client's."""
        noted = (change for change in self.changes if isinstance(change, TeamNoted) and change.fact_id not in struck)
        return any(it.person == person and it.role is not Role.CLIENT for it in noted)

    def email_of(self, person: str, struck: frozenset[FactId]) -> str:
        """The address last noted for the person, '' if none was."""
        noted = (change for change in reversed(self.changes) if isinstance(change, TeamNoted))
        return next((it.email for it in noted if it.person == person and it.fact_id not in struck), "")

    def _recorded(self) -> Changes:
        return Changes(tuple((isinstance(change, TeamNoted), change) for change in self.changes))
