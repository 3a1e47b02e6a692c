"""Patience, silence and settings at both sides of their limits."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from careloop.chassis.log.connections import Timeouts
from careloop.chassis.operations.ports import ConsumerProgress, ServiceStatus
from careloop.chassis.operations.stalled_consumers import StalledConsumers
from careloop.chassis.operations.watchdog import Stuck, Watchdog
from careloop.chassis.process.settings import ServiceSettings, SettingsInvalid, read_settings
from careloop.chassis.process.transport import variable
from careloop.chassis.relay.heads import HISTORY, HeadsView, PublishedHead
from tests.support.histories.log import NOON

PROGRESS = ConsumerProgress(
    consumer="view", source="assessment", partition=0, consumed_position=5, head_position=9, fresh_as_of=None
)
STATUS = ServiceStatus(
    service="coordination",
    head_position=9,
    head_recorded_at=None,
    relayed_position=9,
    unrelayed_since=None,
    broker_connected=True,
    consumers=(PROGRESS,),
)


def consumed(position: int, **changes: Any) -> ConsumerProgress:
    return replace(PROGRESS, consumed_position=position, **changes)


def shown(*consumers: ConsumerProgress, **changes: Any) -> ServiceStatus:
    return replace(STATUS, consumers=consumers or (PROGRESS,), **changes)


def is_stuck(watchdog: Watchdog, status: ServiceStatus, now: float) -> bool:
    try:
        watchdog.observe(status, now)
    except Stuck:
        return True
    return False


@pytest.mark.parametrize(("seconds", "stuck"), [(29.9, False), (30.0, True), (31.0, True)])
def test_what_does_not_move_is_stuck_when_patience_ends_and_not_before(seconds: float, stuck: bool) -> None:
    watchdog = Watchdog(30)
    assert not is_stuck(watchdog, STATUS, 100)
    assert is_stuck(watchdog, STATUS, 100 + seconds) is stuck


@pytest.mark.parametrize(
    "moved",
    [
        shown(consumed(6)),
        shown(consumed(5), relayed_position=8, head_position=10),
        shown(PROGRESS, replace(PROGRESS, partition=1, consumed_position=1)),
        shown(broker_connected=False),
        shown(consumed(9)),
        shown(consumed(10)),
    ],
)
def test_whatever_moves_or_has_nothing_to_do_begins_the_wait_anew(moved: ServiceStatus) -> None:
    watchdog = Watchdog(30)
    assert not is_stuck(watchdog, STATUS, 0)
    assert not is_stuck(watchdog, moved, 20)
    assert not is_stuck(watchdog, STATUS, 30)
    assert not is_stuck(watchdog, STATUS, 59.9)
    assert is_stuck(watchdog, STATUS, 60)


def test_a_store_that_was_away_begins_the_wait_anew() -> None:
    watchdog = Watchdog(30)
    assert not is_stuck(watchdog, STATUS, 0)
    watchdog.store_away()
    assert not is_stuck(watchdog, STATUS, 30)
    assert is_stuck(watchdog, STATUS, 60)


def test_one_consumer_that_lags_is_enough_and_one_position_too() -> None:
    for status in (shown(consumed(9), consumed(8)), shown(consumed(9), relayed_position=8)):
        watchdog = Watchdog(30)
        assert not is_stuck(watchdog, status, 0)
        assert is_stuck(watchdog, status, 30)
    watchdog = Watchdog(30)
    caught_up = shown(consumed(9), consumed(10))
    assert [is_stuck(watchdog, caught_up, now) for now in (0, 30, 60)] == [False] * 3


@pytest.mark.parametrize(("seconds", "told"), [(9.9, False), (10.0, True), (11.0, True)])
def test_a_subscription_stands_still_when_the_wait_ends_and_not_before(seconds: float, told: bool) -> None:
    standstill = StalledConsumers(10)
    assert standstill.observe(STATUS, 100) == frozenset()
    assert bool(standstill.observe(STATUS, 100 + seconds)) is told


def test_each_subscription_is_told_once_whichever_partition_stands_still() -> None:
    others = [replace(PROGRESS, partition=1), replace(PROGRESS, source="monitoring"), replace(PROGRESS, consumer="due")]
    standstill = StalledConsumers(10)
    standstill.observe(shown(PROGRESS, *others), 0)
    expected = {("view", "assessment"), ("view", "monitoring"), ("due", "assessment")}
    assert standstill.observe(shown(PROGRESS, *others), 10) == expected
    assert standstill.observe(shown(PROGRESS, *others), 19.9) == frozenset()
    standstill.observe(shown(PROGRESS, *others), 20)
    assert standstill.observe(shown(PROGRESS, *others), 30) == expected


def test_what_was_told_begins_anew_for_all_its_partitions_and_for_no_other_subscription() -> None:
    beside, other = replace(PROGRESS, partition=1), replace(PROGRESS, source="monitoring")
    standstill = StalledConsumers(10)
    standstill.observe(shown(PROGRESS), 0)
    standstill.observe(shown(PROGRESS, beside, other), 5)
    assert standstill.observe(shown(PROGRESS, beside, other), 10) == {("view", "assessment")}
    assert standstill.observe(shown(PROGRESS, beside, other), 15) == {("view", "monitoring")}


def test_one_that_has_all_for_a_moment_begins_anew() -> None:
    standstill = StalledConsumers(10)
    for now, status in ((0, STATUS), (5, shown(consumed(5, head_position=5))), (6, STATUS), (15.9, STATUS)):
        assert standstill.observe(status, now) == frozenset()
    assert standstill.observe(STATUS, 16) == {("view", "assessment")}


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def heads(*told: tuple[int, float], source: str = "monitoring", partition: int = 0) -> HeadsView:
    view = HeadsView()
    for position, seconds in told:
        view.note(PublishedHead(service=source, partition=partition, position=position, complete_through=at(seconds)))
    return view


@pytest.mark.parametrize(("position", "fresh"), [(4, None), (5, at(1)), (7, at(1)), (8, at(2)), (99, at(2))])
def test_who_has_consumed_a_head_and_no_one_else_is_as_fresh_as_it(position: int, fresh: datetime | None) -> None:
    assert heads((5, 1), (8, 2)).fresh_as_of("monitoring", 0, position) == fresh


def test_an_older_moment_of_a_position_does_not_take_back_a_newer_one() -> None:
    for told in ([(5, 1), (5, 9)], [(5, 9), (5, 1)], [(5, 9), (8, 10), (5, 1)], [(5, 9), (5, 9)]):
        view = heads(*told)
        assert view.fresh_as_of("monitoring", 0, 5) == at(9)
        assert view.head("monitoring", 0) == max(position for position, _seconds in told)


def test_a_lower_head_with_a_later_moment_counts_for_who_has_consumed_it() -> None:
    """A source that was set back tells less than before; what it told stays true."""
    view = heads((8, 1), (5, 9))
    assert (view.head("monitoring", 0), view.fresh_as_of("monitoring", 0, 8)) == (8, at(9))


def test_heads_of_other_sources_and_partitions_say_nothing() -> None:
    view = heads((5, 1))
    assert [view.head(*place) for place in (("monitoring", 0), ("monitoring", 1), ("assessment", 0))] == [5, 0, 0]
    assert view.fresh_as_of("assessment", 0, 9) is None


@pytest.mark.parametrize(("count", "oldest"), [(HISTORY - 1, 1), (HISTORY, 1), (HISTORY + 1, 2)])
def test_so_many_heads_are_kept_and_the_oldest_go_first(count: int, oldest: int) -> None:
    view = heads(*((n, n) for n in range(1, count + 1)))
    assert view.fresh_as_of("monitoring", 0, oldest) == at(oldest)
    assert view.fresh_as_of("monitoring", 0, oldest - 1) is None
    assert view.head("monitoring", 0) == count


def test_a_head_on_its_topic_is_keyed_by_source_and_partition() -> None:
    head = PublishedHead(service="monitoring", partition=3, position=7, complete_through=NOON)
    assert head.key == b"monitoring:3"
    assert head.encode() == (
        b'{"service":"monitoring","partition":3,"position":7,"complete_through":"2026-03-01T12:00:00Z"}'
    )
    view = HeadsView()
    view.note_all([head.encode()])
    assert (view.head("monitoring", 3), view.fresh_as_of("monitoring", 3, 7)) == (7, NOON)


NEEDED = {
    "service": "assessment",
    "postgres_dsn": "postgres://127.0.0.1/none",
    "kafka_bootstrap": "127.0.0.1:9092",
    "grpc_port": 50051,
    "http_port": 8081,
    "token_keys_file": "keys/public.json",
    "service_key_file": "keys/private.json",
}


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ServiceSettings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)


def settings(**changes: Any) -> ServiceSettings:
    return read_settings(**{**NEEDED, **changes})


def test_what_is_not_set_has_its_usual_value() -> None:
    usual = settings().model_dump()
    given = {name: usual.pop(name) for name in NEEDED}
    assert {name: str(value) for name, value in given.items()} == {name: str(value) for name, value in NEEDED.items()}
    assert usual == {
        "instance": "0",
        "clock_file": None,
        "postgres_password_file": None,
        "kafka_security_protocol": "PLAINTEXT",
        "kafka_sasl_mechanism": "SCRAM-SHA-512",
        "kafka_sasl_username": "",
        "kafka_sasl_password_file": None,
        "kafka_ca_file": None,
        "kafka_cert_file": None,
        "kafka_key_file": None,
        "grpc_cert_file": None,
        "grpc_key_file": None,
        "grpc_ca_file": None,
        "grpc_mutual_tls": False,
        "grpc_max_connection_age_seconds": 0,
        "grpc_host": "127.0.0.1",
        "http_host": "127.0.0.1",
        "partitions": 6,
        "peers": {},
        "evidence_max_age_seconds": 30,
        "legal_dates_file": None,
        "on_call_phone": "",
        "heads_interval_seconds": 2,
        "hole_patience_seconds": 5,
        "revive_after_seconds": 10,
        "stuck_after_seconds": 30,
        "grace_seconds": 15,
        "max_deadline_seconds": 10,
        "max_stream_seconds": 600,
        "statement_timeout_seconds": 5,
        "pool_timeout_seconds": 2,
        "pool_size": 8,
        "otlp_endpoint": None,
        "trace_ratio": 1,
        "local": False,
    }


@pytest.mark.parametrize(
    ("name", "allowed", "refused"),
    [
        ("service", ["a", "a-b", "a" * 31], ["", "A", "1a", "-a", "a b", "a" * 32, "a_b"]),
        ("instance", ["0", "A.b_c-9", "a" * 60], ["", "a b", "a/b", "a" * 61]),
        ("postgres_dsn", ["x"], [""]),
        ("kafka_bootstrap", ["x"], [""]),
        ("grpc_port", [0, 65_535], [-1, 65_536]),
        ("http_port", [0, 65_535], [-1, 65_536]),
        ("partitions", [1, 1024], [0, 1025]),
        ("pool_size", [2, 200], [1, 201]),
        ("otlp_endpoint", ["http://c:4317", "https://c"], ["", "c:4317", "grpc://c:4317", "http://c:4317/v1"]),
        ("trace_ratio", [0, 1], [-0.001, 1.001]),
        ("evidence_max_age_seconds", [0.001], [0, -1]),
        ("heads_interval_seconds", [0.001], [0, -1]),
        ("hole_patience_seconds", [0.001], [0, -1]),
        ("revive_after_seconds", [0.001], [0, -1]),
        ("stuck_after_seconds", [0.001], [0, -1]),
        ("pool_timeout_seconds", [0.001, 4.999], [0, -1, 5]),
        ("statement_timeout_seconds", [2.001, 9.999], [0, 2, 10]),
        ("max_stream_seconds", [0.001, 86_400], [0, -1]),
        ("max_deadline_seconds", [5.001, 14.999], [0, 5, 15]),
        ("grace_seconds", [10.001], [0, 10]),
    ],
)
def test_a_setting_may_be_either_of_its_bounds_and_nothing_beyond(
    name: str, allowed: list[object], refused: list[object]
) -> None:
    for value in allowed:
        assert getattr(settings(**{name: value}), name) == value
    for value in refused:
        with pytest.raises(SettingsInvalid, match=variable(name)):
            settings(**{name: value})


def test_the_wait_that_is_too_long_and_the_one_around_it_are_both_named() -> None:
    with pytest.raises(SettingsInvalid) as wrong:
        settings(statement_timeout_seconds=10)
    sentence = "CARELOOP_STATEMENT_TIMEOUT_SECONDS must be less than CARELOOP_MAX_DEADLINE_SECONDS"
    assert str(wrong.value) == f"Settings are wrong: {sentence}"


def test_every_setting_that_is_wrong_is_named() -> None:
    with pytest.raises(SettingsInvalid) as wrong:
        settings(partitions=0, pool_size=1)
    assert all(variable(name) in str(wrong.value) for name in ("partitions", "pool_size"))


def test_settings_of_others_in_the_environment_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARELOOP_SOMETHING_ELSE", "x")
    monkeypatch.setenv("PARTITIONS", "7")
    assert settings().partitions == 6


def test_acquiring_a_connection_times_out_before_a_statement_does() -> None:
    assert Timeouts(acquire=4.9, statement=5).acquire == 4.9
    for acquire in (5, 5.1):
        with pytest.raises(ValueError, match="before"):
            Timeouts(acquire=acquire, statement=5)
    usual = Timeouts()
    assert (usual.acquire, usual.statement, usual.resolve) == (2, 5, 2)
