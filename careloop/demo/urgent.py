"""A severe side effect between visits: who hears it, and who hears it next when nobody takes it on."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from care.coordination.v1 import coordination_pb2
from care.coordination.v1.coordination_pb2_grpc import CoordinationServiceStub
from care.monitoring.v1 import monitoring_pb2
from care.monitoring.v1.monitoring_pb2_grpc import MonitoringServiceStub
from care.notifications.v1 import notifications_pb2 as pb
from care.notifications.v1.notifications_pb2_grpc import NotificationsServiceStub

from careloop.cli.calling.client import Caller
from careloop.demo.people import CARE_MANAGER, PRESCRIBER, THERAPIST, client
from careloop.demo.telling import Telling, at, request_id

HEARS_WITHIN_SECONDS = 20.0
LOOK_AGAIN_SECONDS = 0.1
Found = TypeVar("Found")


class NotHeard(Exception):
    """What should have come did not come in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A side effect as it was answered: its triage and how soon."""

    fact_id: str
    token: str
    triage: str
    rule: str


async def until_found(look: Callable[[], Awaitable[Found | None]], within: float, what: str) -> Found:
    """What `look` finds, asked again and again. Raises NotHeard with `what` after so many seconds."""
    give_up_at = asyncio.get_running_loop().time() + within
    while (found := await look()) is None:
        if asyncio.get_running_loop().time() > give_up_at:
            raise NotHeard(f"{what} did not come within {within:g} s")
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
    return found


async def report(
    telling: Telling,
    patient: UUID,
    symptom: str,
    own_words: str,
    grade: int,
    *,
    felt_at: datetime | None = None,
    caller: Caller | None = None,
) -> Told:
    """A side effect told now, by the client unless somebody else is named; felt now unless a moment is given."""
    stub = MonitoringServiceStub(telling.services.channel("monitoring"))
    request = monitoring_pb2.ReportSideEffectRequest(
        request_id=request_id(patient, "told", symptom),
        patient_id=str(patient),
        symptom=symptom,
        own_words=own_words,
        ctcae_grade=grade,
        occurred_at=None if felt_at is None else at(felt_at),
    )
    answer = await telling.tell("monitoring", stub.ReportSideEffect, request, caller or client(patient))
    triage = answer.triage
    return Told(fact_id=answer.fact_id, token=answer.receipt.token, triage=triage.level, rule=triage.rule)


class Inboxes:
    """What the people of the care team find in their inboxes."""

    def __init__(self, telling: Telling) -> None:
        self._telling = telling
        self._stub = NotificationsServiceStub(telling.services.channel("notifications"))

    async def notice_of(self, fact_id: str, reader: Caller) -> pb.Notice:
        """The notice about this fact, as soon as it lies in the reader's inbox. Raises NotHeard."""

        async def look() -> pb.Notice | None:
            request = pb.ListInboxRequest(page_size=100, open_only=True)
            page = await self._telling.services.ask("notifications", self._stub.ListInbox, request, reader)
            return next((notice for notice in page.notices if notice.cause_fact_id == fact_id), None)

        return await until_found(look, HEARS_WITHIN_SECONDS, f"a notice for {reader.subject}")

    async def acknowledge(self, notice: pb.Notice, reader: Caller) -> None:
        """Take it on."""
        request = pb.AcknowledgeNoticeRequest(
            request_id=request_id(UUID(notice.patient_id), "acknowledge", notice.notice_id),
            patient_id=notice.patient_id,
            notice_id=notice.notice_id,
        )
        await self._telling.tell("notifications", self._stub.AcknowledgeNotice, request, reader)


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalated:
    """How long it took until the prescriber could see it, and until the next person was told; in seconds."""

    told: Told
    priority: str
    subject: str
    seen_after: float
    escalated_after: float


async def escalate(telling: Telling, patient: UUID) -> Escalated:
    """The client reports; the prescriber finds it and does nothing; the care manager is told and takes it on."""
    loop, inboxes = asyncio.get_running_loop(), Inboxes(telling)
    began = loop.time()
    told = await report(telling, patient, "akathisia", "I cannot sit still, I have been pacing all night", 3)
    seen = await inboxes.notice_of(told.fact_id, PRESCRIBER.caller)
    seen_after = loop.time() - began
    passed_on = await inboxes.notice_of(told.fact_id, CARE_MANAGER.caller)
    escalated_after = loop.time() - began
    await inboxes.acknowledge(passed_on, CARE_MANAGER.caller)
    await _write(telling, patient, told.fact_id)
    return Escalated(
        told=told,
        priority=pb.Priority.Name(seen.priority).removeprefix("PRIORITY_").lower(),
        subject=seen.subject,
        seen_after=seen_after,
        escalated_after=escalated_after,
    )


async def _write(telling: Telling, patient: UUID, about: str) -> None:
    stub = CoordinationServiceStub(telling.services.channel("coordination"))
    request = coordination_pb2.PostMessageRequest(
        request_id=request_id(patient, "message", about),
        patient_id=str(patient),
        recipient=PRESCRIBER.caller.subject,
        about=about,
        text="She called me about the pacing. Could you look at the dose today?",
    )
    await telling.tell("coordination", stub.PostMessage, request, THERAPIST.caller)
