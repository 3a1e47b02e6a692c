"""Sending the mapped requests: patients side by side, each patient's in order.

A lost answer is asked for again with the same request id, so nothing is recorded twice.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from care.assessment.v1.assessment_pb2_grpc import AssessmentServiceStub

from careloop.chassis.backoff import Backoff
from careloop.cli.calling.client import Caller, CallRefused, Services
from careloop.contracts.terms import Role
from careloop.intake.charts import AssessmentRequest
from careloop.intake.mapping import PatientFacts

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

NEEDS_CONFIRMATION = "needs_confirmation"
"""A list that would drop what the clinic has on record meanwhile is left to the clinic."""


class NoAnswer(Exception):
    """The service could not be reached in all attempts."""


@dataclass
class SendingOutcome:
    """What became of the requests; `refused` by (RPC, reason)."""

    recorded: int = 0
    already_there: int = 0
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    not_sent: int = 0

    @property
    def sent(self) -> int:
        return self.recorded + self.already_there + sum(self.refused.values())


def rpc_of(request: AssessmentRequest) -> str:
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
        for request in facts.requests:
            if not self._answers:
                self.outcome.not_sent += 1
                continue
            try:
                await self._send_one(request)
            except NoAnswer:
                self._answers = False
                self.outcome.not_sent += 1

    async def _send_one(self, request: AssessmentRequest) -> None:
        try:
            answer = await self._answered(request)
        except CallRefused as refusal:
            reason = refusal.reason or refusal.code.name.lower().replace("_", "-")
            if reason == ALREADY_THERE:
                self.outcome.already_there += 1
            else:
                self.outcome.refused[rpc_of(request), reason] += 1
            return
        if getattr(answer, NEEDS_CONFIRMATION, False):
            self.outcome.refused[rpc_of(request), NEEDS_CONFIRMATION.replace("_", "-")] += 1
        elif answer.receipt.repeated:
            self.outcome.already_there += 1
        else:
            self.outcome.recorded += 1

    async def _answered(self, request: AssessmentRequest) -> Any:
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
