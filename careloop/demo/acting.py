"""What is known acts: a new list raises a concern that the prescriber answers, and an emergency is answered at once."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from care.coordination.v1 import coordination_pb2
from care.coordination.v1.coordination_pb2_grpc import CoordinationServiceStub
from care.prescribing.v1 import prescribing_pb2 as pb
from care.prescribing.v1.prescribing_pb2_grpc import PrescribingServiceStub

from careloop.cli.commands import care
from careloop.demo.assessments import InitialAssessment
from careloop.demo.escalation import ARRIVES_WITHIN_SECONDS, Inboxes
from careloop.demo.people import CARE_MANAGER, PRESCRIBER, client
from careloop.demo.requests import Requests, request_id
from careloop.demo.verdict import Check
from careloop.demo.waiting import until_found

INTERACTS = ("lisinopril", "10")
"""Raises the level of lithium."""
ANSWER = "monitoring"
WORDS = "I want to kill myself tonight"
ON_CALL_PHONE = "202-555-0147"
"""Of the numbers that are set apart for stories."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredConcern:
    """What was found, and how it stands in the care view after the answer."""

    message: str
    severity: str
    status: str
    answer: str
    by_when: str

    @property
    def check(self) -> Check:
        right = (self.status, self.answer) == ("answered", ANSWER)
        wrong = () if right else (f"the concern is {self.status} by {self.answer or 'nothing'}",)
        return Check(name="a concern is answered", counted="1 concern", wrong=wrong)


async def answer_concern(requests: Requests, patient: UUID, *takes: tuple[str, str]) -> AnsweredConcern:
    """The client turns out to take one more medicine; what that means for what is prescribed is raised by itself, and
    the prescriber answers it. Raises NotInTime."""
    now = datetime.now(UTC)
    await InitialAssessment(requests, patient, now).takes(*takes, INTERACTS)
    raised = await _concern(requests, patient, "open")
    by_when = (now + timedelta(days=7)).date().isoformat()
    request = pb.AnswerConcernRequest(
        request_id=request_id(patient, "answer", raised.concern),
        patient_id=str(patient),
        concern_id=raised.concern,
        answer=ANSWER,
        by_when=by_when,
        comment="lithium level and kidney function in five days",
    )
    stub = PrescribingServiceStub(requests.services.channel("prescribing"))
    await requests.send("prescribing", stub.AnswerConcern, request, PRESCRIBER.caller)
    answered = await _concern(requests, patient, "answered")
    return AnsweredConcern(
        message=answered.alert.message,
        severity=answered.alert.severity,
        status=answered.status,
        answer=answered.answer,
        by_when=answered.by_when,
    )


async def _concern(requests: Requests, patient: UUID, status: str) -> coordination_pb2.StandingConcern:
    async def look() -> coordination_pb2.StandingConcern | None:
        shown = await care.read_view(requests.services, patient)
        found = (one for one in shown.view.concerns if INTERACTS[0] in one.alert.involves and one.status == status)
        return next(found, None)

    return await until_found(look, ARRIVES_WITHIN_SECONDS, f"a concern about {INTERACTS[0]} that is {status}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredEmergency:
    """How a client's words were graded, what the client read at once, and who was asked to act."""

    triage: str
    lines: tuple[str, ...]
    subject: str

    @property
    def check(self) -> Check:
        said = " ".join(self.lines)
        missing = [number for number in ("911", "988", ON_CALL_PHONE) if number not in said]
        wrong = tuple(f"the answer does not name {number}" for number in missing)
        return Check(name="an emergency is answered with whom to call", counted=f"{len(self.lines)} lines", wrong=wrong)


async def answer_emergency(requests: Requests, patient: UUID) -> AnsweredEmergency:
    """The client writes to the care manager, reads at once whom to call, and the care manager takes it on. Raises
    NotInTime."""
    stub = CoordinationServiceStub(requests.services.channel("coordination"))
    request = coordination_pb2.PostMessageRequest(
        request_id=request_id(patient, "message", "emergency"),
        patient_id=str(patient),
        recipient=CARE_MANAGER.caller.subject,
        text=WORDS,
    )
    answer = await requests.send("coordination", stub.PostMessage, request, client(patient))
    inboxes = Inboxes(requests)
    notice = await inboxes.notice_of(answer.fact_id, CARE_MANAGER.caller)
    await inboxes.acknowledge(notice, CARE_MANAGER.caller)
    return AnsweredEmergency(triage=answer.triage, lines=tuple(answer.help.lines), subject=notice.subject)
