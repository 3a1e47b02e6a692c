"""`careloop check` on what a service answers: one planted fault each."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from care.operations.v1 import operations_pb2 as wire
from google.protobuf.timestamp_pb2 import Timestamp

from careloop.cli.checking.findings import Finding, Level, Topic, as_json, exit_code
from careloop.cli.checking.services import Asked, judge, judge_versions

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ABOUT = Topic("services", "coordination")


def at(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def consumer(**fields: Any) -> wire.ConsumerProgress:
    usual: dict[str, Any] = {"consumer": "care-view", "source": "monitoring", "lag_seconds": 0.5}
    return wire.ConsumerProgress(**usual | fields)


def found(*, ready: bool = True, took: float = 0.1, **fields: Any) -> list[Finding]:
    usual: dict[str, Any] = {
        "service": "coordination",
        "broker": wire.BROKER_STATE_CONNECTED,
        "consumers": [consumer()],
        "version": "0.1.0",
        "now": at(NOON),
    }
    status = wire.GetStatusResponse(**usual | fields)
    asked = Asked(status=status, ready=ready, sent_at=NOON, came_at=NOON + timedelta(seconds=took))
    return list(judge(ABOUT, asked, max_lag=10))


def wrong(findings: list[Finding]) -> list[str]:
    return [one.check for one in findings if one.level is Level.FAILURE]


def test_a_healthy_service_has_nothing_wrong() -> None:
    assert exit_code(found()) == 0


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ({"ready": False}, "service-ready"),
        ({"broker": wire.BROKER_STATE_AWAY}, "service-broker"),
        ({"relay_lag_seconds": 10.1}, "relay"),
        ({"consumers": [consumer(), consumer(partition=1, lag_seconds=10.1)]}, "consumer"),
        ({"parked": 1}, "parked"),
        ({"overdue_seconds": 121}, "overdue"),
        ({"now": at(NOON - timedelta(seconds=1.1))}, "service-clock"),
        ({"now": at(NOON + timedelta(seconds=1.2))}, "service-clock"),
    ],
)
def test_each_fault_is_named_alone_with_a_fix(fault: dict[str, Any], check: str) -> None:
    findings = found(**fault)
    assert wrong(findings) == [check]
    assert all(one.fix for one in findings if one.level is not Level.OK)
    assert exit_code(findings) == 1


@pytest.mark.parametrize("fine", [{"relay_lag_seconds": 10}, {"overdue_seconds": 120}, {"due_now": 3}])
def test_what_is_within_its_bound_is_well(fine: dict[str, Any]) -> None:
    assert exit_code(found(**fine)) == 0


def test_a_source_of_which_nothing_is_known_is_a_failure_however_fresh_another_partition_is() -> None:
    unknown = wire.ConsumerProgress(consumer="care-view", source="monitoring", partition=1)
    assert wrong(found(consumers=[consumer(), unknown])) == ["consumer"]
    assert wrong(found(consumers=[unknown, consumer()])) == ["consumer"]


def test_a_slow_answer_is_no_skew() -> None:
    assert wrong(found(took=5, now=at(NOON + timedelta(seconds=3)))) == []


def test_a_service_of_an_older_release_leaves_its_clock_unknown() -> None:
    findings = found(now=None)
    assert [one.check for one in findings if one.level is Level.UNKNOWN] == ["service-clock"]
    assert exit_code(findings) == 3


@pytest.mark.parametrize(
    ("versions", "level"),
    [
        (("0.1.0", "0.1.7"), Level.OK),
        (("0.1.0", "0.2.0"), Level.WARNING),
        (("0.1.0", "0.3.0"), Level.FAILURE),
        (("0.9.0", "1.0.0"), Level.FAILURE),
    ],
)
def test_services_are_at_most_one_release_apart(versions: tuple[str, str], level: Level) -> None:
    (one,) = judge_versions(dict(zip(("assessment", "monitoring"), versions, strict=True)))
    assert one.level is level


def test_a_service_that_does_not_say_its_release_is_unknown() -> None:
    levels = [one.level for one in judge_versions({"assessment": "0.1.0", "monitoring": ""})]
    assert levels == [Level.UNKNOWN, Level.OK]


def test_the_json_form_is_stable() -> None:
    (broken,) = [one for one in found(parked=2) if one.level is Level.FAILURE]
    assert as_json([broken]) == {
        "form": 1,
        "counts": {"ok": 0, "unknown": 0, "warning": 0, "failure": 1},
        "findings": [
            {
                "group": "services",
                "check": "parked",
                "about": "coordination",
                "level": "failure",
                "sentence": "2 patient(s) wait: their records do not reach the care team",
                "fix": "`careloop parked list` says why; then `careloop parked retry`; "
                "see docs/runbooks/CareloopPatientParked.md",
            }
        ],
    }
