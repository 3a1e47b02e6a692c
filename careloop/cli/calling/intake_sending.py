"""Sending the mapped facts: patients side by side, each patient's in order, the chart of each looked for first.

A lost answer is asked for again with the same request id, so nothing is recorded twice.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeAlias

import grpc
from care.assessment.v1 import assessment_pb2 as pb
from care.assessment.v1.assessment_pb2_grpc import AssessmentServiceStub

from careloop.chassis.backoff import Backoff
from careloop.cli.calling.client import Caller, CallRefused, Services
from careloop.contracts.terms import Role
from careloop.intake.charts import SOURCE, AssessmentRequest
from careloop.intake.facts import PatientFacts
from careloop.intake.tally import Attention
from careloop.kernel.ids import PatientId

AT_ONCE = 8
DEADLINE_SECONDS = 8.0
INTAKE = Caller(role=Role.REGISTRAR, subject="careloop-intake")
ATTEMPTS = 6
PAUSES = Backoff(first=0.1, longest=2.0, least=0.5)
AGAIN = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    }
)
ALREADY_THERE = "fact-exists"
"""The id is a digest of the content: another caller has brought in the very same."""
ANOTHER_PERSON = "chart-of-another-person"
TWO_CHARTS = "has-two-charts"
REFUSED = "refused"
MAY_HOLD_ANOTHERS = "chart-may-hold-facts-of-another-person"
Request: TypeAlias = AssessmentRequest | pb.GetAssessmentRequest

NEEDS_CONFIRMATION = "needs_confirmation"
"""A list that would drop what the clinic has on record meanwhile is left to the clinic."""


class NoAnswer(Exception):
    """The service could not be reached in all attempts."""


class NotSent(Exception):
    """Nothing of this patient may be sent: a person must look at it first."""


@dataclass
class SendingOutcome:
    """What became of the requests; `refused` by (RPC, reason). `attention` is what a person must look at."""

    recorded: int = 0
    already_there: int = 0
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    not_sent: int = 0
    attention: list[Attention] = field(default_factory=list)

    @property
    def sent(self) -> int:
        return self.recorded + self.already_there + sum(self.refused.values())


@dataclass(frozen=True, slots=True)
class Chart:
    """The chart that a patient's facts go to, and what it says is missing of this source's lists."""

    patient: PatientId
    gaps: dict[str, int] = field(default_factory=dict)


def rpc_of(request: Request) -> str:
    return type(request).__name__.removesuffix("Request")


class IntakeSender:
    """Sends in one caller's name. After a request that got no answer nothing more is sent."""

    def __init__(self, services: Services, caller: Caller = INTAKE) -> None:
        self.outcome = SendingOutcome()
        self._services = services
        self._caller = caller
        self._stub = AssessmentServiceStub(services.channel("assessment"))
        self._answers = True

    async def send(self, facts: PatientFacts) -> None:
        """All of a patient, or nothing beyond the enrolment where that was refused."""
        if not self._answers:
            self.outcome.not_sent += len(facts.requests)
            return
        try:
            chart = await self._chart_of(facts)
        except NotSent:
            self.outcome.not_sent += len(facts.requests)
            return
        except NoAnswer:
            self._answers = False
            self.outcome.not_sent += len(facts.requests)
            return
        enrolment, *rest = facts.chart.requests(chart.patient, facts.now, chart.gaps)
        if not await self._is_taken(enrolment):
            if self._answers:
                self._tell(facts, REFUSED, chart.patient, rpc_of(enrolment))
            self.outcome.not_sent += len(rest)
            return
        for request in rest:
            if not await self._is_taken(request) and self._answers:
                self._tell(facts, REFUSED, chart.patient, rpc_of(request))

    def leave_out(self, facts: PatientFacts) -> None:
        """Nothing is sent of one whose id is another person's too."""
        self._tell(facts, ANOTHER_PERSON)
        self.outcome.not_sent += len(facts.requests)

    async def _chart_of(self, facts: PatientFacts) -> Chart:
        """The chart that the patient has already, by any id of theirs or that of earlier builds; else a new one.

        Raises NotSent where an id of the patient's own is another person's, NoAnswer.
        """
        own = facts.chart.own_ids
        found: list[Chart] = []
        for patient in dict.fromkeys((*facts.chart.earlier_ids, *own)):
            known = await self._known(patient)
            if known is None or not known.enrolled:
                continue
            if facts.chart.person.agrees(known.name, date.fromisoformat(known.birth_date)):
                found.append(
                    Chart(patient, {gap.list: gap.left_out for gap in known.list_gaps if gap.source == SOURCE})
                )
            elif patient in own:
                self._tell(facts, ANOTHER_PERSON, patient)
                raise NotSent
        if len(found) > 1:
            self._tell(facts, TWO_CHARTS, found[1].patient)
        for earlier in sorted(facts.chart.shared_ids):
            if await self._is_enrolled(earlier):
                self._tell(facts, MAY_HOLD_ANOTHERS, earlier)
        return found[0] if found else Chart(own[0])

    async def _is_enrolled(self, patient: PatientId) -> bool:
        known = await self._known(patient)
        return known is not None and known.enrolled

    async def _known(self, patient: PatientId) -> pb.GetAssessmentResponse | None:
        """What is known of that patient; None for nobody. Raises NotSent for a refusal, NoAnswer."""
        try:
            answer: pb.GetAssessmentResponse = await self._answered(pb.GetAssessmentRequest(patient_id=str(patient)))
        except CallRefused as refusal:
            if refusal.code is grpc.StatusCode.NOT_FOUND:
                return None
            self.outcome.refused["GetAssessment", _reason(refusal)] += 1
            raise NotSent from None
        return answer

    def _tell(self, facts: PatientFacts, reason: str, patient: PatientId | None = None, about: str = "Patient") -> None:
        """`about` is the patient, or the request that was refused."""
        origin, whose = facts.chart.origin, patient or facts.patient
        self.outcome.attention.append(Attention(resource=about, reason=reason, origin=origin, patient=whose))

    async def _is_taken(self, request: AssessmentRequest) -> bool:
        """Whether it is recorded, now or before."""
        if not self._answers:
            self.outcome.not_sent += 1
            return False
        try:
            answer = await self._answered(request)
        except NoAnswer:
            self._answers = False
            self.outcome.not_sent += 1
            return False
        except CallRefused as refusal:
            return self._count_refusal(request, _reason(refusal))
        if getattr(answer, NEEDS_CONFIRMATION, False):
            return self._count_refusal(request, NEEDS_CONFIRMATION.replace("_", "-"))
        if answer.receipt.repeated:
            self.outcome.already_there += 1
        else:
            self.outcome.recorded += 1
        return True

    def _count_refusal(self, request: AssessmentRequest, reason: str) -> bool:
        if reason == ALREADY_THERE:
            self.outcome.already_there += 1
            return True
        self.outcome.refused[rpc_of(request), reason] += 1
        return False

    async def _answered(self, request: Request) -> Any:
        """The first answer, however often it has to be asked for. Raises CallRefused, NoAnswer."""
        method = getattr(self._stub, rpc_of(request))
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._services.ask("assessment", method, request, self._caller)
            except CallRefused as refusal:
                if refusal.code not in AGAIN:
                    raise
                await asyncio.sleep(PAUSES.pause(attempt))
        raise NoAnswer


def _reason(refusal: CallRefused) -> str:
    return refusal.reason or refusal.code.name.lower().replace("_", "-")


@asynccontextmanager
async def sending(sender: IntakeSender) -> AsyncIterator[Callable[[PatientFacts], Any]]:
    """Hand patients over as they are read; at the end of the block all of them were sent."""
    waiting: asyncio.Queue[PatientFacts | None] = asyncio.Queue(maxsize=AT_ONCE)

    async def work() -> None:
        while (facts := await waiting.get()) is not None:
            await sender.send(facts)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(work())
        yield waiting.put
        for _ in range(AT_ONCE):
            await waiting.put(None)
