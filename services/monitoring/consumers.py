"""What the client takes, by the facts of assessment and prescribing, becomes notes in monitoring's own stream."""

from careloop.chassis.consuming.noting import Notes, listening, note
from careloop.contracts import assessment, coordination, prescribing
from careloop.contracts.care_team import MembershipEndNoted, MembershipNoted
from careloop.contracts.terms import EnteredInError
from services.monitoring.domain.events import Event
from services.monitoring.domain.noted import (
    DiscontinuationNoted,
    EmergencyDepartmentNoted,
    EnrolmentNoted,
    MedicationsNoted,
    PrescriptionNoted,
    StrikeNoted,
    TimeZoneNoted,
)

CONSUMER = "monitoring.medicines"
PROFILE_CONSUMER = "monitoring.profile"
"""Reads assessment from its beginning, also what came before there was such a consumer."""
DEPARTMENT_CONSUMER = "monitoring.emergency-department"
"""Likewise."""
TEAM_CONSUMER = "monitoring.team"
"""Reads coordination from its beginning, also what came before there was such a consumer."""
ORDERED = {"medicine": "order.medicine", "starts_on": "order.starts_on"}

NOTES: Notes[Event | None] = {
    **listening(
        assessment.TYPES,
        note(EnrolmentNoted, assessment.PatientEnrolled),
        note(MedicationsNoted, assessment.MedicationsReconciled, at={"medicines": "medications"}),
        note(StrikeNoted, EnteredInError),
    ),
    **listening(
        prescribing.TYPES,
        note(PrescriptionNoted, prescribing.PrescriptionIssued, at=ORDERED),
        note(DiscontinuationNoted, prescribing.PrescriptionDiscontinued),
        note(StrikeNoted, EnteredInError),
    ),
}
"""What monitoring listens to, and the note each becomes."""

PROFILE_NOTES: Notes[Event | None] = listening(assessment.TYPES, note(TimeZoneNoted, assessment.PatientEnrolled))
"""What came to be noted later, and is noted of old facts too."""


def _department(enrolled: assessment.PatientEnrolled) -> str:
    return enrolled.location.emergency_department if enrolled.location else ""


def _its_phone(enrolled: assessment.PatientEnrolled) -> str:
    return enrolled.location.emergency_department_phone if enrolled.location else ""


DEPARTMENT_NOTES: Notes[Event | None] = listening(
    assessment.TYPES,
    note(EmergencyDepartmentNoted, assessment.PatientEnrolled, name=_department, phone=_its_phone),
)
"""Where a client goes in an emergency, which the answer to one names."""


TEAM_NOTES: Notes[Event | None] = listening(
    coordination.TYPES,
    note(MembershipNoted, coordination.TeamMemberAssigned),
    note(MembershipEndNoted, coordination.TeamMemberReleased),
    note(StrikeNoted, EnteredInError),
)
