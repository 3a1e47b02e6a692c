"""Commands that flow while something breaks: each is repeated with its id until it is answered."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import count, cycle
from typing import Any

import grpc

from tests.support.checker.history import Told, told_and_stored
from tests.support.checker.ledger import (
    Lost,
    callers,
    causes_with_two_notices,
    everything_arrived,
    nothing,
    times_stored,
)
from tests.support.histories.care import SERTRALINE, Care
from tests.support.processes.running import System, assessment, coordination, monitoring, new_id
from tests.support.waiting import until

Refused = Counter[grpc.StatusCode]
AGO = count(1)
APART = timedelta(minutes=6)
"""Doses nearer to each other than five minutes are asked about, and not stored."""


def dose() -> monitoring.RecordDoseRequest:
    """Of a patient of whom nothing is known yet, which monitoring takes: the enrolment may still be on its way. Each is
    of a time of its own."""
    request = monitoring.RecordDoseRequest(
        request_id=new_id(), medicine=SERTRALINE, status=monitoring.DOSE_STATUS_TAKEN, patient_id=new_id()
    )
    request.occurred_at.FromDatetime(datetime.now(UTC) - next(AGO) * APART)
    return request


def skipped(reason: str) -> monitoring.RecordDoseRequest:
    """A dose with a text of its own, by which a proxy knows it."""
    request = dose()
    request.status, request.reason = monitoring.DOSE_STATUS_SKIPPED, reason
    return request


def scale() -> monitoring.AnswerScaleRequest:
    return monitoring.AnswerScaleRequest(request_id=new_id(), instrument="phq-9", items=[1] * 8 + [0])


def intake_scale() -> assessment.AnswerScaleRequest:
    return assessment.AnswerScaleRequest(request_id=new_id(), instrument="gad-7", items=[1] * 7, source="clinician")


KINDS = (("monitoring", dose), ("monitoring", scale), ("assessment", intake_scale))


class Flow:
    """One client per entry of `cares`, each with one command under way; what was acknowledged, and each refusal."""

    def __init__(self, system: System, cares: Sequence[Care], pause: float = 0) -> None:
        self.system = system
        self.cares = cares
        self.acknowledged: list[str] = []
        self.refused: Refused = Counter()
        self.history: list[Told] = []
        self._pause = pause
        self._stopping = asyncio.Event()

    async def client(self, care: Care) -> None:
        """Until the flow is stopped."""
        for service, kind in cycle(KINDS):
            if self._stopping.is_set():
                break
            await self.tell(care, service, kind())
            await self._rest(self._pause)

    async def tell(self, care: Care, service: str, request: Any) -> None:
        """One command about this patient, until it is acknowledged."""
        request.patient_id = care.patient_id
        answer = await self._insist(care, service, request)
        self.acknowledged.append(request.request_id)
        care.tokens[service] = answer.receipt.token

    async def _insist(self, care: Care, service: str, request: Any) -> Any:
        while True:
            try:
                answer = await care.prescriber.call(service, request)
            except grpc.aio.AioRpcError as refusal:
                self.refused[refusal.code()] += 1
                self._note(care, service, request, refusal.code().name)
            else:
                self._note(care, service, request, "OK", answer.receipt.token)
                return answer
            with suppress(TimeoutError):
                await asyncio.wait_for(self.system.channels[service].channel_ready(), timeout=1)
            await self._rest(0.05)

    def _note(self, care: Care, service: str, request: Any, status: str, token: str = "") -> None:
        self.history.append(
            Told(
                who=care.prescriber.subject,
                service=service,
                command=request.request_id,
                patient=request.patient_id,
                operation=type(request).__name__.removesuffix("Request"),
                status=status,
                token=token,
            )
        )

    async def _rest(self, seconds: float) -> None:
        """What a client does between two commands."""
        await asyncio.sleep(seconds)

    async def go_on(self, commands: int, within: float = 60) -> None:
        """Return when so many more commands were acknowledged."""
        wanted = len(self.acknowledged) + commands
        await until(lambda: len(self.acknowledged) >= wanted, within)

    def stop(self) -> None:
        self._stopping.set()

    async def check(self, lost: Lost = nothing) -> None:
        """Nothing acknowledged is lost, nothing is done twice, everything arrives, views are folds, answers agree."""
        assert await times_stored(self.system, self.acknowledged) == dict.fromkeys(self.acknowledged, 1)
        recorded = await callers(self.system, {told.command for told in self.history})
        assert [wrong for check in told_and_stored(self.history, recorded) for wrong in check.wrong] == []
        await until(lambda: everything_arrived(self.system, lost), seconds=60)
        assert not await causes_with_two_notices(self.system)
        for care in self.cares:
            await check_view_is_fold(care)


async def check_view_is_fold(care: Care) -> None:
    """The view as it is kept is, byte for byte, what a fold of the journal makes of this patient."""
    shown = await care.view()
    folded = await care.care_manager.surely(
        "coordination",
        coordination.GetCareViewAsKnownRequest(patient_id=care.patient_id, known_at=shown.stamp.known_at),
    )
    assert folded.view.SerializeToString(deterministic=True) == shown.view.SerializeToString(deterministic=True)


@asynccontextmanager
async def flowing(system: System, cares: Sequence[Care], pause: float = 0.01) -> AsyncIterator[Flow]:
    """The flow while the block runs; it ends when every command under way was answered."""
    flow = Flow(system, cares, pause)
    async with asyncio.TaskGroup() as group:
        for care in cares:
            group.create_task(flow.client(care))
        await flow.go_on(10)
        try:
            yield flow
        finally:
            flow.stop()


async def enrolled(system: System, number: int = 4) -> list[Care]:
    cares = [Care(system) for _ in range(number)]
    for care in cares:
        await care.enrol()
    return cares
