"""A severe side effect between visits: who gets the notice, and who gets it next when nobody acknowledges it."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from care.coordination.v1 import coordination_pb2
from care.coordination.v1.coordination_pb2_grpc import CoordinationServiceStub
from care.monitoring.v1 import monitoring_pb2
from care.monitoring.v1.monitoring_pb2_grpc import MonitoringServiceStub
from care.notifications.v1 import notifications_pb2 as pb
from care.notifications.v1.notifications_pb2_grpc import NotificationsServiceStub

from careloop.cli.calling.client import Caller
from careloop.demo.people import CARE_MANAGER, PRESCRIBER, THERAPIST, client
from careloop.demo.requests import Requests, at, request_id
from careloop.demo.waiting import until_found

ARRIVES_WITHIN_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A side effect as it was answered: its triage and the rule that decided it."""

    fact_id: str
    token: str
    triage: str
    rule: str


async def report(
    requests: Requests,
    patient: UUID,
    symptom: str,
    own_words: str,
    grade: int,
    *,
    felt_at: datetime | None = None,
    caller: Caller | None = None,
) -> Reported:
    """Report a side effect now: by the client unless another caller is named, felt now unless a moment is given."""
    stub = MonitoringServiceStub(requests.services.channel("monitoring"))
    request = monitoring_pb2.ReportSideEffectRequest(
        request_id=request_id(patient, "side-effect", symptom),
        patient_id=str(patient),
        symptom=symptom,
        own_words=own_words,
        ctcae_grade=grade,
        occurred_at=None if felt_at is None else at(felt_at),
    )
    answer = await requests.send("monitoring", stub.ReportSideEffect, request, caller or client(patient))
    triage = answer.triage
    return Reported(fact_id=answer.fact_id, token=answer.receipt.token, triage=triage.level, rule=triage.rule)


class Inboxes:
    """What the people of the care team find in their inboxes."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self._stub = NotificationsServiceStub(requests.services.channel("notifications"))

    async def notice_of(self, fact_id: str, reader: Caller) -> pb.Notice:
        """The notice about this fact, as soon as it lies in the reader's inbox. Raises NotInTime."""

        async def look() -> pb.Notice | None:
            request = pb.ListInboxRequest(page_size=100, open_only=True)
            page = await self._requests.services.ask("notifications", self._stub.ListInbox, request, reader)
            return next((notice for notice in page.notices if notice.cause_fact_id == fact_id), None)

        return await until_found(look, ARRIVES_WITHIN_SECONDS, f"a notice for {reader.subject}")

    async def acknowledge(self, notice: pb.Notice, reader: Caller) -> None:
        """Take it on."""
        request = pb.AcknowledgeNoticeRequest(
            request_id=request_id(UUID(notice.patient_id), "acknowledge", notice.notice_id),
            patient_id=notice.patient_id,
            notice_id=notice.notice_id,
        )
        await self._requests.send("notifications", self._stub.AcknowledgeNotice, request, reader)


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalated:
    """How long it took until the prescriber could see it, and until the next person got it; in seconds."""

    report: Reported
    priority: str
    subject: str
    seen_after: float
    escalated_after: float


async def escalate(requests: Requests, patient: UUID) -> Escalated:
    """The client reports; the prescriber sees it and does nothing; the care manager gets it and takes it on."""
    loop, inboxes = asyncio.get_running_loop(), Inboxes(requests)
    began = loop.time()
    reported = await report(requests, patient, "akathisia", "I cannot sit still, I have been pacing all night", 3)
    seen = await inboxes.notice_of(reported.fact_id, PRESCRIBER.caller)
    seen_after = loop.time() - began
    passed_on = await inboxes.notice_of(reported.fact_id, CARE_MANAGER.caller)
    escalated_after = loop.time() - began
    await inboxes.acknowledge(passed_on, CARE_MANAGER.caller)
    await _write(requests, patient, reported.fact_id)
    return Escalated(
        report=reported,
        priority=pb.Priority.Name(seen.priority).removeprefix("PRIORITY_").lower(),
        subject=seen.subject,
        seen_after=seen_after,
        escalated_after=escalated_after,
    )


async def _write(requests: Requests, patient: UUID, about: str) -> None:
    stub = CoordinationServiceStub(requests.services.channel("coordination"))
    request = coordination_pb2.PostMessageRequest(
        request_id=request_id(patient, "message", about),
        patient_id=str(patient),
        recipient=PRESCRIBER.caller.subject,
        about=about,
        text="She called me about the pacing. Could you look at the dose today?",
    )
    await requests.send("coordination", stub.PostMessage, request, THERAPIST.caller)
