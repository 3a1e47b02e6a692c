"""Following a log: no event waits for a notification that nobody heard."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import asyncpg
import pytest
from eventsourcing.persistence import ConnectionPoolClosedError, Notification, Subscription

from careloop.eventsourcing_store import CareloopApplicationRecorder, CareloopFactory
from tests.support.library import OwnSchema, bare

# Well below the time after which a subscription pulls without having heard anything.
SOON_SECONDS = 8.0

_LISTENING = "select pid from pg_stat_activity where query ilike 'listen%' and application_name ilike '%eventsourcing%'"


def take(subscription: Subscription[Any], count: int) -> list[int]:
    """The next positions; fails the test when they do not come soon."""
    with ThreadPoolExecutor(1) as pool:
        try:
            return pool.submit(lambda: [next(subscription).id for _ in range(count)]).result(SOON_SECONDS)
        except TimeoutError:
            subscription.stop()
            raise


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SOON_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def listeners(schema: OwnSchema) -> list[int]:
    return [pid for (pid,) in schema.rows(f"{_LISTENING} and usename = '{schema.role}'")]


def test_another_process_s_events_are_heard_of(schema: OwnSchema, recorder: CareloopApplicationRecorder) -> None:
    with recorder.subscribe() as subscription, CareloopFactory(schema.environment) as other:
        wait_until(lambda: listeners(schema))
        other.application_recorder().insert_events([bare(0)])
        assert take(subscription, 1) == [1]
        other.application_recorder().insert_events([bare(0), bare(0)])
        assert take(subscription, 2) == [2, 3]


def test_events_between_the_first_pull_and_listen_are_not_missed(
    recorder: CareloopApplicationRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulled, may_listen = Event(), Event()
    connect, select = asyncpg.connect, recorder.select_notifications

    async def connect_late(**settings: Any) -> asyncpg.Connection:
        await asyncio.to_thread(may_listen.wait)
        return await connect(**settings)

    def select_and_tell(*args: Any, **kwargs: Any) -> Sequence[Notification]:
        found: Sequence[Notification] = select(*args, **kwargs)
        pulled.set()
        return found

    monkeypatch.setattr(asyncpg, "connect", connect_late)
    monkeypatch.setattr(recorder, "select_notifications", select_and_tell)
    with recorder.subscribe() as subscription:
        # The second pull is the one that the start of waiting asks for.
        for _ in range(2):
            assert pulled.wait(SOON_SECONDS)
            pulled.clear()
        recorder.insert_events([bare(0)])
        assert not pulled.wait(0.3)
        may_listen.set()
        assert take(subscription, 1) == [1]


def test_a_cut_listener_comes_back(schema: OwnSchema, recorder: CareloopApplicationRecorder) -> None:
    with recorder.subscribe() as subscription:
        wait_until(lambda: listeners(schema))
        for position in range(1, 4):
            (before,) = listeners(schema)
            schema.rows(f"select pg_terminate_backend({before})")
            recorder.insert_events([bare(0)])
            assert take(subscription, 1) == [position]
            wait_until(lambda known=before: set(listeners(schema)) - {known})  # type: ignore[misc]


def test_subscriptions_to_a_log_share_one_connection(schema: OwnSchema, recorder: CareloopApplicationRecorder) -> None:
    with recorder.subscribe() as one, recorder.subscribe(gt=1) as two, recorder.subscribe(topics=["rare"]) as rare:
        recorder.insert_events([bare(0), bare(0), bare(0, topic="rare")])
        assert take(one, 3) == [1, 2, 3]
        assert take(two, 2) == [2, 3]
        assert take(rare, 1) == [3]
        wait_until(lambda: len(listeners(schema)) == 1)


def test_no_connection_is_left_when_it_is_closed(schema: OwnSchema) -> None:
    with CareloopFactory(schema.environment) as factory:
        recorder = factory.application_recorder()
        with recorder.subscribe():
            wait_until(lambda: listeners(schema))
    wait_until(lambda: not schema.rows(f"select from pg_stat_activity where usename = '{schema.role}'"))


def test_an_application_that_was_dropped_leaves_no_connection(schema: OwnSchema) -> None:
    CareloopFactory(schema.environment).application_recorder().insert_events([bare(0)])
    wait_until(lambda: not schema.rows(f"select from pg_stat_activity where usename = '{schema.role}'"))


def test_a_closed_store_ends_the_subscription(schema: OwnSchema) -> None:
    factory = CareloopFactory(schema.environment)
    recorder = factory.application_recorder()
    with recorder.subscribe() as subscription:
        wait_until(lambda: listeners(schema))
        factory.close()
        with pytest.raises(ConnectionPoolClosedError):
            take(subscription, 1)
    with pytest.raises(ConnectionPoolClosedError):
        recorder.insert_events([bare(0)])
    with pytest.raises(ConnectionPoolClosedError):
        recorder.max_notification_id()
