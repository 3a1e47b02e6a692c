"""Who cares for the patient, as the view shows it."""

from dataclasses import dataclass
from datetime import datetime

from careloop.contracts.coordination import TeamMemberAssigned
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from careloop.kernel.restating import shown
from services.coordination.domain.view.dated_fact import DatedFact
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


member = shown(TeamMember, TeamMemberAssigned, "effective_until")


def team(section: CoordinationSection) -> tuple[TeamMember, ...]:
    """Everyone who holds or held a role, by its beginning."""
    members = [member(dated.fact, effective_until=_until(dated, section)) for dated in section.assigned]
    return tuple(sorted(members, key=lambda one: (one.effective_from, one.fact_id)))


def _until(assigned: DatedFact[TeamMemberAssigned], section: CoordinationSection) -> datetime | None:
    ends = (
        k.fact.effective_from
        for k in section.released
        if (k.fact.person, k.fact.role) == (assigned.fact.person, assigned.fact.role)
        and k.fact.effective_from >= assigned.fact.effective_from
        and k.recorded_at > assigned.recorded_at
    )
    return min(ends, default=None)
