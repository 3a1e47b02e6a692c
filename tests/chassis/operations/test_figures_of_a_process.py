"""The figures that alerts rest on: each is there, moves with what it measures, and bears no patient's data."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from careloop.chassis.log.connections import PoolUse
from careloop.chassis.operations.build import VERSION
from careloop.chassis.operations.metrics import Metrics
from careloop.chassis.operations.ports import ServiceStatus

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STATUS = ServiceStatus(
    service="notifications",
    head_position=7,
    head_recorded_at=NOW,
    relayed_position=7,
    unrelayed_since=None,
    broker_connected=True,
)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def shown(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_what_is_overdue_grows_with_the_clock_and_ends_when_it_is_done(metrics: Metrics) -> None:
    metrics.show(replace(STATUS, overdue_since=NOW - timedelta(seconds=90)), NOW)
    assert shown(metrics, "careloop_overdue_seconds") == 90
    metrics.show(replace(STATUS, overdue_since=NOW + timedelta(seconds=5)), NOW)
    assert shown(metrics, "careloop_overdue_seconds") == 0
    metrics.show(STATUS, NOW)
    assert shown(metrics, "careloop_overdue_seconds") == 0


def test_the_pool_is_shown_in_three_states(metrics: Metrics) -> None:
    metrics.show(replace(STATUS, pool=PoolUse(used=3, idle=2, free=1)), NOW)
    states = ("used", "idle", "free")
    assert [shown(metrics, "careloop_pool_connections", state=state) for state in states] == [3, 2, 1]


def test_readiness_and_lateness_are_figures(metrics: Metrics) -> None:
    assert shown(metrics, "careloop_ready") == 0
    metrics.ready(ready=True)
    metrics.late(-0.1)
    assert (shown(metrics, "careloop_ready"), shown(metrics, "careloop_event_loop_lag_seconds")) == (1, 0)
    metrics.ready(ready=False)
    metrics.late(0.75)
    assert (shown(metrics, "careloop_ready"), shown(metrics, "careloop_event_loop_lag_seconds")) == (0, 0.75)


def test_published_events_are_counted_by_type(metrics: Metrics) -> None:
    for _time in range(2):
        metrics.published("care.notifications.NoticeFailed.v1")
    assert shown(metrics, "careloop_published_total", type="care.notifications.NoticeFailed.v1") == 2


def test_the_release_the_clock_and_the_end_of_a_certificate_are_figures(metrics: Metrics) -> None:
    metrics.certificates({"grpc": NOW})
    assert shown(metrics, "careloop_build_info", version=VERSION) == 1
    assert shown(metrics, "careloop_certificate_ends_timestamp_seconds", certificate="grpc") == NOW.timestamp()
    clock = shown(metrics, "careloop_clock_timestamp_seconds")
    assert clock is not None
    assert abs(clock - datetime.now(UTC).timestamp()) < 60
