"""What of a section may still matter to its place in the caseload: few facts, however long the history."""

from typing import Any

from services.coordination.domain.view.dated_fact import DatedFact
from services.coordination.domain.view.notices import open_notices
from services.coordination.domain.view.sections import Section
from services.coordination.domain.view.sections.assessment import AssessmentSection
from services.coordination.domain.view.sections.coordination import CoordinationSection
from services.coordination.domain.view.sections.monitoring import MonitoringSection
from services.coordination.domain.view.sections.notifications import NotificationsSection
from services.coordination.domain.view.sections.prescribing import PrescribingSection
from services.coordination.domain.view.urgency import C_SSRS, IMPORTED, is_about_risk, unsuperseded


def standing(section: Section) -> Section:
    """The section without what is settled: it has the concerns and the headline of the whole, and still has them with
    any further facts of its source, as long as none of them strikes another. What was answered by a fact that is left
    out it does not say again.

    A fact comes after those that it is about, as its source recorded them.
    """
    match section:
        case AssessmentSection():
            return AssessmentSection(
                enrolments=section.enrolments[-1:],
                risks=unsuperseded(section),
                scales=_last_screening(section),
                completions=section.completions[-1:],
                struck=section.struck,
            )
        case MonitoringSection():
            return _monitored(section)
        case NotificationsSection():
            return _notified(section)
        case PrescribingSection():
            return PrescribingSection(struck=section.struck)
        case CoordinationSection():
            return CoordinationSection(struck=section.struck)


def _last_screening(section: AssessmentSection | MonitoringSection) -> tuple[DatedFact[Any], ...]:
    return tuple([k for k in section.scales if k.fact.instrument == C_SSRS][-1:])


def _monitored(section: MonitoringSection) -> MonitoringSection:
    closed = {dated.fact.side_effect for dated in section.resolved}
    return MonitoringSection(
        reported=tuple([k for k in section.reported if k.fact.fact_id not in closed]),
        scales=_last_screening(section),
        risks=unsuperseded(section),
        struck=section.struck,
    )


def _notified(section: NotificationsSection) -> NotificationsSection:
    """A notice stays while it waits for somebody; one about a risk also while an answer to it would count."""
    taken = {dated.fact.notice for dated in section.acknowledged}
    ended = {dated.fact.notice for dated in section.withdrawn}
    waiting = {dated.fact.fact_id for dated in open_notices(section)}
    decided = tuple(
        [
            k
            for k in section.decided
            if k.fact.fact_id in waiting
            or (is_about_risk(k.fact) and k.fact.fact_id not in (ended if k.fact.suppressed == IMPORTED else taken))
        ]
    )
    stay = {k.fact.fact_id for k in decided}
    return NotificationsSection(
        decided=decided,
        failed=tuple([k for k in section.failed if k.fact.notice in stay]),
        escalated=tuple([k for k in section.escalated if k.fact.notice in stay]),
        withdrawn=tuple([k for k in section.withdrawn if k.fact.notice in stay]),
        struck=section.struck,
    )
