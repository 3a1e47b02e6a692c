"""An Apache Kafka with permissions: who comes in without a password may do everything, a user what is listed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest

from careloop.chassis.relay.broker_access import BrokerAccess, SecurityProtocol
from careloop.cli.checking.permissions import Kind, Operation
from careloop.local.kafka_server import KafkaServer
from careloop.local.settings import SERVICES
from tests.support.stack import run, start_or_skip, temporary_stack

PASSWORD = "harbour-linen-forty"
_LISTENERS = """
listeners=PLAINTEXT://127.0.0.1:{plain},CONTROLLER://127.0.0.1:{controller},PASSWORDS://127.0.0.1:{passwords}
advertised.listeners=PLAINTEXT://127.0.0.1:{plain},PASSWORDS://127.0.0.1:{passwords}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PASSWORDS:SASL_PLAINTEXT
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.passwords.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""
_RENDERED = Path(__file__).parents[2] / "deploy/charts/careloop/ci/rendered/production.yaml"
_NUMBERS = {"Describe": 8, "DescribeConfigs": 10, **{each.name.title(): int(each) for each in Operation}}
_LITERAL, _PREFIXED, _ALLOW, _ANY = 3, 4, 3, 1

Line = tuple[int, str, int, str, int]
"""Kind, name, pattern, principal and operation of one permission, as Kafka numbers them."""


@dataclass(frozen=True)
class GuardedKafka:
    """`address` is for whoever may do everything, `for_users` for those who have a password."""

    address: str
    for_users: str
    password_file: Path

    def administrator(self) -> BrokerAccess:
        return BrokerAccess(self.address)

    def user(self, name: str) -> BrokerAccess:
        return BrokerAccess(
            self.for_users,
            protocol=SecurityProtocol.SASL_PLAINTEXT,
            username=name,
            password_file=self.password_file,
        )

    async def allow(self, lines: Iterable[Line]) -> None:
        await self._change(
            CreateAclsRequest(kind, name, pattern, principal, "*", operation, _ALLOW)
            for kind, name, pattern, principal, operation in lines
        )

    async def take_back(self, lines: Iterable[Line]) -> None:
        await self._change(
            DeleteAclsRequest(kind, name, pattern, principal, None, operation, _ANY)
            for kind, name, pattern, principal, operation in lines
        )

    async def _change(self, requests: Iterable[Any]) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.address)
        await admin.start()
        try:
            for request in requests:
                await admin._send_request(request)
        finally:
            await admin.close()


@contextmanager
def guarded_kafka() -> Iterator[GuardedKafka]:
    """With a user for each service, as the chart names them; nothing is permitted yet."""
    with temporary_stack() as stack:
        ports = stack.ports
        passwords = ports.take("kafka-passwords")
        listeners = _LISTENERS.format(
            plain=ports.take("kafka"), controller=ports.take("kafka-controller"), passwords=passwords
        )
        broker = KafkaServer(
            stack.home,
            ports,
            jar_cache=stack.settings.download_cache / "jars",
            heap=stack.settings.kafka_heap.split(),
            properties=listeners,
            users={user(service): PASSWORD for service in SERVICES},
        )
        file = stack.home / "kafka.password"
        file.write_text(PASSWORD)
        try:
            start_or_skip(broker.start())
            yield GuardedKafka(f"127.0.0.1:{broker.port}", f"127.0.0.1:{passwords}", file)
        finally:
            run(broker.stop())


def user(service: str) -> str:
    return f"careloop-kafka-{service}"


def principal(service: str) -> str:
    return f"User:{user(service)}"


def of_the_chart() -> Sequence[Line]:
    """What the chart permits each service."""
    documents = yaml.load_all(_RENDERED.read_text(), yaml.CSafeLoader)
    return [line for one in documents if one and one["kind"] == "KafkaUser" for line in _lines(one)]


def _lines(document: Mapping[str, Any]) -> Iterator[Line]:
    of = f"User:{document['metadata']['name']}"
    for acl in document["spec"]["authorization"]["acls"]:
        resource = acl["resource"]
        pattern = _PREFIXED if resource["patternType"] == "prefix" else _LITERAL
        for operation in acl["operations"]:
            yield Kind[resource["type"].upper()], resource["name"], pattern, of, _NUMBERS[operation]
