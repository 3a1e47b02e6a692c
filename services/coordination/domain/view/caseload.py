"""What one line of the caseload says of a patient."""

from dataclasses import dataclass, fields
from datetime import date

from careloop.kernel.ids import PatientId
from services.coordination.domain.view.dated_fact import newest
from services.coordination.domain.view.notices import open_notices
from services.coordination.domain.view.sections import Section
from services.coordination.domain.view.sections.assessment import AssessmentSection
from services.coordination.domain.view.sections.monitoring import MonitoringSection
from services.coordination.domain.view.sections.notifications import NotificationsSection
from services.coordination.domain.view.urgency import Urgency


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """What one section contributes; the rest stays as nothing."""

    name: str = ""
    birth_date: date | None = None
    assessment_completed: bool = False
    open_side_effects: int = 0
    unacknowledged_notices: int = 0

    def joined(self, other: "Headline") -> "Headline":
        """Both together; of each thing only one source speaks."""
        return Headline(**{f.name: getattr(self, f.name) or getattr(other, f.name) for f in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseloadEntry:
    patient_id: PatientId
    urgency: Urgency
    headline: Headline


def headline(section: Section) -> Headline:
    if isinstance(section, AssessmentSection):
        enrolled = newest(section.enrolments)
        return Headline(
            name=enrolled.name if enrolled else "",
            birth_date=enrolled.birth_date if enrolled else None,
            assessment_completed=bool(section.completions),
        )
    if isinstance(section, MonitoringSection):
        closed = {dated.fact.side_effect for dated in section.resolved}
        return Headline(open_side_effects=sum(dated.fact.fact_id not in closed for dated in section.reported))
    if isinstance(section, NotificationsSection):
        return Headline(unacknowledged_notices=len(open_notices(section)))
    return Headline()
