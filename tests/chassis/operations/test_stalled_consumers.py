"""When a process counts as stuck, and when one of its subscriptions stands still."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from careloop.chassis.operations.ports import ConsumerProgress, ServiceStatus
from careloop.chassis.operations.stalled_consumers import StalledConsumers
from careloop.chassis.operations.watchdog import Stuck, Watchdog


def status(relayed: int = 0, head: int = 0, consumed: int = 0, lag: int = 0, *, broker: bool = True) -> ServiceStatus:
    progress = ConsumerProgress(
        consumer="view",
        source="assessment",
        partition=0,
        consumed_position=consumed,
        head_position=consumed + lag,
        fresh_as_of=None,
    )
    return ServiceStatus(
        service="coordination",
        head_position=head,
        head_recorded_at=None,
        relayed_position=relayed,
        unrelayed_since=None,
        broker_connected=broker,
        consumers=(progress,),
    )


def ends_at(step: Callable[[Watchdog, int], None]) -> int | None:
    """When a watchdog with thirty seconds of patience ends it, of sixty steps, one a second; None when it does not."""
    watchdog = Watchdog(30)
    for second in range(61):
        try:
            step(watchdog, second)
        except Stuck:
            return second
    return None


def at(second: int) -> float:
    return 1_000.0 + second


def test_lag_that_does_not_move_is_stuck() -> None:
    watchdog = Watchdog(30)
    for second in range(30):
        watchdog.observe(status(lag=5), at(second))
    with pytest.raises(Stuck):
        watchdog.observe(status(lag=5), at(30))


def test_a_relay_that_does_not_move_is_stuck() -> None:
    watchdog = Watchdog(30)
    watchdog.observe(status(relayed=3, head=9), at(0))
    with pytest.raises(Stuck):
        watchdog.observe(status(relayed=3, head=9), at(30))


def test_nothing_to_do_is_not_stuck() -> None:
    assert ends_at(lambda watchdog, second: watchdog.observe(status(relayed=9, head=9), at(second))) is None


def test_slow_is_not_stuck() -> None:
    assert ends_at(lambda watchdog, second: watchdog.observe(status(consumed=second // 20, lag=50), at(second))) is None
    assert ends_at(lambda watchdog, second: watchdog.observe(status(consumed=second // 40, lag=50), at(second))) == 30


def test_without_a_broker_nothing_is_stuck() -> None:
    assert ends_at(lambda watchdog, second: watchdog.observe(status(lag=5, broker=False), at(second))) is None


def test_an_outage_of_the_store_starts_the_patience_afresh() -> None:
    def step(watchdog: Watchdog, second: int) -> None:
        if second == 29:
            watchdog.store_away()
        watchdog.observe(status(lag=5), at(second))

    assert ends_at(step) == 59


def progress(source: str, consumed: int, head: int) -> ConsumerProgress:
    return ConsumerProgress(
        consumer="view", source=source, partition=0, consumed_position=consumed, head_position=head, fresh_as_of=None
    )


def told(stalled: StalledConsumers, seconds: Sequence[int], *consumers: ConsumerProgress, broker: bool = True) -> int:
    """How often assessment's subscription was told to stand still; no other ever is."""
    whole = status(broker=broker)
    answers = [stalled.observe(replace(whole, consumers=consumers), at(second)) for second in seconds]
    assert set().union(*answers) <= {("view", "assessment")}
    return sum(bool(answer) for answer in answers)


def test_a_lagging_subscription_that_does_not_move_is_told_though_another_moves() -> None:
    stalled = StalledConsumers(10)
    counts = [
        told(stalled, [second], progress("assessment", 5, 9), progress("monitoring", second, 99))
        for second in range(11)
    ]
    assert counts == [0] * 10 + [1]


def test_it_is_told_again_only_after_another_such_wait() -> None:
    assert told(StalledConsumers(10), range(32), progress("assessment", 5, 9)) == 2


def test_one_that_has_everything_does_not_stand_still() -> None:
    assert told(StalledConsumers(10), range(60), progress("assessment", 9, 9)) == 0


def test_one_that_moves_does_not_stand_still() -> None:
    stalled = StalledConsumers(10)
    assert sum(told(stalled, [second], progress("assessment", second // 9, 99)) for second in range(60)) == 0


def test_an_outage_of_broker_or_store_starts_the_wait_afresh() -> None:
    stalled, lagging = StalledConsumers(10), progress("assessment", 5, 9)
    assert told(stalled, range(10), lagging) == 0
    assert told(stalled, [10, 11], lagging, broker=False) == 0
    assert told(stalled, range(12, 22), lagging) == 0
    stalled.store_away()
    assert told(stalled, range(22, 32), lagging) == 0
    assert told(stalled, [32], lagging) == 1
