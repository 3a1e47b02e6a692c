"""The first hour of care: a team, what the imported record leaves open, and the completed assessment."""

from datetime import datetime, timedelta
from uuid import UUID

from care.assessment.v1 import assessment_pb2 as pb
from care.assessment.v1.assessment_pb2_grpc import AssessmentServiceStub
from care.common.v1.common_pb2 import Medicine
from care.coordination.v1 import coordination_pb2
from care.coordination.v1.coordination_pb2_grpc import CoordinationServiceStub

from careloop.demo.people import CARE_MANAGER, PRESCRIBER, TEAM, Member
from careloop.demo.requests import Requests, at, request_id

ASSESSMENT = "assessment"
SOURCE = "demo-interview"
NO_IDEATION = (0, 0, 0, 0, 0, 0, 0)
DIAGNOSIS = ("F33.1", "Major depressive disorder, recurrent, moderate")
COMPLETED_AFTER = timedelta(hours=2)


async def assign_team(requests: Requests, patient: UUID, start: datetime) -> None:
    """The same four people for everybody; the prescriber joins first and so is the one who hears first."""
    for place, member in enumerate(TEAM):
        await _assign(requests, patient, member, start + timedelta(minutes=place))


async def _assign(requests: Requests, patient: UUID, member: Member, since: datetime) -> None:
    stub = CoordinationServiceStub(requests.services.channel("coordination"))
    request = coordination_pb2.AssignTeamMemberRequest(
        request_id=request_id(patient, "team", member.caller.subject),
        patient_id=str(patient),
        occurred_at=at(since),
        person=member.caller.subject,
        name=member.name,
        role=member.caller.role,
        email=member.email,
        effective_from=at(since),
    )
    await requests.send("coordination", stub.AssignTeamMember, request, CARE_MANAGER.caller)


class InitialAssessment:
    """One patient's initial assessment at one moment, by the prescriber."""

    def __init__(self, requests: Requests, patient: UUID, start: datetime) -> None:
        self._requests = requests
        self._stub = AssessmentServiceStub(requests.services.channel(ASSESSMENT))
        self._patient = patient
        self._start = start

    async def missing(self) -> frozenset[str]:
        """What completing still needs."""
        request = pb.GetAssessmentRequest(patient_id=str(self._patient))
        answer = await self._requests.services.ask(ASSESSMENT, self._stub.GetAssessment, request, PRESCRIBER.caller)
        return frozenset(answer.missing)

    async def complete(self) -> str:
        """Say what the record leaves open, then complete; answers the token of the completion."""
        missing = await self.missing()
        await self._say_lists(missing)
        await self._pregnancy()
        await self._screen()
        await self._diagnose()
        await self._plan()
        request = pb.CompleteAssessmentRequest(
            request_id=request_id(self._patient, "complete"),
            patient_id=str(self._patient),
            occurred_at=at(self._start + COMPLETED_AFTER),
        )
        answer = await self._requests.send(ASSESSMENT, self._stub.CompleteAssessment, request, PRESCRIBER.caller)
        return answer.receipt.token

    async def _say_lists(self, missing: frozenset[str]) -> None:
        """`None` is an answer that somebody has to give; an empty import does not say it."""
        patient, when = str(self._patient), at(self._start)
        if "history" in missing:
            history = pb.RecordHistoryRequest(
                request_id=request_id(self._patient, "history"),
                patient_id=patient,
                nothing_known=True,
                source=SOURCE,
                occurred_at=when,
            )
            await self._requests.send(ASSESSMENT, self._stub.RecordHistory, history, PRESCRIBER.caller)
        if "medications" in missing:
            await self.takes()
        if "allergies" in missing:
            allergies = pb.RecordAllergiesRequest(
                request_id=request_id(self._patient, "allergies"),
                patient_id=patient,
                no_known_allergies=True,
                occurred_at=when,
            )
            await self._requests.send(ASSESSMENT, self._stub.RecordAllergies, allergies, PRESCRIBER.caller)

    async def takes(self, *medicines: tuple[str, str]) -> str:
        """The whole list of what the client takes, as (name, milligrams a day), replacing earlier lists."""
        request = pb.ReconcileMedicationsRequest(
            request_id=request_id(self._patient, "takes", *medicines),
            patient_id=str(self._patient),
            medications=[
                pb.CurrentMedication(medicine=Medicine(name=name), daily_dose_mg=dose, source=SOURCE)
                for name, dose in medicines
            ],
            none_taken=not medicines,
            confirm_removal=True,
            occurred_at=at(self._start),
        )
        answer = await self._requests.send(ASSESSMENT, self._stub.ReconcileMedications, request, PRESCRIBER.caller)
        return answer.receipt.token

    async def _screen(self) -> None:
        request = pb.AnswerScaleRequest(
            request_id=request_id(self._patient, "c-ssrs"),
            patient_id=str(self._patient),
            instrument="c-ssrs",
            items=NO_IDEATION,
            source=SOURCE,
            occurred_at=at(self._start),
        )
        await self._requests.send(ASSESSMENT, self._stub.AnswerScale, request, PRESCRIBER.caller)

    async def _pregnancy(self) -> None:
        """Everybody is asked; nobody of this demo is pregnant."""
        request = pb.RecordPregnancyRequest(
            request_id=request_id(self._patient, "pregnancy"),
            patient_id=str(self._patient),
            status="not-pregnant",
            source=SOURCE,
            occurred_at=at(self._start),
        )
        await self._requests.send(ASSESSMENT, self._stub.RecordPregnancy, request, PRESCRIBER.caller)

    async def _diagnose(self) -> None:
        code, display = DIAGNOSIS
        request = pb.EstablishDiagnosisRequest(
            request_id=request_id(self._patient, "diagnosis"),
            patient_id=str(self._patient),
            icd10=code,
            display=display,
            severity="moderate",
            verification="confirmed",
            occurred_at=at(self._start),
        )
        await self._requests.send(ASSESSMENT, self._stub.EstablishDiagnosis, request, PRESCRIBER.caller)

    async def _plan(self) -> None:
        plan = pb.Plan(
            medications=[pb.ProposedMedication(medicine=Medicine(name="sertraline"), daily_dose_mg="50")],
            therapies=["cognitive behavioural therapy, weekly"],
            goals=["to sleep through the night", "to go back to work"],
        )
        request = pb.ProposePlanRequest(
            request_id=request_id(self._patient, "plan"),
            patient_id=str(self._patient),
            plan=plan,
            occurred_at=at(self._start),
        )
        await self._requests.send(ASSESSMENT, self._stub.ProposePlan, request, PRESCRIBER.caller)
