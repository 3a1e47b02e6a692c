"""The care view is stored as one section per source: the facts that still stand, from which the view is composed."""

from dataclasses import dataclass, field, fields

from careloop.kernel.ids import FactId
from services.coordination.domain.view.sections.assessment import AssessmentSection
from services.coordination.domain.view.sections.coordination import CoordinationSection
from services.coordination.domain.view.sections.monitoring import MonitoringSection
from services.coordination.domain.view.sections.notifications import NotificationsSection
from services.coordination.domain.view.sections.prescribing import PrescribingSection

Section = AssessmentSection | PrescribingSection | MonitoringSection | NotificationsSection | CoordinationSection


@dataclass(frozen=True, slots=True, kw_only=True)
class Sections:
    """Everything known of one patient, by source."""

    assessment: AssessmentSection = field(default_factory=AssessmentSection)
    prescribing: PrescribingSection = field(default_factory=PrescribingSection)
    monitoring: MonitoringSection = field(default_factory=MonitoringSection)
    notifications: NotificationsSection = field(default_factory=NotificationsSection)
    coordination: CoordinationSection = field(default_factory=CoordinationSection)


def facts_in(sections: Sections) -> frozenset[FactId]:
    """Every fact that stands in any section."""
    each = (getattr(sections, field.name) for field in fields(sections))
    return frozenset(
        dated.fact.fact_id
        for section in each
        for shelf in section.shelves.values()
        for dated in getattr(section, shelf.field)
        if hasattr(dated.fact, "fact_id")
    )


SECTIONS: dict[str, type[Section]] = {
    "assessment": AssessmentSection,
    "prescribing": PrescribingSection,
    "monitoring": MonitoringSection,
    "notifications": NotificationsSection,
    "coordination": CoordinationSection,
}
"""The five sources and the section that each one's facts make."""
