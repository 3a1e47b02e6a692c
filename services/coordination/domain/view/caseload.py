"""What one line of the caseload says of a patient."""

from dataclasses import dataclass, fields
from datetime import date

from careloop.kernel.ids import PatientId
from services.coordination.domain.view.care_view import Urgency
from services.coordination.domain.view.intake import newest
from services.coordination.domain.view.sections import (
    AssessmentSection,
    MonitoringSection,
    NotificationsSection,
    Section,
)
from services.coordination.domain.view.urgency import open_notices


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """What one section contributes; the rest stays as nothing."""

    name: str = ""
    birth_date: date | None = None
    assessment_completed: bool = False
    open_side_effects: int = 0
    unacknowledged_notices: int = 0

    def joined(self, other: "Headline") -> "Headline":
        """Both together; of each thing only one source tells."""
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
        closed = {kept.fact.side_effect for kept in section.resolved}
        return Headline(open_side_effects=sum(kept.fact.fact_id not in closed for kept in section.reported))
    if isinstance(section, NotificationsSection):
        return Headline(unacknowledged_notices=len(open_notices(section)))
    return Headline()
