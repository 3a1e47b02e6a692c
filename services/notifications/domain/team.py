"""Who is in a patient's care team at a moment."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from careloop.contracts.terms import Role
from careloop.kernel.ids import FactId
from services.notifications.domain.noted import ReleaseNoted, TeamNoted

PRESCRIBING_ROLES = frozenset({Role.PSYCHIATRIST, Role.PSYCHIATRIC_NURSE_PRACTITIONER})


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
        """The members at `moment`, who joined first, first. A release counts from its very moment on.

        A release ends the assignments of that person and role that were noted before it and began no later.
        """
        found: dict[tuple[str, Role], Member] = {}
        for change in self._begun(moment, struck):
            key = (change.person, change.role)
            standing = found.get(key)
            if isinstance(change, TeamNoted):
                since = min(standing.since, change.effective_from) if standing else change.effective_from
                found[key] = Member(person=change.person, role=change.role, since=since)
            elif standing and standing.since <= change.effective_from:
                del found[key]
        return tuple(sorted(found.values(), key=lambda member: (member.since, member.person)))

    def _begun(self, moment: datetime, struck: frozenset[FactId]) -> Iterable[TeamNoted | ReleaseNoted]:
        standing = (change for change in self.changes if change.fact_id not in struck)
        return (change for change in standing if change.effective_from <= moment)

    def is_clinician(self, person: str, struck: frozenset[FactId]) -> bool:
        """Whether the person was ever assigned a role other than the client's."""
        noted = (change for change in self.changes if isinstance(change, TeamNoted) and change.fact_id not in struck)
        return any(it.person == person and it.role is not Role.CLIENT for it in noted)

    def email_of(self, person: str, struck: frozenset[FactId]) -> str:
        """The address last noted for the person, '' if none was."""
        noted = (change for change in reversed(self.changes) if isinstance(change, TeamNoted))
        return next((it.email for it in noted if it.person == person and it.fact_id not in struck), "")
