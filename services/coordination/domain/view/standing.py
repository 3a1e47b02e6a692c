"""What of a section may still matter to its place in the caseload: few facts, however long the history."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from careloop.contracts.notifications import NoticeDecided
from careloop.kernel.ids import FactId
from services.coordination.domain.view.concerns import OPEN, standing_concerns
from services.coordination.domain.view.dated_fact import DatedFact
from services.coordination.domain.view.notices import open_notices
from services.coordination.domain.view.sections import Section
from services.coordination.domain.view.sections.assessment import AssessmentSection
from services.coordination.domain.view.sections.coordination import CoordinationSection
from services.coordination.domain.view.sections.monitoring import MonitoringSection
from services.coordination.domain.view.sections.notifications import NotificationsSection
from services.coordination.domain.view.sections.prescribing import PrescribingSection
from services.coordination.domain.view.urgency import (
    IMPORTED,
    asked_in_full,
    asks_until_answered,
    ends_risks,
    left_blank,
    settled_notices,
    unsuperseded,
)


def standing(section: Section) -> Section:
    """The section without what is settled: it has the concerns and the headline of the whole, and still has them with
    any further facts of its source, as long as none of them strikes another. What was answered by a fact that is left
    out it does not say again.

    A fact comes after those that it is about, as its source recorded them.
    """
    match section:
        case AssessmentSection():
            return replace(
                section,
                **_nothing_of(_ASSESSED),
                enrolments=section.enrolments[-1:],
                risks=unsuperseded(section),
                scales=_scales(section),
                completions=section.completions[-1:],
            )
        case MonitoringSection():
            return _monitored(section)
        case NotificationsSection():
            return _notified(section)
        case PrescribingSection():
            return _prescribed(section)
        case CoordinationSection():
            return replace(section, **_nothing_of(_COORDINATED))


# What is not named here stays: a new kind of fact may ask for attention.
_ASSESSED = (
    "histories", "medications", "allergies", "list_gaps", "pregnancies", "results", "genotypes", "smoking", "diagnoses",
    "plans", "amendments", "deaths_confirmed", "caring_contacts",
)  # fmt: skip
_PRESCRIBED = (
    "issued", "declined", "changed", "took_effect", "discontinued", "counted", "compared", "plans_signed", "steps_due",
    "steps_overdue", "steps_confirmed", "safety_steps_taken", "steps_declined", "steps_held", "steps_changed",
    "plans_ended", "discrepancies", "overdue",
    "resolved",
)  # fmt: skip
_COORDINATED = ("assigned", "released", "messages")
_MONITORED = ("resolved", "contacts", "ended", "settled", "doses")


def _nothing_of(shelves: tuple[str, ...]) -> dict[str, Any]:
    return dict.fromkeys(shelves, ())


def _scales(section: AssessmentSection | MonitoringSection) -> tuple[DatedFact[Any], ...]:
    """The last by which a clinician ended risks, of each instrument the last that was asked in full, and those in which
    a question about a danger was left out and not asked again."""
    ending = [k for k in section.scales if ends_risks(k.fact)][-1:]
    last = {k.fact.fact_id for k in (*ending, *asked_in_full(section).values(), *left_blank(section))}
    return tuple([k for k in section.scales if k.fact.fact_id in last])


def _monitored(section: MonitoringSection) -> MonitoringSection:
    closed = {dated.fact.side_effect for dated in section.resolved}
    over = {dated.fact.raised for dated in section.settled}
    return replace(
        section,
        **_nothing_of(_MONITORED),
        reported=tuple([k for k in section.reported if k.fact.fact_id not in closed]),
        scales=_scales(section),
        risks=unsuperseded(section),
        demanded=tuple([k for k in section.demanded if k.fact.fact_id not in over]),
    )


def _prescribed(section: PrescribingSection) -> PrescribingSection:
    """What was raised and has a concern that is open, with all that came of it."""
    waiting = {one.concern for one in standing_concerns(section) if one.status == OPEN}
    raised = tuple([k for k in section.concerns_raised if any(one.concern in waiting for one in k.fact.concerns)])
    stay = {one.concern for k in raised for one in k.fact.concerns}
    return replace(
        section,
        **_nothing_of(_PRESCRIBED),
        concerns_raised=raised,
        concerns_answered=tuple([k for k in section.concerns_answered if k.fact.concern in stay]),
        concerns_ended=tuple([k for k in section.concerns_ended if k.fact.concern in stay]),
    )


def _notified(section: NotificationsSection) -> NotificationsSection:
    """A notice stays until it is settled: then nobody is paged for it again. One that never had a clock stays only
    where taking it on would answer its cause."""
    settled = settled_notices(section)
    ended = {dated.fact.notice for dated in section.withdrawn}
    waiting = {dated.fact.fact_id for dated in open_notices(section)}
    decided = tuple([k for k in section.decided if k.fact.fact_id in waiting or _may_matter(k.fact, settled, ended)])
    stay = {k.fact.fact_id for k in decided}
    return replace(
        section,
        decided=decided,
        failed=tuple([k for k in section.failed if k.fact.notice in stay]),
        acknowledged=tuple([k for k in section.acknowledged if k.fact.notice in stay]),
        escalated=tuple([k for k in section.escalated if k.fact.notice in stay]),
        handed_over=(),
        withdrawn=tuple([k for k in section.withdrawn if k.fact.notice in stay]),
    )


def _may_matter(notice: NoticeDecided, settled: Collection[FactId], ended: Collection[FactId]) -> bool:
    if notice.suppressed == IMPORTED:
        return notice.fact_id not in ended and asks_until_answered(notice)
    if notice.fact_id in settled:
        return False
    has_clock = notice.acknowledge_by is not None and not notice.suppressed
    return asks_until_answered(notice) or (has_clock and notice.fact_id not in ended)
