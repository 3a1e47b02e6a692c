"""Who came into the care team and left it, as coordination publishes it and as the other services note it."""

from datetime import datetime

from careloop.contracts.care_team import MembershipEndNoted, MembershipNoted
from careloop.contracts.coordination import TeamMemberAssigned, TeamMemberReleased
from careloop.contracts.terms import Role
from tests.support.controls.moments import LAST_WEEK, YESTERDAY, event, fact

LEAVER = "lena-leaver"

CAME_NOTED = MembershipNoted(
    evidence=event("lena came"),
    fact_id=fact("lena came"),
    person=LEAVER,
    role=Role.THERAPIST,
    effective_from=LAST_WEEK,
    occurred_at=LAST_WEEK,
)
LEFT_NOTED = MembershipEndNoted(
    evidence=event("lena left"),
    fact_id=fact("lena left"),
    person=LEAVER,
    role=Role.THERAPIST,
    effective_from=YESTERDAY,
    occurred_at=YESTERDAY,
)


def came(name: str, at: datetime, *, person: str = LEAVER, role: Role = Role.THERAPIST) -> TeamMemberAssigned:
    return TeamMemberAssigned(
        fact_id=fact(name),
        person=person,
        name="Lena Leaver",
        role=role,
        email="",
        effective_from=at,
        assigned_by="maya-manager",
        occurred_at=at,
    )


def left(name: str, at: datetime, *, person: str = LEAVER, role: Role = Role.THERAPIST) -> TeamMemberReleased:
    return TeamMemberReleased(
        fact_id=fact(name),
        person=person,
        role=role,
        effective_from=at,
        released_by="maya-manager",
        occurred_at=at,
    )
