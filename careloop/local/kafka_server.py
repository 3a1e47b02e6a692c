"""A real Apache Kafka 4.4 on 127.0.0.1: one node that is broker and controller."""

import asyncio
import base64
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from uuid import uuid4

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from careloop.local.folders import write_private
from careloop.local.jars import fetch
from careloop.local.java import find_java
from careloop.local.ports import Ports, answers
from careloop.local.processes import Child

# The session and election timeouts bring the broker back about 3 s after a kill; the defaults need 12. Records bear the
# time at which they were recorded, which the clock of a local stack may put ahead of the broker's.
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
offsets.topic.segment.bytes=16777216
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
transaction.state.log.segment.bytes=16777216
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
log.message.timestamp.after.max.ms=9223372036854775807
num.network.threads=1
num.io.threads=2
num.replica.fetchers=1
background.threads=2
log.cleaner.dedupe.buffer.size=2097152
log.cleaner.io.buffer.size=131072
log.index.size.max.bytes=1048576
broker.session.timeout.ms=1000
broker.heartbeat.interval.ms=200
controller.quorum.election.timeout.ms=200
controller.quorum.election.backoff.max.ms=200
"""


class KafkaServer:
    """One broker over one log folder in the state folder."""

    def __init__(
        self,
        home: Path,
        ports: Ports,
        *,
        jar_cache: Path,
        heap: list[str],
        told_port: int | None = None,
        properties: str = "",
        users: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`properties` go before ours; `users` are made with the log folder, with their passwords (SCRAM-SHA-512)."""
        self._properties = properties
        self._users = users
        self._home = home
        self._ports = ports
        self._jar_cache = jar_cache
        self._heap = heap
        self._told_port = told_port
        self._child: Child | None = None
        self.port = 0

    @property
    def child(self) -> Child | None:
        return self._child

    async def start(self) -> None:
        """Fetch what is missing, format the log folder when it is new, start, and return when metadata is answered."""
        java = [
            find_java(),
            *self._heap,
            "-XX:+UseSerialGC",
            "-cp",
            ":".join(map(str, await asyncio.to_thread(fetch, self._jar_cache))),
        ]
        properties = self._write_properties()
        if not (self._data / "meta.properties").exists():
            _format(java, properties, self._users)
        log = self._home / "logs" / "kafka.log"
        self._child = Child("kafka", [*java, "kafka.Kafka", str(properties)], output=log)
        await self._await_ready(self._child)

    @property
    def _data(self) -> Path:
        return self._home / "kafka" / "data"

    def _write_properties(self) -> Path:
        self.port = self._ports.take("kafka", self._told_port)
        file = self._home / "kafka" / "server.properties"
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        controller = self._ports.take("kafka-controller")
        content = _PROPERTIES.format(port=self.port, controller=controller, data=self._data) + self._properties
        write_private(file, content)
        return file

    async def _await_ready(self, child: Child) -> None:
        deadline = asyncio.get_running_loop().time() + 60
        while not (answers(self.port) and await _knows_a_broker(f"127.0.0.1:{self.port}")):
            if child.exit_code is not None or asyncio.get_running_loop().time() > deadline:
                raise RuntimeError(f"Apache Kafka did not start:\n{child.last_words()}")
            await asyncio.sleep(0.05)

    async def stop(self) -> None:
        """Stop in good order (about 0.3 s)."""
        if self._child is not None:
            await self._child.stop(signal.SIGTERM, grace=30)
            self._child = None


def _format(java: list[str], properties: Path, users: Mapping[str, str]) -> None:
    credentials = [f"--add-scram=SCRAM-SHA-512=[name={name},password={word}]" for name, word in users.items()]
    cluster = base64.urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
    made = subprocess.run(
        # One in 64 begins with a hyphen, so it must not look like an option of its own.
        [*java, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(properties), *credentials],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise RuntimeError(f"formatting the broker's folder failed:\n{(made.stdout + made.stderr)[-2000:]}")


async def _knows_a_broker(bootstrap: str) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=2000)
    try:
        await admin.start()
        return bool((await admin.describe_cluster())["brokers"])
    except KafkaError:
        return False
    finally:
        await admin.close()
