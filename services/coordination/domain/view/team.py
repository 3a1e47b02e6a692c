"""Who cares for the patient, what they wrote, and what somebody still must acknowledge, as the view shows it."""

from datetime import UTC, datetime

from careloop.contracts.coordination import TeamMemberAssigned
from careloop.contracts.notifications import NoticeDecided
from services.coordination.domain.view.care_view import Message, Notice, TeamMember
from services.coordination.domain.view.dated_fact import Kept, identity
from services.coordination.domain.view.sections import CoordinationSection, NotificationsSection
from services.coordination.domain.view.urgency import acknowledge_by, open_notices

MESSAGES_SHOWN = 100
_NEVER = datetime.max.replace(tzinfo=UTC)


def team(section: CoordinationSection) -> tuple[TeamMember, ...]:
    """Everyone who holds or held a role, by its beginning."""
    members = [_member(kept.fact, _until(kept.fact, section)) for kept in section.assigned]
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


def messages(section: CoordinationSection) -> tuple[Message, ...]:
    """The latest first."""
    return tuple(
        Message(
            fact_id=k.fact.fact_id,
            sender=k.fact.sender,
            recipient=k.fact.recipient,
            about=k.fact.about,
            text=k.fact.text,
            occurred_at=k.fact.occurred_at,
        )
        for k in section.messages[: -MESSAGES_SHOWN - 1 : -1]
    )


def unacknowledged_notices(section: NotificationsSection) -> tuple[Notice, ...]:
    """The soonest due first."""
    waiting = [_notice(kept, section) for kept in open_notices(section)]
    return tuple(sorted(waiting, key=lambda notice: (notice.acknowledge_by, notice.fact_id)))


def _notice(kept: Kept[NoticeDecided], section: NotificationsSection) -> Notice:
    fact = kept.fact
    steps = [k.fact for k in section.escalated if k.fact.notice == identity(kept)]
    told = [to.person for to in fact.addressees if to.step == 0]
    told += [person for step in steps for person in step.persons]
    failed = {k.fact.person for k in section.failed if k.fact.notice == fact.fact_id and k.fact.final}
    return Notice(
        fact_id=fact.fact_id,
        cause_fact=fact.cause_fact,
        cause_type=fact.cause_type,
        subject=fact.subject,
        priority=fact.priority,
        addressees=tuple(dict.fromkeys(told)),
        acknowledge_by=acknowledge_by(fact, section) or _NEVER,
        escalations=len(steps),
        failed=tuple(sorted(failed)),
        occurred_at=fact.occurred_at,
    )
