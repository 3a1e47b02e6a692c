"""Prescribing's API behind its guard on a real server, for the console's commands."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

from careloop.chassis.calls.auth import TokenVerifier
from careloop.chassis.calls.guard import Guard
from careloop.chassis.calls.server import GrpcServer
from careloop.chassis.commands.streams import Streams
from careloop.chassis.commands.writes import Writes
from careloop.chassis.events.codec import Codec
from careloop.chassis.events.consistency_token import ConsistencyToken
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.protocol import EventStore, Unit
from careloop.contracts.policy import POLICY
from careloop.contracts.terms import Role
from careloop.kernel.events import CommandKind, Request
from careloop.kernel.ids import PatientId, PersonId
from services.prescribing.application import Prescribing
from services.prescribing.domain.decisions import DECISIONS
from services.prescribing.domain.events import TOPICS, Event
from services.prescribing.domain.screening import Freshness
from services.prescribing.domain.state import DECIDER, PrescriptionChart
from services.prescribing.grpc_api import PrescribingApi
from services.prescribing.replay import PastDecisions
from services.prescribing.standing_checks import StandingChecks
from tests.support.controls import prescribing as p
from tests.support.controls.moments import NOON
from tests.support.services.signing import public_keys, token

PARTITIONS = 6
BOTH_FRESH = replace(p.FRESH, positions=(p.POSITION, replace(p.POSITION, source="monitoring")))


class AlwaysFresh:
    async def freshness(
        self, _patient_id: PatientId, _at_least: Sequence[ConsistencyToken], _now: datetime
    ) -> Freshness:
        return BOTH_FRESH


@dataclass
class Log:
    """Prescribing's log, in memory unless another store is given, and what is read from it."""

    store: EventStore = field(default_factory=MemoryEventStore)

    def __post_init__(self) -> None:
        codec: Codec[Event] = Codec(TOPICS)
        self.streams: Streams[PrescriptionChart, Event] = Streams(
            "prescribing", self.store, codec, DECIDER, published=frozenset()
        )
        self.decisions = PastDecisions(self.store, codec)

    async def tell(self, patient: UUID, events: Iterable[Event]) -> None:
        """Store these, one command each."""
        for event in events:
            request = Request(
                kind=CommandKind.CALLER,
                request_id=str(uuid4()),
                actor=PersonId("test"),
                digest=b"",
                correlation_id=uuid4(),
                now=NOON,
            )
            write = self.streams.write(patient, request, [event], None)
            await self.store.commit(Unit(writes=(write,)))


def served_api(log: Log) -> PrescribingApi:
    writes = Writes(log.streams, DECISIONS)
    checks = StandingChecks(log.streams)
    return PrescribingApi(writes, Prescribing(writes, AlwaysFresh()), log.decisions, checks, PARTITIONS)


@dataclass(frozen=True)
class Said:
    """What a command came to."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Console:
    """Runs `careloop` as a process of its own against the served API."""

    port: int

    async def run(self, *words: str, role: str) -> Said:
        bearer = token({"sub": "someone", "role": role}, audience="prescribing", issued_at=datetime.now(UTC))
        where = ("--address", f"prescribing=127.0.0.1:{self.port}", "--token", bearer)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "careloop.cli.main", *words, *where),
            stdout=PIPE,
            stderr=PIPE,
            env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
        )
        out, err = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode is not None
        return Said(process.returncode, out.decode(), err.decode())


@asynccontextmanager
async def served(log: Log) -> AsyncIterator[Console]:
    verifier = TokenVerifier(
        public_keys(), audience="prescribing", roles=frozenset(Role), clock=lambda: datetime.now(UTC)
    )
    guard = Guard(verifier, POLICY, lambda: datetime.now(UTC), max_deadline_seconds=10)
    server = GrpcServer(guard, [served_api(log).add_to])
    port = await server.start("127.0.0.1", 0)
    try:
        yield Console(port)
    finally:
        await server.drain(0)
