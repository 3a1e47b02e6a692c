"""What asks for a person's attention, by when, and which of it comes first: by facts alone, never by the hour."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from careloop.contracts.monitoring import TriageLevel
from careloop.contracts.notifications import NoticeDecided, Priority
from careloop.contracts.terms import RiskLevel, RiskRaised
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from careloop.kernel.restating import shown
from services.coordination.domain.view.concerns import OPEN, standing_concerns
from services.coordination.domain.view.dated_fact import DatedFact
from services.coordination.domain.view.notices import acknowledge_by, open_notices
from services.coordination.domain.view.sections import Section, Sections
from services.coordination.domain.view.sections.assessment import AssessmentSection
from services.coordination.domain.view.sections.monitoring import MonitoringSection
from services.coordination.domain.view.sections.notifications import NotificationsSection
from services.coordination.domain.view.sections.prescribing import PrescribingSection

LEVELS = (*TriageLevel, "none")
"""The words of the ranks, the most urgent first."""

C_SSRS = "c-ssrs"
IMPORTED = "imported"
"""Why nobody is notified of what a named importer recorded."""
_NEVER = datetime.max.replace(tzinfo=UTC)
_RISKS = {RiskLevel.HIGH: TriageLevel.EMERGENCY_NOW, RiskLevel.MODERATE: TriageLevel.SAME_DAY}
CONCERNS = {
    "contraindicated": TriageLevel.SAME_DAY,
    "high": TriageLevel.SAME_DAY,
    "moderate": TriageLevel.NEXT_VISIT,
}
_NOTICES = {Priority.STAT: TriageLevel.EMERGENCY_NOW, Priority.URGENT: TriageLevel.SAME_DAY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """One thing that asks for attention. `rank` 0 is the most urgent; `due_at` None has no clock.

    `until_answered`: it stands only until somebody took its fact on, which another source may say.
    """

    fact_id: FactId
    rank: int
    reason: str
    due_at: Instant | None
    until_answered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Urgency:
    rank: int
    level: str
    reason: str = ""
    fact_id: FactId | None = None
    due_at: Instant | None = None


UNSAID = Urgency(rank=len(LEVELS), level="")
"""The urgency that is not shown: it is not said to be none."""

urgency_of = shown(Urgency, Concern, "level")


def concerns(section: Section) -> tuple[Concern, ...]:
    """What asks for attention by this source alone, the most urgent first."""
    found: list[Concern] = []
    if isinstance(section, MonitoringSection):
        found += _side_effects(section)
    if isinstance(section, AssessmentSection | MonitoringSection):
        found += [_risk(risk.fact) for risk in section.risks if not superseded(risk, section)]
    if isinstance(section, PrescribingSection):
        found += _raised(section)
    if isinstance(section, NotificationsSection):
        found += _notices(section)
        found += [
            _concern(risk, TriageLevel.WITHIN_72_HOURS, "imported-risk", None) for risk in imported_risks(section)
        ]
    return tuple(sorted(found, key=precedence))


def answered(section: Section) -> frozenset[FactId]:
    """The facts, of any source, that ask for nothing more themselves: somebody took them on, or an importer brought
    them in, and then an imported risk is a concern of its own. What was suppressed for any other reason is open."""
    if not isinstance(section, NotificationsSection):
        return frozenset()
    taken = {dated.fact.notice for dated in section.acknowledged}
    return frozenset(
        k.fact.cause_fact for k in section.decided if k.fact.fact_id in taken or k.fact.suppressed == IMPORTED
    )


def imported_risks(section: NotificationsSection) -> frozenset[FactId]:
    """The risks that an importer recorded and that no clinician of the team has screened since."""
    ended = {dated.fact.notice for dated in section.withdrawn}
    return frozenset(
        k.fact.cause_fact
        for k in section.decided
        if k.fact.suppressed == IMPORTED and _is_risk(k.fact) and k.fact.fact_id not in ended
    )


def urgency(sections: Sections) -> Urgency:
    """The first of all concerns. A risk counts until it is answered, a side effect until it is closed."""
    taken = answered(sections.notifications)
    every = (sections.assessment, sections.prescribing, sections.monitoring, sections.notifications)
    return first(concern for section in every for concern in concerns(section) if stands(concern, taken))


def stands(concern: Concern, taken: frozenset[FactId]) -> bool:
    return not (concern.until_answered and concern.fact_id in taken)


def first(standing: Iterable[Concern]) -> Urgency:
    concern = min(standing, key=precedence, default=None)
    if concern is None:
        return Urgency(rank=len(LEVELS) - 1, level=LEVELS[-1])
    return urgency_of(concern, level=LEVELS[concern.rank])


def precedence(concern: Concern) -> tuple[int, datetime, FactId]:
    return concern.rank, concern.due_at or _NEVER, concern.fact_id


def superseded(risk: DatedFact[RiskRaised], section: AssessmentSection | MonitoringSection) -> bool:
    """Whether the same source screened again later: what it then found speaks for itself."""
    since = risk.fact.occurred_at
    raised = any(other.fact.occurred_at > since for other in section.risks)
    return raised or any(k.fact.instrument == C_SSRS and k.fact.occurred_at > since for k in section.scales)


def _is_risk(notice: NoticeDecided) -> bool:
    """By the name of its cause on the wire: `care.<service>.RiskRaised.v<n>`."""
    return notice.cause_type.split(".")[-2:-1] == [RiskRaised.__name__]


def _side_effects(section: MonitoringSection) -> list[Concern]:
    closed = {dated.fact.side_effect for dated in section.resolved}
    return [
        _concern(k.fact.fact_id, k.fact.triage.level, "side-effect", k.fact.triage.due_at)
        for k in section.reported
        if k.fact.fact_id not in closed
    ]


def _raised(section: PrescribingSection) -> list[Concern]:
    """What the safety check finds against something that is taken, until it is answered; a low one asks for nobody."""
    return [
        _concern(one.concern, CONCERNS[one.alert.severity], f"concern-{one.alert.severity}", None)
        for one in standing_concerns(section)
        if one.status == OPEN and one.alert.severity in CONCERNS
    ]


def _risk(risk: RiskRaised) -> Concern:
    level = _RISKS.get(risk.level, TriageLevel.WITHIN_72_HOURS)
    return replace(_concern(risk.fact_id, level, "suicide-risk", risk.due_at), until_answered=True)


def _notices(section: NotificationsSection) -> list[Concern]:
    unreached = {k.fact.notice for k in section.failed if k.fact.final}
    return [
        _concern(
            k.fact.fact_id,
            _NOTICES.get(k.fact.priority, TriageLevel.NEXT_VISIT),
            "notice-failed" if k.fact.fact_id in unreached else "notice-unacknowledged",
            acknowledge_by(k.fact, section),
        )
        for k in open_notices(section)
    ]


def _concern(fact_id: FactId, level: TriageLevel, reason: str, due_at: datetime | None) -> Concern:
    return Concern(fact_id=fact_id, rank=LEVELS.index(level), reason=reason, due_at=due_at)
