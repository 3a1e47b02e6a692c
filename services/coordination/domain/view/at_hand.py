"""What of the view an answer to the client's own words needs: medicines by name, and where to go in an emergency."""

from careloop.knowledge.urgency.client_help import DepartmentOnRecord
from services.coordination.domain.view.asked import Asked
from services.coordination.domain.view.dated_fact import newest
from services.coordination.domain.view.medications import medications
from services.coordination.domain.view.sections import Sections


def names_taken(sections: Sections) -> tuple[str, ...] | None:
    """The names of all medicines listed or prescribed, also of those that ended; None while nobody said what is taken.

    Effects may outlast a medicine, and a red flag recognised once too often harms less than one missed.
    """
    found = medications(sections.assessment, sections.prescribing)
    if found.asked is Asked.NOT_ASKED and not found.medications:
        return None
    return tuple(dict.fromkeys(one.medicine.name for one in found.medications))


def department(sections: Sections) -> DepartmentOnRecord | None:
    """The emergency department of the newest enrolment; None where it names none."""
    enrolled = newest(sections.assessment.enrolments)
    if enrolled is None or enrolled.location is None or not enrolled.location.emergency_department:
        return None
    there = enrolled.location
    return DepartmentOnRecord(
        name=there.emergency_department,
        phone=there.emergency_department_phone,
        recorded_on=enrolled.occurred_at.date(),
    )
