"""Who cares for the patient, as the view shows it."""

from dataclasses import dataclass
from datetime import datetime

from careloop.contracts.coordination import TeamMemberAssigned
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from services.coordination.domain.view.sections.coordination import CoordinationSection


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamMember:
    fact_id: FactId
    person: str
    name: str
    role: str
    email: str
    effective_from: Instant
    effective_until: Instant | None


def team(section: CoordinationSection) -> tuple[TeamMember, ...]:
    """Everyone who holds or held a role, by its beginning."""
    members = [_member(dated.fact, _until(dated.fact, section)) for dated in section.assigned]
    return tuple(sorted(members, key=lambda member: (member.effective_from, member.fact_id)))


def _until(assigned: TeamMemberAssigned, section: CoordinationSection) -> datetime | None:
    ends = (
        k.fact.effective_from
        for k in section.released
        if (k.fact.person, k.fact.role) == (assigned.person, assigned.role)
        and k.fact.effective_from >= assigned.effective_from
    )
    return min(ends, default=None)


def _member(assigned: TeamMemberAssigned, until: datetime | None) -> TeamMember:
    return TeamMember(
        fact_id=assigned.fact_id,
        person=assigned.person,
        name=assigned.name,
        role=assigned.role,
        email=assigned.email,
        effective_from=assigned.effective_from,
        effective_until=until,
    )
