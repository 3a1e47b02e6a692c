"""What the client takes, by the facts of assessment and prescribing, becomes notes in monitoring's own stream."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from careloop.chassis.commands.streams import Streams
from careloop.chassis.consuming.handler import Effects, Handler, Received
from careloop.chassis.consuming.noting import Notes, listening, note, note_request
from careloop.chassis.events.envelope import Envelope
from careloop.chassis.log.protocol import Write
from careloop.contracts import assessment, coordination, prescribing
from careloop.contracts.care_team import MembershipEndNoted, MembershipNoted
from careloop.contracts.terms import EnteredInError, RiskRaised, ScaleScored
from careloop.kernel.ids import PatientId
from careloop.kernel.restating import restating
from careloop.knowledge.follow_up.result_actions import MeasuredResult
from services.monitoring.domain.events import Event
from services.monitoring.domain.noted import (
    DailyDoseNoted,
    DiscontinuationNoted,
    EmergencyDepartmentNoted,
    EnrolmentNoted,
    MedicationsNoted,
    PrescriptionNoted,
    ResultsNoted,
    RiskNoted,
    ScreeningNoted,
    StrikeNoted,
    TimeZoneNoted,
)
from services.monitoring.domain.result_actions import follow_results
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


measured = restating(MeasuredResult, assessment.Result, "unit", code="loinc")


def results(fact: assessment.ResultsRecorded) -> tuple[MeasuredResult, ...]:
    return tuple(measured(one, unit=one.unit or None) for one in fact.results)


def hear_results(envelope: Envelope, fact: assessment.ResultsRecorded) -> ResultsNoted:
    return results_noted(fact, evidence=envelope.event_id, recorded_by=envelope.actor, results=results(fact))


results_noted = restating(ResultsNoted, assessment.ResultsRecorded, "evidence", "recorded_by", "results")
RESULT_CONSUMER = "monitoring.results"
"""Reads assessment and prescribing from their beginning, also what came before there was such a consumer."""
RESULT_NOTES: Notes[ResultsNoted | StrikeNoted | DiscontinuationNoted | None] = {
    **listening(
        assessment.TYPES,
        (assessment.ResultsRecorded, hear_results),
        note(StrikeNoted, EnteredInError),
    ),
    **listening(
        prescribing.TYPES,
        note(DiscontinuationNoted, prescribing.PrescriptionDiscontinued),
        note(StrikeNoted, EnteredInError),
    ),
}


def of_risks(noted: RiskNoted | ScreeningNoted | StrikeNoted, watch: Watch, _now: datetime) -> list[Event]:
    return follow_risk(noted, watch)


class FollowingConsumer(Handler):
    """Decides on the newest record what each event that it hears comes to."""

    def __init__(
        self,
        consumer: str,
        notes: Notes[Any],
        follow: Callable[[Any, Watch, datetime], list[Event]],
        streams: Streams[Watch, Event],
    ) -> None:
        self.consumer = consumer
        self.contracts: Mapping[str, type] = {name: contract for name, (contract, _note) in notes.items()}
        self._notes = notes
        self._follow = follow
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
            _contract, noting = self._notes[one.envelope.type]
            noted, now = noting(one.envelope, one.event), one.envelope.recorded_at
            events = [] if noted is None else self._follow(noted, watch, now)
            if events:
                request = note_request(self.consumer, one.envelope, now)
                writes.append(self._streams.write(patient_id, request, events, version))
                watch, version = self._streams.decider.fold(events, watch), version + len(events)
        return writes


def following(streams: Streams[Watch, Event]) -> tuple[FollowingConsumer, FollowingConsumer]:
    """Who follows risks, and who follows results."""
    return (
        FollowingConsumer(RISK_CONSUMER, RISK_NOTES, of_risks, streams),
        FollowingConsumer(RESULT_CONSUMER, RESULT_NOTES, follow_results, streams),
    )


TEAM_NOTES: Notes[Event | None] = listening(
    coordination.TYPES,
    note(MembershipNoted, coordination.TeamMemberAssigned),
    note(MembershipEndNoted, coordination.TeamMemberReleased),
    note(StrikeNoted, EnteredInError),
)

DOSES_CONSUMER = "monitoring.doses"
"""Reads prescribing from its beginning, also what came before there was such a consumer."""
DOSES_NOTES: Notes[Event | None] = listening(
    prescribing.TYPES,
    note(
        DailyDoseNoted,
        prescribing.PrescriptionIssued,
        at={"prescription": "fact_id", "daily_dose_mg": "order.daily_dose_mg", "effective_on": "order.starts_on"},
    ),
    note(DailyDoseNoted, prescribing.DoseChanged, at={"daily_dose_mg": "to_daily_dose_mg"}),
)
"""How much a day is the dose."""
