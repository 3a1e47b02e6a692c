"""`careloop check` against a Kafka with one thing wrong."""

import pytest

from careloop.chassis.relay.broker_access import BrokerAccess
from careloop.cli.checking import kafka as checks
from careloop.cli.checking.findings import Finding, Level
from careloop.cli.checking.kafka import Cluster, FoundTopic, judge_topic
from careloop.local.topics import Topic
from tests.support.stack import KafkaBroker

NEVER = "for all services; never change those of a topic in use"
KEEPS = {"cleanup.policy": "delete", "retention.ms": "-1"}


def wrong(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(one.check, str(one.level), one.fix) for one in findings if one.level is not Level.OK]


async def test_topics_as_they_are_made_have_nothing_wrong(kafka: KafkaBroker) -> None:
    name = await kafka.topic("kept", partitions=3, cleanup_policy="delete", retention_ms="-1")
    wanted = Topic(name=name, partitions=None, config=KEEPS)
    findings = await checks.look(BrokerAccess(kafka.bootstrap), [wanted], 3)
    assert wrong(findings) == []
    checked = {one.check for one in findings}
    assert checked >= {"broker-reachable", "topic-exists", "topic-partitions", "topic-retention"}


async def test_a_topic_with_other_partitions_that_forgets_is_named_twice(kafka: KafkaBroker) -> None:
    name = await kafka.topic("forgets", partitions=2, retention_ms="60000")
    wanted = Topic(name=name, partitions=None, config=KEEPS)
    assert wrong(await checks.look(BrokerAccess(kafka.bootstrap), [wanted], 6)) == [
        ("topic-partitions", "failure", f"set CARELOOP_PARTITIONS=2 {NEVER}"),
        ("topic-retention", "failure", "set retention.ms=-1 on the topic"),
    ]


async def test_a_topic_that_is_missing_is_named(kafka: KafkaBroker) -> None:
    wanted = Topic(name=kafka.unique("nowhere"), partitions=1, config={})
    assert wrong(await checks.look(BrokerAccess(kafka.bootstrap), [wanted], 6)) == [
        ("topic-exists", "failure", "make it with `careloop topics`, or with your operator")
    ]


async def test_a_broker_that_is_away_is_one_finding() -> None:
    (found,) = await checks.look(BrokerAccess("127.0.0.1:1"), [], 6)
    assert (found.check, found.level) == ("broker-reachable", Level.FAILURE)


async def test_a_broker_that_anybody_may_use_from_elsewhere_is_a_failure(kafka: KafkaBroker) -> None:
    here, elsewhere = kafka.bootstrap, kafka.bootstrap.replace("127.0.0.1", "localhost.localdomain")
    cluster = Cluster(brokers=1, topics={}, auto_create=False, guarded=False, permissions=None)
    assert [str(one.level) for one in checks.permitted(BrokerAccess(here), cluster)] == ["ok"]
    (found,) = checks.permitted(BrokerAccess(elsewhere), cluster)
    assert (found.level, "authorizer.class.name" in found.fix) == (Level.FAILURE, True)


def judged(brokers: int, replicas: int, **config: str) -> list[tuple[str, str, str]]:
    settings = {key.replace("_", "."): value for key, value in config.items()}
    found = FoundTopic(partitions=1, replicas=replicas, config=settings)
    cluster = Cluster(brokers=brokers, topics={"t": found}, auto_create=False, guarded=False, permissions=None)
    return wrong(list(judge_topic(Topic(name="t", partitions=1, config={}), cluster, 6)))


@pytest.mark.parametrize(("replicas", "least"), [(3, "2"), (1, "1")])
def test_replicas_that_fit_the_cluster_are_well(replicas: int, least: str) -> None:
    brokers = 3 if replicas == 3 else 1
    assert judged(brokers, replicas, min_insync_replicas=least) == []


def test_a_topic_that_stops_with_one_broker_is_a_failure() -> None:
    assert judged(3, 3, min_insync_replicas="3") == [("topic-replicas", "failure", "set min.insync.replicas below 3")]


@pytest.mark.parametrize(("replicas", "least"), [(1, "1"), (2, "1"), (3, "1")])
def test_a_topic_that_loses_records_with_one_broker_is_a_warning(replicas: int, least: str) -> None:
    assert judged(3, replicas, min_insync_replicas=least) == [
        ("topic-replicas", "warning", "give it 3 replicas and min.insync.replicas=2")
    ]
