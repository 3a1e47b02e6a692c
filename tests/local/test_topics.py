"""Topics come from one list, and keep the number of partitions they were made with."""

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from careloop.chassis.relay.broker_access import BrokerAccess
from careloop.local.settings import SERVICES
from careloop.local.topics import PartitionsDiffer, Topic, create_topics, read_list
from tests.support.stack import KafkaBroker


async def partitions_of(kafka: KafkaBroker, name: str) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        (found,) = await admin.describe_topics([name])
    finally:
        await admin.close()
    return len(found["partitions"])


def test_every_service_has_its_topic_and_heads_are_compacted() -> None:
    topics = {topic.name: topic for topic in read_list()}
    assert set(topics) == {*(f"care.{service}.v1" for service in SERVICES), "care.heads.v1"}
    assert topics["care.heads.v1"].config == {"cleanup.policy": "compact"}
    assert topics["care.prescribing.v1"].config == {"cleanup.policy": "delete", "retention.ms": "-1"}


async def test_the_setting_decides_unless_the_list_does(kafka: KafkaBroker) -> None:
    follows = Topic(name=kafka.unique("follows"), partitions=None, config={"cleanup.policy": "delete"})
    fixed = Topic(name=kafka.unique("fixed"), partitions=1, config={"cleanup.policy": "compact"})
    await create_topics(BrokerAccess(kafka.bootstrap), (follows, fixed), partitions=4, replicas=1)
    assert [await partitions_of(kafka, topic.name) for topic in (follows, fixed)] == [4, 1]


async def test_another_number_of_partitions_is_refused(kafka: KafkaBroker) -> None:
    topic = Topic(name=kafka.unique("grown"), partitions=None, config={})
    await create_topics(BrokerAccess(kafka.bootstrap), (topic,), partitions=2, replicas=1)
    await create_topics(BrokerAccess(kafka.bootstrap), (topic,), partitions=2, replicas=1)
    with pytest.raises(PartitionsDiffer, match="has 2 partitions and 3 are wanted"):
        await create_topics(BrokerAccess(kafka.bootstrap), (topic,), partitions=3, replicas=1)
    assert await partitions_of(kafka, topic.name) == 2
