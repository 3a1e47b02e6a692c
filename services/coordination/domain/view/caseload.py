"""What one line of the caseload says of a patient."""

from dataclasses import dataclass, fields
from datetime import date

from careloop.kernel.ids import PatientId
from services.coordination.domain.view.dated_fact import newest
from services.coordination.domain.view.notices import open_notices
from services.coordination.domain.view.sections import Section, Sections
from services.coordination.domain.view.sections.assessment import AssessmentSection
from services.coordination.domain.view.sections.monitoring import MonitoringSection
from services.coordination.domain.view.sections.notifications import NotificationsSection
from services.coordination.domain.view.urgency import Urgency, end_of, urgency


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """What one section contributes; the rest stays as nothing. `ended` is why the episode of care ended, if it did."""

    name: str = ""
    birth_date: date | None = None
    assessment_completed: bool = False
    open_side_effects: int = 0
    unacknowledged_notices: int = 0
    ended: str = ""

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
            ended=end_of(section),
        )
    if isinstance(section, MonitoringSection):
        closed = {dated.fact.side_effect for dated in section.resolved}
        return Headline(open_side_effects=sum(dated.fact.fact_id not in closed for dated in section.reported))
    if isinstance(section, NotificationsSection):
        return Headline(unacknowledged_notices=len(open_notices(section)))
    return Headline()


def is_listed(sections: Sections) -> bool:
    """Whether the client is in the caseload: while an episode of care is open, and after it while an emergency is."""
    return not end_of(sections.assessment) or urgency(sections).rank == 0
