"""Sending the demo's requests: a few at a time, again with the same id when a service was away, each answer noted."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import grpc
import grpc.aio
from google.protobuf.timestamp_pb2 import Timestamp

from careloop.cli.calling.client import Caller, CallRefused, Services, TokenFor
from careloop.kernel.ids import derived_id

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")
Work = Any

AT_ONCE = 24
CALL_SECONDS = 8.0
PATIENCE_SECONDS = 60.0
AGAIN_SECONDS = 0.2
PASSING = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED, grpc.StatusCode.DEADLINE_EXCEEDED})
"""What is documented to be answered by asking again with the same request id."""


class RecordingServices(Services):
    """Records in `acknowledged` the request id of every write that a service answered OK."""

    def __init__(self, addresses: Mapping[str, str], token_for: TokenFor) -> None:
        super().__init__(addresses, token_for, CALL_SECONDS)
        self.acknowledged: dict[str, set[str]] = defaultdict(set)

    async def ask(
        self,
        service: str,
        method: grpc.aio.UnaryUnaryMultiCallable[Asked, Answer],
        request: Asked,
        caller: Caller,
        *,
        deadline: float | None = None,
    ) -> Answer:
        answer = await super().ask(service, method, request, caller, deadline=deadline)
        if said := getattr(request, "request_id", ""):
            self.acknowledged[service].add(said)
        return answer

    @property
    def acknowledged_writes(self) -> int:
        """How many writes were acknowledged."""
        return sum(map(len, self.acknowledged.values()))


class Requests:
    """Writes, a few at a time, each until it is answered."""

    def __init__(self, services: RecordingServices) -> None:
        self.services = services
        self._free = asyncio.Semaphore(AT_ONCE)

    async def send(
        self,
        service: str,
        method: grpc.aio.UnaryUnaryMultiCallable[Asked, Answer],
        request: Asked,
        caller: Caller,
    ) -> Answer:
        """The answer to a write. Raises CallRefused for a refusal, or when the service stays away."""
        give_up_at = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        async with self._free:
            while True:
                try:
                    return await self.services.ask(service, method, request, caller)
                except CallRefused as refusal:
                    if refusal.code not in PASSING or asyncio.get_running_loop().time() > give_up_at:
                        raise
                    await asyncio.sleep(AGAIN_SECONDS)


async def all_of(work: Iterable[Work]) -> list[Any]:
    """Everything at once; the first failure ends the rest."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in work]
    return [task.result() for task in tasks]


def request_id(patient: UUID, *what: object) -> str:
    """The same for the same thing said of a patient."""
    return str(derived_id("demo", patient, *what))


def at(moment: datetime) -> Timestamp:
    """The moment as the wire wants it."""
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
