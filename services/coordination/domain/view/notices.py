"""Notices that wait for somebody to acknowledge them, as the view shows them."""

from dataclasses import dataclass
from datetime import UTC, datetime

from careloop.contracts.notifications import NoticeDecided
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from careloop.kernel.restating import shown
from services.coordination.domain.view.dated_fact import DatedFact, id_of
from services.coordination.domain.view.sections.notifications import NotificationsSection

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenNotice:
    fact_id: FactId
    cause_fact: FactId
    cause_type: str
    subject: str
    priority: str
    addressees: tuple[str, ...]
    acknowledge_by: Instant
    escalations: int
    failed: tuple[str, ...]
    occurred_at: Instant


notice = shown(OpenNotice, NoticeDecided, "addressees", "acknowledge_by", "escalations", "failed")


def unacknowledged_notices(section: NotificationsSection) -> tuple[OpenNotice, ...]:
    """The soonest due first."""
    waiting = [_notice(dated, section) for dated in open_notices(section)]
    return tuple(sorted(waiting, key=lambda one: (one.acknowledge_by, one.fact_id)))


def _notice(dated: DatedFact[NoticeDecided], section: NotificationsSection) -> OpenNotice:
    fact = dated.fact
    steps = [k.fact for k in section.escalated if k.fact.notice == id_of(dated)]
    addressed = [to.person for to in fact.addressees if to.step == 0]
    addressed += [person for step in steps for person in step.persons]
    for moved in (k.fact for k in section.handed_over if k.fact.notice == id_of(dated)):
        addressed = [person for person in addressed if person != moved.left] + list(moved.persons)
    failed = {k.fact.person for k in section.failed if k.fact.notice == fact.fact_id and k.fact.final}
    return notice(
        fact,
        addressees=tuple(dict.fromkeys(addressed)),
        acknowledge_by=acknowledge_by(fact, section) or _NEVER,
        escalations=len(steps),
        failed=tuple(sorted(failed)),
    )


def open_notices(section: NotificationsSection) -> tuple[DatedFact[NoticeDecided], ...]:
    """Notices that wait for somebody to acknowledge them, or to do what they ask for since somebody did."""
    closed = _taken_on(section) | {k.fact.notice for k in section.withdrawn}
    return tuple(
        k
        for k in section.decided
        if k.fact.acknowledge_by is not None and not k.fact.suppressed and k.fact.fact_id not in closed
    )


def _taken_on(section: NotificationsSection) -> frozenset[FactId]:
    """Those that nobody was paged for since somebody took them on."""
    last = {k.fact.notice: k.fact.occurred_at for k in section.acknowledged}
    paged = {k.fact.notice for k in section.escalated if k.fact.occurred_at > last.get(k.fact.notice, _NEVER)}
    return frozenset(last.keys() - paged)


def pages_unanswered(notice: NoticeDecided, section: NotificationsSection) -> int:
    """How often it was paged since anybody took it on."""
    taken = [k.fact.occurred_at for k in section.acknowledged if k.fact.notice == notice.fact_id]
    pages = [notice.occurred_at, *(k.fact.occurred_at for k in section.escalated if k.fact.notice == notice.fact_id)]
    return sum(not taken or page > max(taken) for page in pages)


def acknowledge_by(notice: NoticeDecided, section: NotificationsSection) -> datetime | None:
    """The running clock: the latest escalation's, or the first."""
    clocks = [k.fact.acknowledge_by for k in section.escalated if k.fact.notice == notice.fact_id]
    return next((clock for clock in reversed(clocks) if clock is not None), notice.acknowledge_by)
