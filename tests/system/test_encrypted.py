"""Two services as real processes, with PostgreSQL, Kafka and each other over TLS only, while secrets are renewed."""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import grpc.aio
import psycopg
import pytest
import trustme
from aiokafka.errors import KafkaError
from care.assessment.v1 import assessment_pb2 as assessment
from care.assessment.v1.assessment_pb2_grpc import AssessmentServiceStub
from care.operations.v1 import operations_pb2 as operations
from care.operations.v1.operations_pb2_grpc import OperationsServiceStub
from grpc_health.v1 import health_pb2, health_pb2_grpc

from careloop.chassis.calls.token_signing import new_key, public_key_set, sign_token
from careloop.chassis.log.connections import Connections, Timeouts
from careloop.chassis.relay.broker_access import BrokerAccess
from careloop.chassis.relay.heads import HEADS_TOPIC
from careloop.chassis.relay.producer import Producer
from careloop.kernel.errors import Unavailable
from careloop.local.processes import Child
from careloop.local.schemas import prepare
from careloop.local.settings import SERVICES
from careloop.local.topics import create_topics, read_list
from tests.support.certificates import Files
from tests.support.encrypted_servers import PASSWORD, USER, EncryptedServers, encrypted_servers
from tests.support.processes.running import new_id
from tests.support.stack import run
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
ISSUER = "issuer-one"
CALLERS, CALLS_OF_A_CONNECTION, PAUSE_SECONDS = 4, 10, 0.02
TIME_TO_BE_READ = 400
"""Calls that take longer than the 2 s after which a changed file is read."""
_CUT = "select pg_terminate_backend(pid) from pg_stat_activity where usename = any($1)"


@pytest.fixture(scope="module")
def servers() -> Iterator[EncryptedServers]:
    with encrypted_servers() as started:
        run(_prepared(started))
        yield started


async def _prepared(started: EncryptedServers) -> None:
    await prepare(started.admin_url, password=PASSWORD)
    await create_topics(BrokerAccess(f"127.0.0.1:{started.plain_port}"), read_list(), partitions=2, replicas=1)


def replace_file(file: Path, content: str) -> None:
    """As a cluster does it: nobody reads half of it."""
    new = file.with_name(f"{file.name}.new")
    new.write_text(content)
    new.replace(file)


