"""PostgreSQL and Apache Kafka for one state folder: started when nobody named servers that already run."""

import contextlib
import signal
from types import TracebackType
from typing import Self

from careloop.chassis.relay.broker_access import BrokerAccess
from careloop.local.folders import close_to_others, kept_secret
from careloop.local.kafka_server import KafkaServer
from careloop.local.ports import Ports
from careloop.local.postgres_server import PostgresServer
from careloop.local.processes import Child
from careloop.local.schemas import address, prepare
from careloop.local.settings import DATABASE, StackSettings
from careloop.local.topics import create_topics, read_list


class LocalStack:
    """Both servers, the database with its schemas, and the topics.

    Servers are started from the calling thread and end with it: use it from the main thread.
    """

    def __init__(self, settings: StackSettings, *, trusting: bool = False) -> None:
        """`trusting`: our PostgreSQL asks nobody on this machine for a password, for measurements beside others."""
        self.settings = settings
        self.home = settings.state_folder
        close_to_others(self.home)
        self.ports = Ports(self.home / "ports.json")
        self._asks = settings.postgres_url is None and not trusting
        password = self._secret("postgres.admin") if self._asks else None
        self._postgres = PostgresServer(self.home, self.ports, settings.postgres_port, password=password)
        self._kafka = KafkaServer(
            self.home,
            self.ports,
            jar_cache=settings.download_cache / "jars",
            heap=settings.kafka_heap.split(),
            told_port=settings.kafka_port,
        )

    @property
    def admin_url(self) -> str:
        """The administrator's address."""
        if self.settings.postgres_url is not None:
            return str(self.settings.postgres_url)
        secret = f":{self._secret('postgres.admin')}" if self._asks else ""
        return f"postgresql://postgres{secret}@127.0.0.1:{self._postgres.port}/postgres"

    def postgres_dsn(self, role: str, database: str = DATABASE) -> str:
        """The address by which this role reaches the database."""
        return address(self.admin_url, user=role, database=database, password=self.role_password)

    @property
    def role_password(self) -> str | None:
        """Of the services' roles: the one that is set, or for the server that we start the state folder's own."""
        secret = self.settings.role_password
        if secret is not None:
            return secret.get_secret_value()
        return self._secret("postgres.roles") if self._asks else None

    def _secret(self, name: str) -> str:
        return kept_secret(self.home / "keys" / name)

    @property
    def kafka_address(self) -> str:
        """The broker's bootstrap address."""
        return self.settings.kafka_bootstrap or f"127.0.0.1:{self._kafka.port}"

    @property
    def children(self) -> list[Child]:
        """The server processes that run under us now."""
        return [child for child in (self._postgres.child, self._kafka.child) if child is not None]

    async def start_postgres(self) -> None:
        """Start the server, unless one was named."""
        if self.settings.postgres_url is None:
            await self._postgres.start()

    async def start_kafka(self) -> None:
        """Start the broker, unless one was named."""
        if self.settings.kafka_bootstrap is None:
            await self._kafka.start()

    async def prepare(self) -> None:
        """Bring database, schemas and topics to what this version of Careloop needs."""
        await prepare(self.admin_url, password=self.role_password)
        await create_topics(
            BrokerAccess(self.kafka_address),
            read_list(),
            partitions=self.settings.partitions,
            replicas=self.settings.replicas,
        )

    async def start(self) -> None:
        """Start both and prepare them; on a failure nothing is left running."""
        try:
            await self.start_postgres()
            await self.start_kafka()
            await self.prepare()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop what was started here, the broker first."""
        await self._kafka.stop()
        await self._postgres.stop()

    def kill(self) -> None:
        """End both at once without any notice (SIGKILL), as a power cut of the processes would."""
        for child in self.children:
            with contextlib.suppress(ProcessLookupError):
                child.send(signal.SIGKILL)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
