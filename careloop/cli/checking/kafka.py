"""Kafka: does it answer, and are the topics as the one list says."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError
from aiokafka.protocol.admin import DescribeAclsRequest

from careloop.chassis.relay.broker_access import BrokerAccess
from careloop.chassis.relay.heads import HEADS_TOPIC
from careloop.cli.checking.addresses import is_local
from careloop.cli.checking.findings import Finding, Topic
from careloop.cli.checking.permissions import Permission, judge, permissions
from careloop.local.topics import Topic as WantedTopic
from careloop.local.topics import read_sources

GROUP = "kafka"
SECONDS = 10.0
USUAL_REPLICAS = 3
_ANY = 1
_NO_PERMISSIONS_AT_ALL = 54
"""SECURITY_DISABLED: the broker has no authorizer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTopic:
    """A topic as the broker describes it."""

    partitions: int
    replicas: int
    config: Mapping[str, str] | None
    """None where it is not shown to this user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """What was read of the brokers. `auto_create` and `permissions` are None where they are not shown to this user;
    `guarded` says whether there are permissions at all."""

    brokers: int
    topics: Mapping[str, FoundTopic]
    auto_create: bool | None
    guarded: bool
    permissions: Sequence[Permission] | None


async def look(access: BrokerAccess, wanted: Sequence[WantedTopic], partitions: int) -> list[Finding]:
    """Never raises for what the broker does or does not answer."""
    about = Topic(GROUP, access.bootstrap)
    try:
        async with asyncio.timeout(SECONDS):
            cluster = await _read(access, [topic.name for topic in wanted])
    except (KafkaError, OSError) as away:
        fix = (
            "see that the brokers run, that CARELOOP_KAFKA_BOOTSTRAP names them, and that certificates and password fit"
        )
        return [about.failure("broker-reachable", f"no broker answers: {type(away).__name__}", fix)]
    return [
        about.ok("broker-reachable", f"{cluster.brokers} broker(s) answer"),
        _encrypted(about, access),
        _auto_create(about, cluster),
        *(finding for topic in wanted for finding in judge_topic(topic, cluster, partitions)),
        *permitted(access, cluster),
    ]


def _encrypted(about: Topic, access: BrokerAccess) -> Finding:
    if access.protocol.encrypts or is_here(access):
        return about.ok("kafka-encrypted", "the connection is encrypted, or does not leave this machine")
    fix = "set CARELOOP_KAFKA_SECURITY_PROTOCOL to SSL or SASL_SSL, for the services too"
    return about.warning("kafka-encrypted", "patients' facts go over the network in the clear", fix)


def permitted(access: BrokerAccess, cluster: Cluster) -> Iterator[Finding]:
    """What is to be said of who may do what."""
    about = Topic(GROUP, access.bootstrap)
    if not cluster.guarded:
        if is_here(access):
            yield about.ok("broker-guarded", "no permissions, and the broker does not leave this machine")
        else:
            fix = "set authorizer.class.name on the brokers, and a user with the least permissions for each service"
            yield about.failure("broker-guarded", "whoever reaches a broker reads, writes and deletes every topic", fix)
    elif cluster.permissions is None:
        fix = "ask as a user who may Describe the cluster (CARELOOP_KAFKA_SASL_USERNAME)"
        yield about.unknown("broker-guarded", "this user is not shown who may do what", fix)
    else:
        yield about.ok("broker-guarded", "nobody does what is not allowed")
        yield from judge(cluster.permissions, read_sources(), GROUP, HEADS_TOPIC)


def is_here(access: BrokerAccess) -> bool:
    return all(is_local(place) for place in access.bootstrap.split(","))


def _auto_create(about: Topic, cluster: Cluster) -> Finding:
    if cluster.auto_create is None:
        fix = "ask as a user who may DescribeConfigs of the cluster (CARELOOP_KAFKA_SASL_USERNAME)"
        return about.unknown("broker-auto-create", "this user is not shown the brokers' settings", fix)
    if not cluster.auto_create:
        return about.ok("broker-auto-create", "topics are not made by a client's first use")
    fix = "set auto.create.topics.enable=false: a topic made so has the wrong partitions and forgets"
    return about.warning("broker-auto-create", "a client's first use of a topic makes it", fix)


def judge_topic(wanted: WantedTopic, cluster: Cluster, partitions: int) -> Iterator[Finding]:
    """What is to be said of one topic. `partitions` is the setting, for topics that follow it."""
    about = Topic(GROUP, wanted.name)
    found = cluster.topics.get(wanted.name)
    if found is None and cluster.guarded and cluster.permissions is None:
        fix = f"ask as a user who may Describe {wanted.name} (CARELOOP_KAFKA_SASL_USERNAME)"
        yield about.unknown("topic-exists", "it is missing, or not shown to this user", fix)
        return
    if found is None:
        yield about.failure("topic-exists", "it is missing", "make it with `careloop topics`, or with your operator")
        return
    yield about.ok("topic-exists", "it exists")
    yield _partitions(about, found, wanted.partitions or partitions)
    if found.config is None:
        fix = f"ask as a user who may DescribeConfigs of {wanted.name} (CARELOOP_KAFKA_SASL_USERNAME)"
        yield about.unknown("topic-retention", "this user is not shown its settings", fix)
        return
    yield _kept(about, found.config, wanted)
    yield _replicated(about, found, int(found.config.get("min.insync.replicas", "1")), cluster.brokers)


def _partitions(about: Topic, found: FoundTopic, wanted: int) -> Finding:
    if found.partitions == wanted:
        return about.ok("topic-partitions", f"{found.partitions} partition(s), as set")
    fix = f"set CARELOOP_PARTITIONS={found.partitions} for all services; never change those of a topic in use"
    sentence = f"it has {found.partitions} partitions, and {wanted} are set: relays refuse to send"
    return about.failure("topic-partitions", sentence, fix)


def _kept(about: Topic, config: Mapping[str, str], wanted: WantedTopic) -> Finding:
    wrong = {key: value for key, value in wanted.config.items() if config.get(key) != value}
    if not wrong:
        return about.ok("topic-retention", "it keeps what it must")
    said = ", ".join(f"{key}={config.get(key)}" for key in wrong)
    fix = f"set {', '.join(f'{key}={value}' for key, value in wrong.items())} on the topic"
    return about.failure("topic-retention", f"{said}: records may go before everyone has read them", fix)


def _replicated(about: Topic, found: FoundTopic, least: int, brokers: int) -> Finding:
    if least >= found.replicas > 1:
        fix = f"set min.insync.replicas below {found.replicas}"
        return about.failure("topic-replicas", "publishing stops as soon as one broker is away", fix)
    if brokers >= USUAL_REPLICAS and (found.replicas < USUAL_REPLICAS or least < 2):
        fix = f"give it {USUAL_REPLICAS} replicas and min.insync.replicas=2"
        sentence = f"{found.replicas} replica(s), {least} of them sure: losing a broker may lose records"
        return about.warning("topic-replicas", sentence, fix)
    return about.ok("topic-replicas", f"{found.replicas} replica(s) on {brokers} broker(s)")


async def _read(access: BrokerAccess, names: Sequence[str]) -> Cluster:
    admin = AIOKafkaAdminClient(**access.arguments(), request_timeout_ms=int(SECONDS * 500))
    await admin.start()
    try:
        brokers = (await admin.describe_cluster())["brokers"]
        known = set(await admin.list_topics()) & set(names)
        described = await admin.describe_topics(sorted(known)) if known else []
        configs = await _configs(admin, ConfigResourceType.TOPIC, sorted(known))
        of_brokers = await _configs(admin, ConfigResourceType.BROKER, [str(_id(brokers[0]))]) if brokers else {}
        listed = await admin._send_request(DescribeAclsRequest(_ANY, None, _ANY, None, None, _ANY, _ANY))
        shown = [config.get("auto.create.topics.enable") == "true" for config in of_brokers.values()]
        return Cluster(
            brokers=len(brokers),
            topics={one["topic"]: _found(one, configs.get(one["topic"])) for one in described},
            auto_create=any(shown) if shown else None,
            guarded=listed.error_code != _NO_PERMISSIONS_AT_ALL,
            permissions=permissions(listed.resources) if listed.error_code == 0 else None,
        )
    finally:
        await admin.close()


def _id(broker: Any) -> int:
    return int(broker["node_id"])


def _found(described: Any, config: Mapping[str, str] | None) -> FoundTopic:
    partitions = described["partitions"]
    return FoundTopic(
        partitions=len(partitions),
        replicas=min((len(one["replicas"]) for one in partitions), default=0),
        config=config,
    )


async def _configs(
    admin: AIOKafkaAdminClient, kind: ConfigResourceType, names: Sequence[str]
) -> dict[str, dict[str, str]]:
    """Those that are shown to this user."""
    if not names:
        return {}
    answers = await admin.describe_configs([ConfigResource(kind, name) for name in names])
    found: dict[str, dict[str, str]] = {}
    for answer in answers:
        for code, _message, _kind, name, entries in answer.resources:
            if code == 0:
                found[name] = {entry[0]: entry[1] for entry in entries}
    return found
