"""Coordination's API behind its guard on a real server, for the console's commands."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from careloop.chassis.calls.auth import TokenVerifier
from careloop.chassis.calls.guard import Guard
from careloop.chassis.calls.server import GrpcServer
from careloop.contracts.policy import POLICY
from careloop.contracts.terms import Role
from services.coordination.grpc_api import CoordinationApi
from services.coordination.reading.frames import JournalFrames
from services.coordination.rebuilding.process import Rebuilds
from tests.coordination.rebuilding import environment_of
from tests.coordination.running import PARTITIONS, Coordination
from tests.coordination.telling import NO_WRITES
from tests.support.services.signing import public_keys, token
from tests.support.stack import PostgresDatabase


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

    async def run(self, *words: str, role: str = "analyst") -> Said:
        bearer = token({"sub": "someone", "role": role}, audience="coordination", issued_at=datetime.now(UTC))
        where = ("--address", f"coordination=127.0.0.1:{self.port}", "--token", bearer)
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
async def served(care: Coordination, postgres: PostgresDatabase) -> AsyncIterator[Console]:
    verifier = TokenVerifier(
        public_keys(), audience="coordination", roles=frozenset(Role), clock=lambda: datetime.now(UTC)
    )
    api = CoordinationApi(
        NO_WRITES,
        care.care_views,
        JournalFrames(care.store.connections),
        Rebuilds(environment_of(postgres)),
        partitions=PARTITIONS,
        clock=lambda: datetime.now(UTC),
        longest_wait_seconds=5,
    )
    guard = Guard(verifier, POLICY, lambda: datetime.now(UTC), max_deadline_seconds=10)
    server = GrpcServer(guard, [api.add_to])
    port = await server.start("127.0.0.1", 0)
    try:
        yield Console(port)
    finally:
        await server.drain(0)
