"""Who is in a patient's care team at a moment, by what coordination published: the one reading of all services.

A release ends the assignments of its person and role that were recorded before it and began no later; who is assigned
again is in the team again. What was struck counts for nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from careloop.contracts.terms import Role
from careloop.kernel.events import Instant
from careloop.kernel.ids import EventId, FactId


class TeamChange(Protocol):
    """An assignment or a release."""

    @property
    def fact_id(self) -> FactId: ...

    @property
    def person(self) -> str: ...

    @property
    def role(self) -> Role: ...

    @property
    def effective_from(self) -> datetime: ...


Roles = Mapping[tuple[str, Role], datetime]
"""Persons with the roles that they hold, and since when."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes of one team in the order in which they were recorded, each with whether it begins a role."""

    recorded: tuple[tuple[bool, TeamChange], ...] = ()

    def having(self, change: TeamChange, *, begins: bool) -> "Changes":
        return Changes((*self.recorded, (begins, change)))

    def held(self, moment: datetime, struck: frozenset[FactId]) -> Roles:
        """Who holds which role at `moment`. A release counts from its very moment on."""
        found: dict[tuple[str, Role], datetime] = {}
        for begins, change in self._begun(moment, struck):
            key = (change.person, change.role)
            since = found.get(key)
            if begins:
                found[key] = change.effective_from if since is None else min(since, change.effective_from)
            elif since is not None and since <= change.effective_from:
                del found[key]
        return found

    def roles_had(self, person: str, moment: datetime, struck: frozenset[FactId]) -> frozenset[Role]:
        """The roles that the person ever held up to `moment`."""
        begun = self._begun(moment, struck)
        return frozenset(change.role for begins, change in begun if begins and change.person == person)

    def has_left(self, person: str, moment: datetime, struck: frozenset[FactId]) -> bool:
        """Whether the person was in the team and is in it no more. Who never was in it has not left it."""
        if not self.roles_had(person, moment, struck):
            return False
        return all(member != person for member, _role in self.held(moment, struck))

    def _begun(self, moment: datetime, struck: frozenset[FactId]) -> Iterable[tuple[bool, TeamChange]]:
        standing = (one for one in self.recorded if one[1].fact_id not in struck)
        return (one for one in standing if one[1].effective_from <= moment)


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipNoted:
    """Coordination said: this person takes this role in the team from `effective_from` on."""

    evidence: EventId
    fact_id: FactId
    person: str
    role: Role
    effective_from: Instant
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipEndNoted:
    """Coordination said: this person leaves this role from `effective_from` on."""

    evidence: EventId
    fact_id: FactId
    person: str
    role: Role
    effective_from: Instant
    occurred_at: Instant


TeamNoted = MembershipNoted | MembershipEndNoted
"""The team as a service notes it that asks no more than who is in it."""


def with_noted(changes: Changes, noted: TeamNoted) -> Changes:
    return changes.having(noted, begins=isinstance(noted, MembershipNoted))
