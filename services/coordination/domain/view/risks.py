"""Suicide risks that a screening raised, as the view shows them."""

from dataclasses import dataclass

from careloop.contracts.terms import RiskRaised
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from services.coordination.domain.view.dated_fact import DatedFact
from services.coordination.domain.view.sections import Sections
from services.coordination.domain.view.sections.assessment import AssessmentSection
from services.coordination.domain.view.sections.monitoring import MonitoringSection
from services.coordination.domain.view.urgency import answered, superseded


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    fact_id: FactId
    scale_fact_id: FactId
    level: str
    reason: str
    due_at: Instant
    occurred_at: Instant
    source: str
    status: str


def risks(sections: Sections) -> tuple[Risk, ...]:
    """The latest first."""
    taken = answered(sections.notifications)

    def shown(dated: DatedFact[RiskRaised], section: AssessmentSection | MonitoringSection, source: str) -> Risk:
        over = dated.fact.fact_id in taken or superseded(dated, section)
        return _risk(dated.fact, source, "answered" if over else "open")

    every = [shown(dated, sections.assessment, "assessment") for dated in sections.assessment.risks]
    every += [shown(dated, sections.monitoring, "monitoring") for dated in sections.monitoring.risks]
    return tuple(sorted(every, key=lambda risk: (risk.occurred_at, risk.fact_id), reverse=True))


def _risk(fact: RiskRaised, source: str, status: str) -> Risk:
    return Risk(
        fact_id=fact.fact_id,
        scale_fact_id=fact.scale_fact_id,
        level=fact.level,
        reason=fact.reason,
        due_at=fact.due_at,
        occurred_at=fact.occurred_at,
        source=source,
        status=status,
    )