@dataclass
class Encrypted:
    """What two services are given, and what a caller of theirs has."""

    servers: EncryptedServers
    folder: Path
    mechanism: str = "SCRAM-SHA-512"
    names: tuple[str, ...] = ("assessment", "monitoring")
    children: dict[str, Child] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.postgres_password, self.kafka_password = self.folder / "postgres", self.folder / "kafka"
        self.postgres_password.write_text(PASSWORD + "\n")
        self.kafka_password.write_text(PASSWORD)
        self.caller = Files(self.folder / "caller").hold(self.servers.authority, "caller")
        self.of = {name: Files(self.folder / name).hold(self.servers.authority) for name in self.names}
        self.ports = {name: self.servers.ports.take(f"{name}-grpc") for name in self.names}
        self.keys = {name: new_key(f"service:{name}") for name in self.names}
        self.issuer = new_key(ISSUER)
        self.believe(self.issuer)
        self.hand_out_keys()

    def believe(self, *issuers: dict[str, Any]) -> None:
        """Tokens of these keys, and of the services' own, are believed from now on."""
        replace_file(self.folder / "public.json", json.dumps(public_key_set([*issuers, *self.keys.values()])))

    def hand_out_keys(self) -> None:
        """Each service signs with its own from now on."""
        for name, key in self.keys.items():
            replace_file(self.folder / f"{name}.json", json.dumps(key))

    def environment(self, name: str) -> dict[str, str]:
        files = self.of[name]
        own = {
            "SERVICE": name,
            "POSTGRES_DSN": self.servers.dsn(name),
            "POSTGRES_PASSWORD_FILE": self.postgres_password,
            "KAFKA_BOOTSTRAP": f"127.0.0.1:{self.servers.passwords_port}",
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_MECHANISM": self.mechanism,
            "KAFKA_SASL_USERNAME": USER,
            "KAFKA_SASL_PASSWORD_FILE": self.kafka_password,
            "KAFKA_CA_FILE": self.servers.files.authority,
            "GRPC_CERT_FILE": files.certificate,
            "GRPC_KEY_FILE": files.key,
            "GRPC_CA_FILE": files.authority,
            "GRPC_MUTUAL_TLS": "true",
            "GRPC_PORT": self.ports[name],
            "GRPC_MAX_CONNECTION_AGE_SECONDS": "1",
            "HTTP_PORT": "0",
            "PARTITIONS": "2",
            "TOKEN_KEYS_FILE": self.folder / "public.json",
            "SERVICE_KEY_FILE": self.folder / f"{name}.json",
            "PEERS": json.dumps({peer: f"127.0.0.1:{self.ports[peer]}" for peer in self.names}),
        }
        return {**os.environ, **{f"CARELOOP_{variable}": str(value) for variable, value in own.items()}}

    def start(self, name: str) -> None:
        command = [sys.executable, "-m", f"services.{name}"]
        log = self.folder / f"{name}.log"
        self.children[name] = Child(name, command, output=log, env=self.environment(name), cwd=str(ROOT))

    def channel(self, name: str) -> grpc.aio.Channel:
        files = self.caller
        credentials = grpc.ssl_channel_credentials(
            files.authority.read_bytes(), files.key.read_bytes(), files.certificate.read_bytes()
        )
        return grpc.aio.secure_channel(f"127.0.0.1:{self.ports[name]}", credentials)

    def metadata(self, role: str) -> list[tuple[str, str]]:
        claims = {"iss": ISSUER, "sub": "somebody", "role": role}
        return [("authorization", f"Bearer {sign_token(self.issuer, claims, list(SERVICES), datetime.now(UTC), 300)}")]

    async def stop(self) -> None:
        await asyncio.gather(*(child.stop(signal.SIGTERM, grace=30) for child in self.children.values()))

    async def ready(self, name: str) -> bool:
        async with self.channel(name) as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            try:
                answer = await stub.Check(health_pb2.HealthCheckRequest(service="readiness"), timeout=2)
            except grpc.aio.AioRpcError:
                return False
            return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    async def enroll(self, channel: grpc.aio.Channel | None = None) -> None:
        """A patient is enrolled, through that connection or one of its own."""
        if channel is None:
            async with self.channel("assessment") as own:
                await self.enroll(own)
            return
        request = assessment.EnrollPatientRequest(
            request_id=new_id(), patient_id=new_id(), name="Robin Example", birth_date="1990-05-01", sex="unknown"
        )
        stub: Any = AssessmentServiceStub(channel)
        await stub.EnrollPatient(request, timeout=8, metadata=self.metadata("psychiatrist"))

    async def noted(self) -> int:
        """How far monitoring is with what assessment published, over all partitions."""
        async with self.channel("monitoring") as channel:
            stub: Any = OperationsServiceStub(channel)
            answer = await stub.GetStatus(operations.GetStatusRequest(), timeout=8, metadata=self.metadata("operator"))
        return sum(one.consumed_position for one in answer.consumers if one.source == "assessment")


@pytest.fixture
async def running(
    request: pytest.FixtureRequest, servers: EncryptedServers, tmp_path: Path
) -> AsyncIterator[Encrypted]:
    system = Encrypted(servers, tmp_path, getattr(request, "param", "SCRAM-SHA-512"))
    async with _administrator(servers) as admin:
        for name in system.names:
            await admin.execute(f"alter role {name} password '{PASSWORD}'")
    try:
        for name in system.names:
            system.start(name)
        for name in system.names:
            await until(partial(system.ready, name), 60)
        yield system
    finally:
        await system.stop()


