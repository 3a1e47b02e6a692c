"""`careloop check` of Kafka's permissions: those of the chart are well, and each fault in them is named."""

from collections.abc import Iterator

import pytest

from careloop.chassis.relay.heads import HEADS_TOPIC
from careloop.cli.checking import kafka as checks
from careloop.cli.checking.findings import Finding, Level, exit_code
from careloop.cli.checking.permissions import ANYBODY, Kind, Operation, Permission, judge
from careloop.local.topics import create_topics, read_list, read_sources
from tests.support.guarded_kafka import GuardedKafka, Line, guarded_kafka, of_the_chart, principal, user

PREFIXED = 4


def listed(lines: list[Line]) -> list[Permission]:
    return [
        Permission(kind, name, pattern == PREFIXED, who, operation) for kind, name, pattern, who, operation in lines
    ]


def found(permissions: list[Permission]) -> list[Finding]:
    return [one for one in judge(permissions, read_sources(), "kafka", HEADS_TOPIC) if one.level is not Level.OK]


CHART = listed(list(of_the_chart()))
MONITORING = principal("monitoring")
TOPIC = "care.monitoring.v1"


def test_the_charts_permissions_are_well() -> None:
    assert found(CHART) == []


@pytest.mark.parametrize(
    ("more", "check", "about"),
    [
        (Permission(Kind.TOPIC, TOPIC, False, "User:eve", Operation.WRITE), "topic-writer", TOPIC),
        (Permission(Kind.TOPIC, "care.m", True, "User:eve", Operation.WRITE), "topic-writer", TOPIC),
        (Permission(Kind.TOPIC, TOPIC, False, ANYBODY, Operation.READ), "topic-readers", TOPIC),
        (Permission(Kind.TOPIC, TOPIC, False, "User:eve", Operation.DELETE), "topic-powers", TOPIC),
        (Permission(Kind.TOPIC, TOPIC, False, MONITORING, Operation.ALTER_CONFIGS), "topic-powers", TOPIC),
        (
            Permission(Kind.TOPIC, "care.assessment.v1", False, MONITORING, Operation.READ, allows=False),
            "service-permissions",
            "monitoring",
        ),
    ],
)
def test_what_is_permitted_or_denied_beyond_that_is_named(more: Permission, check: str, about: str) -> None:
    (one,) = found([*CHART, more])
    assert (one.check, one.about) == (check, about)
    assert "kafka-acls" in one.fix


@pytest.mark.parametrize(
    ("kind", "name", "operation", "check", "said"),
    [
        (Kind.TOPIC, TOPIC, Operation.WRITE, "topic-writer", "nobody may write it"),
        (Kind.TOPIC, "care.assessment.v1", Operation.READ, "service-permissions", "--topic care.assessment.v1"),
        (Kind.TOPIC, HEADS_TOPIC, Operation.WRITE, "service-permissions", "--operation Write --topic care.heads.v1"),
        (Kind.GROUP, "monitoring", Operation.READ, "service-permissions", "--group monitoring --resource-pattern"),
    ],
)
def test_what_a_service_lacks_is_named_with_what_gives_it(
    kind: Kind, name: str, operation: Operation, check: str, said: str
) -> None:
    taken = (kind, name, MONITORING, operation)
    left = [one for one in CHART if (one.kind, one.name, one.principal, one.operation) != taken]
    (one,) = found(left)
    assert (one.check, one.level) == (check, Level.FAILURE)
    assert said in one.sentence + one.fix


@pytest.fixture(scope="module")
def guarded() -> Iterator[GuardedKafka]:
    with guarded_kafka() as kafka:
        yield kafka


@pytest.mark.kafka
async def test_a_broker_that_permits_what_the_chart_says_is_well_until_it_permits_less(guarded: GuardedKafka) -> None:
    await create_topics(guarded.administrator(), read_list(), partitions=2, replicas=1)
    await guarded.allow(of_the_chart())
    findings = await checks.look(guarded.administrator(), read_list(), 2)
    assert exit_code(findings) == 0
    assert {"broker-guarded", "topic-writer", "service-permissions"} <= {one.check for one in findings}
    writes = [line for line in of_the_chart() if line[1] == TOPIC and line[4] == Operation.WRITE]
    await guarded.take_back(writes)
    (wrong,) = [one for one in await checks.look(guarded.administrator(), read_list(), 2) if one.level is not Level.OK]
    assert (wrong.check, wrong.about) == ("topic-writer", TOPIC)
    await guarded.allow(writes)


@pytest.mark.kafka
async def test_what_is_not_shown_to_a_services_user_is_unknown_and_not_wrong(guarded: GuardedKafka) -> None:
    await create_topics(guarded.administrator(), read_list(), partitions=2, replicas=1)
    await guarded.allow(of_the_chart())
    findings = await checks.look(guarded.user(user("monitoring")), read_list(), 2)
    unknown = {(one.check, one.about) for one in findings if one.level is not Level.OK}
    assert {one.level for one in findings} == {Level.OK, Level.UNKNOWN}
    assert {check for check, _about in unknown} == {"broker-guarded", "broker-auto-create", "topic-exists"}
    assert ("topic-exists", "care.notifications.v1") in unknown
    assert ("topic-exists", "care.assessment.v1") not in unknown
