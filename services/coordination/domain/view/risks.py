"""Suicide risks that a screening raised, as the view shows them."""

from dataclasses import dataclass

from careloop.contracts.monitoring import RiskContactRecorded
from careloop.contracts.terms import RiskRaised
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from careloop.kernel.restating import shown
from services.coordination.domain.view.dated_fact import DatedFact
from services.coordination.domain.view.sections import Sections
from services.coordination.domain.view.sections.assessment import AssessmentSection
from services.coordination.domain.view.sections.monitoring import MonitoringSection
from services.coordination.domain.view.urgency import answered, imported_risks, superseded


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskContact:
    """A contact, or an attempt at one."""

    fact_id: FactId
    outcome: str
    where: str
    next: str
    by_when: Instant | None
    recorded_by: str
    occurred_at: Instant


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
    contacts: tuple[RiskContact, ...] = ()


contact = shown(RiskContact, RiskContactRecorded)
risk = shown(Risk, RiskRaised, "source", "status", "contacts")


def risks(sections: Sections) -> tuple[Risk, ...]:
    """The latest first."""
    taken = answered(sections.notifications) | answered(sections.monitoring)
    imported = imported_risks(sections.notifications)

    def of(dated: DatedFact[RiskRaised], section: AssessmentSection | MonitoringSection, source: str) -> Risk:
        over = dated.fact.fact_id not in imported and (dated.fact.fact_id in taken or superseded(dated, section))
        status = "answered" if over else "open"
        return risk(dated.fact, source=source, status=status, contacts=_contacts(dated.fact, sections.monitoring))

    every = [of(dated, sections.assessment, "assessment") for dated in sections.assessment.risks]
    every += [of(dated, sections.monitoring, "monitoring") for dated in sections.monitoring.risks]
    return tuple(sorted(every, key=lambda one: (one.occurred_at, one.fact_id), reverse=True))


def _contacts(raised: RiskRaised, section: MonitoringSection) -> tuple[RiskContact, ...]:
    """The latest first."""
    return tuple(contact(k.fact) for k in reversed(section.contacts) if raised.fact_id in k.fact.risks)