@pytest.mark.faults
@pytest.mark.timeout(300)
async def test_a_steady_load_fails_no_call_while_every_key_certificate_and_password_is_renewed(
    running: Encrypted, servers: EncryptedServers, capsys: pytest.CaptureFixture[str]
) -> None:
    await running.enroll()
    await until(lambda: _moved(running, 0), 60)
    before = await running.noted()
    async with Load(running).steady() as load:
        await load.go_on(40)
        for renew in (_tokens, _certificates, _service_keys, _database_passwords):
            await renew(running, servers, load)
            await load.go_on(40)
    assert load.refused == Counter()
    with capsys.disabled():
        sys.stdout.write(f"\ncalls answered while all was renewed: {load.answered}, refused: 0\n")
    await until(lambda: _moved(running, before), 60)


async def _tokens(running: Encrypted, _servers: EncryptedServers, load: "Load") -> None:
    """The new issuer's key beside the old one, then tokens by the new one, then the old one goes."""
    old, new = running.issuer, new_key("issuer-two")
    running.believe(old, new)
    await load.go_on(TIME_TO_BE_READ)
    running.issuer = new
    await load.go_on(20)
    running.believe(new)
    await load.go_on(TIME_TO_BE_READ)


async def _certificates(running: Encrypted, servers: EncryptedServers, load: "Load") -> None:
    """Of servers and callers, while connections end each second by age."""
    for files in (*running.of.values(), running.caller):
        files.hold(servers.authority)
    await load.go_on(TIME_TO_BE_READ)


async def _service_keys(running: Encrypted, _servers: EncryptedServers, load: "Load") -> None:
    """The public half is believed before the private one is used."""
    old = dict(running.keys)
    running.keys = {name: new_key(f"service:{name}") for name in running.names}
    running.believe(running.issuer, *old.values())
    await load.go_on(TIME_TO_BE_READ)
    running.hand_out_keys()
    await load.go_on(TIME_TO_BE_READ)


async def _database_passwords(running: Encrypted, servers: EncryptedServers, load: "Load") -> None:
    """Open connections stay; those that are made from now on show the new one."""
    async with _administrator(servers) as admin:
        for name in running.names:
            await admin.execute(f"alter role {name} password 'another-word'")
        running.postgres_password.write_text("another-word")
    await load.go_on(40)


