"""What the client takes, by the facts of assessment and prescribing, becomes notes in monitoring's own stream."""

from collections.abc import Mapping, Sequence

from careloop.chassis.commands.streams import Streams
from careloop.chassis.consuming.handler import Effects, Handler, Received
from careloop.chassis.consuming.noting import Notes, listening, note, note_request
from careloop.chassis.log.protocol import Write
from careloop.contracts import assessment, coordination, prescribing
from careloop.contracts.care_team import MembershipEndNoted, MembershipNoted
from careloop.contracts.terms import EnteredInError, RiskRaised, ScaleScored
from careloop.kernel.ids import PatientId
from services.monitoring.domain.events import Event
from services.monitoring.domain.noted import (
    DiscontinuationNoted,
    EmergencyDepartmentNoted,
    EnrolmentNoted,
    MedicationsNoted,
    PrescriptionNoted,
    RiskNoted,
    ScreeningNoted,
    StrikeNoted,
    TimeZoneNoted,
)
from services.monitoring.domain.risk_ends import follow_risk
from services.monitoring.domain.risk_watch import ends_risks
from services.monitoring.domain.state import Watch

CONSUMER = "monitoring.medicines"
PROFILE_CONSUMER = "monitoring.profile"
"""Reads assessment from its beginning, also what came before there was such a consumer."""
DEPARTMENT_CONSUMER = "monitoring.emergency-department"
"""Likewise."""
RISK_CONSUMER = "monitoring.risks"
"""Reads assessment from its beginning, also what came before there was such a consumer."""
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

RISK_NOTES: Notes[RiskNoted | ScreeningNoted | StrikeNoted | None] = listening(
    assessment.TYPES,
    note(RiskNoted, RiskRaised),
    note(ScreeningNoted, ScaleScored, only=ends_risks),
    note(StrikeNoted, EnteredInError),
)


class FollowingConsumer(Handler):
    """Notes what assessment says of risks, and decides on the newest record what that ends."""

    contracts: Mapping[str, type] = {name: contract for name, (contract, _note) in RISK_NOTES.items()}

    def __init__(self, streams: Streams[Watch, Event]) -> None:
        self.consumer = RISK_CONSUMER
        self._streams = streams

    async def handle(self, received: Sequence[Received]) -> Effects:
        by_patient: dict[PatientId, list[Received]] = {}
        for one in received:
            by_patient.setdefault(one.envelope.patient_id, []).append(one)
        writes = [write for patient, heard in by_patient.items() for write in await self._followed(patient, heard)]
        return Effects(writes=tuple(writes))

    async def _followed(self, patient_id: PatientId, received: Sequence[Received]) -> Sequence[Write]:
        loaded = await self._streams.load(patient_id)
        watch, version, writes = loaded.state, loaded.version, []
        for one in received:
            _contract, noting = RISK_NOTES[one.envelope.type]
            noted = noting(one.envelope, one.event)
            events = [] if noted is None else follow_risk(noted, watch)
            if events:
                request = note_request(self.consumer, one.envelope, one.envelope.recorded_at)
                writes.append(self._streams.write(patient_id, request, events, version))
                watch, version = self._streams.decider.fold(events, watch), version + len(events)
        return writes


TEAM_NOTES: Notes[Event | None] = listening(
    coordination.TYPES,
    note(MembershipNoted, coordination.TeamMemberAssigned),
    note(MembershipEndNoted, coordination.TeamMemberReleased),
    note(StrikeNoted, EnteredInError),
)