@dataclass
class Load:
    """Callers who enrol one patient after another, each over connections of its own."""

    running: Encrypted
    answered: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    @asynccontextmanager
    async def steady(self) -> AsyncIterator["Load"]:
        stopping = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for _ in range(CALLERS):
                group.create_task(self._call(stopping))
            try:
                yield self
            finally:
                stopping.set()

    async def _call(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            async with self.running.channel("assessment") as channel:
                for _ in range(CALLS_OF_A_CONNECTION):
                    try:
                        await self.running.enroll(channel)
                    except grpc.aio.AioRpcError as refused:
                        self.refused[refused.code().name] += 1
                    else:
                        self.answered += 1
                    await asyncio.sleep(PAUSE_SECONDS)

    async def go_on(self, calls: int) -> None:
        """Return when so many more calls were answered."""
        wanted = self.answered + calls
        await until(lambda: self.answered >= wanted or bool(self.refused), 60)


async def test_facts_flow_and_only_the_new_key_and_password_are_taken_after_a_renewal(
    running: Encrypted, servers: EncryptedServers
) -> None:
    await running.enroll()
    await until(lambda: _moved(running, 0), 60)
    before, new = await running.noted(), new_key("issuer-two")
    running.believe(new)
    await until(lambda: _is_refused(running), 20)
    running.issuer = new
    await running.enroll()
    await _other_password(running, servers)
    await running.enroll()
    await until(lambda: _moved(running, before), 60)


async def _is_refused(running: Encrypted) -> bool:
    try:
        await running.enroll()
    except grpc.aio.AioRpcError as refused:
        return refused.code() is grpc.StatusCode.UNAUTHENTICATED
    return False


async def _moved(running: Encrypted, beyond: int) -> bool:
    """The other service reads the keys again in its own time: until then it refuses the new ones."""
    try:
        return await running.noted() > beyond
    except grpc.aio.AioRpcError as refused:
        if refused.code() is not grpc.StatusCode.UNAUTHENTICATED:
            raise
        return False


async def _other_password(running: Encrypted, servers: EncryptedServers) -> None:
    """Every connection of a service is cut, and only the new password brings it back."""
    running.postgres_password.write_text("another-word")
    async with _administrator(servers) as admin:
        for name in running.names:
            await admin.execute(f"alter role {name} password 'another-word'")
        await admin.execute(_CUT, list(running.names))
    await until(lambda: running.ready("assessment"), 30)


@asynccontextmanager
async def _administrator(servers: EncryptedServers) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(servers.admin_url)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.mark.faults
@pytest.mark.timeout(300)
@pytest.mark.parametrize("running", ["PLAIN"], indirect=True)
async def test_who_is_refused_by_kafka_comes_in_by_the_new_password_without_a_restart(
    running: Encrypted, servers: EncryptedServers
) -> None:
    await running.enroll()
    await until(lambda: _moved(running, 0), 60)
    before = await running.noted()
    await servers.restart_kafka("another-word")
    await running.enroll()
    log = running.folder / "assessment.log"
    await until(lambda: "relay interrupted" in log.read_text(), 60)
    assert await running.noted() == before
    running.kafka_password.write_text("another-word")
    await until(lambda: _moved(running, before), 120)
    assert {child.exit_code for child in running.children.values()} == {None}


async def _connects(dsn: str, password_file: Path) -> bool:
    timeouts = Timeouts()
    async with Connections(dsn, "assessment", timeouts=timeouts, size=2, password_file=password_file) as connections:
        try:
            return bool(await connections.fetchval("select ssl from pg_stat_ssl where pid = pg_backend_pid()"))
        except Unavailable:
            return False


async def test_a_wrong_password_and_a_wrong_authority_are_no_answer_from_the_store(
    servers: EncryptedServers, tmp_path: Path
) -> None:
    word = tmp_path / "word"
    word.write_text(PASSWORD)
    async with _administrator(servers) as admin:
        await admin.execute(f"alter role assessment password '{PASSWORD}'")
    dsn = servers.dsn("assessment")
    assert await _connects(dsn, word)
    unverified = dsn.replace(str(servers.files.authority), str(_of_nobody(tmp_path)))
    assert not await _connects(unverified, word)
    assert not await _connects(dsn.split("?")[0] + "?sslmode=disable", word)
    word.write_text("wrong")
    assert not await _connects(dsn, word)


def _of_nobody(folder: Path) -> Path:
    return Files(folder / "nobody").hold(trustme.CA()).authority


async def _sends(access: BrokerAccess) -> bool:
    try:
        producer = Producer(access, "care.assessment.v1", HEADS_TOPIC, deadline_seconds=5)
        try:
            return await producer.start() == 2
        finally:
            await producer.close()
    except (KafkaError, OSError):
        return False


async def test_a_broker_is_entered_by_password_or_by_certificate(servers: EncryptedServers, tmp_path: Path) -> None:
    word = tmp_path / "word"
    word.write_text(PASSWORD)
    own = Files(tmp_path / "own").hold(servers.authority, "assessment")
    assert await _sends(servers.by_password(word))
    assert await _sends(servers.by_certificate(own))
    word.write_text("wrong")
    assert not await _sends(servers.by_password(word))
    stranger = servers.by_certificate(Files(tmp_path / "stranger").hold(trustme.CA()))
    assert not await _sends(stranger)


def test_the_server_answers_nobody_who_does_not_encrypt(servers: EncryptedServers) -> None:
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        psycopg.connect(servers.admin_url.split("?")[0] + "?sslmode=disable")
