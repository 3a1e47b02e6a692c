"""Many threads and processes on one log: gapless, in commit order, each insert judged by itself."""

import multiprocessing
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from threading import Barrier
from uuid import uuid4

import pytest
from eventsourcing.persistence import IntegrityError, Notification, PersistenceError, StoredEvent, Tracking

from careloop.eventsourcing_store import CareloopApplicationRecorder, CareloopFactory
from tests.support.library import OwnSchema, bare, write_streams

THREADS = 16


def test_two_processes_write_and_a_follower_misses_nothing(
    schema: OwnSchema, recorder: CareloopApplicationRecorder
) -> None:
    threads, inserts = 4, 150
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=write_streams, args=(schema.environment, threads, inserts)) for _ in range(2)]
    for writer in writers:
        writer.start()
    total = 2 * threads * sum(n % 3 + 1 for n in range(inserts))
    with recorder.subscribe() as subscription, ThreadPoolExecutor(1) as pool:
        following = pool.submit(lambda: list(islice(subscription, total)))
        for writer in writers:
            writer.join(60)
        with suppress(TimeoutError):
            following.result(10)
        subscription.stop()
        followed = following.result()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert [one.id for one in followed] == list(range(1, total + 1))
    assert recorder.max_notification_id() == total
    _assert_streams_whole(followed)


def _assert_streams_whole(followed: list[Notification]) -> None:
    versions: dict[object, list[int]] = {}
    for one in followed:
        versions.setdefault(one.originator_id, []).append(one.originator_version)
    assert len(versions) == 8
    assert all(found == list(range(len(found))) for found in versions.values())


def test_inserts_of_one_call_stand_together(recorder: CareloopApplicationRecorder) -> None:
    def insert(count: int) -> tuple[list[StoredEvent], list[int]]:
        events = [bare(i) for i in range(count)]
        return events, list(recorder.insert_events(events) or [])

    with ThreadPoolExecutor(THREADS) as pool:
        done = list(pool.map(insert, [1, 2, 3, 50] * 40))
    stored = {one.id: one for one in recorder.select_notifications(1, 10_000)}
    assert sorted(stored) == list(range(1, sum(len(events) for events, _ in done) + 1))
    for events, positions in done:
        assert positions == list(range(positions[0], positions[0] + len(events)))
        assert [stored[position].originator_id for position in positions] == [one.originator_id for one in events]


def test_of_those_who_want_one_place_exactly_one_gets_it(recorder: CareloopApplicationRecorder) -> None:
    stream, rounds = uuid4(), 30
    together = Barrier(THREADS)

    def compete(_: int) -> int:
        won = 0
        for version in range(rounds):
            together.wait()
            try:
                recorder.insert_events([bare(version, stream), bare(0)])
                won += 1
            except IntegrityError:
                pass
        return won

    with ThreadPoolExecutor(THREADS) as pool:
        assert sum(pool.map(compete, range(THREADS))) == rounds
    assert [event.originator_version for event in recorder.select_events(stream)] == list(range(rounds))
    assert recorder.max_notification_id() == 2 * rounds


def test_positions_of_several_followed_applications_do_not_hold_each_other_up(factory: CareloopFactory) -> None:
    recorder = factory.process_recorder()

    def follow(n: int) -> None:
        for position in range(1, 21):
            recorder.insert_events([bare(0)], tracking=Tracking(f"upstream{n}", position))

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(follow, range(THREADS)))
    assert [recorder.max_tracking_id(f"upstream{n}") for n in range(THREADS)] == [20] * THREADS
    assert recorder.max_notification_id() == 20 * THREADS


def test_what_the_server_cannot_take_is_refused_alone(recorder: CareloopApplicationRecorder) -> None:
    together = Barrier(THREADS)

    def insert(n: int) -> bool:
        together.wait()
        try:
            recorder.insert_events([bare(0, topic="nul\0" if n == 5 else "topic1")])
        except PersistenceError:
            return False
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        outcomes = [list(pool.map(insert, range(THREADS))) for _ in range(5)]
    assert outcomes == [[n != 5 for n in range(THREADS)]] * 5
    assert recorder.max_notification_id() == 5 * (THREADS - 1)


_AFTER_FORK = """
import os, sys
from eventsourcing.persistence import ProgrammingError
from careloop.eventsourcing_store import CareloopFactory
from tests.support.library import bare

told = dict(pair.split("=", 1) for pair in sys.argv[1:])
factory = CareloopFactory(told)
recorder = factory.application_recorder()
recorder.insert_events([bare(0)])
child = os.fork()
if not child:
    try:
        recorder.insert_events([bare(0)])
    except ProgrammingError:
        with CareloopFactory(told) as own:
            own.application_recorder().insert_events([bare(0)])
        os._exit(0)
    os._exit(1)
assert os.waitpid(child, 0)[1] == 0
assert recorder.insert_events([bare(0)]) == [3]
"""


@pytest.mark.timeout(60)
def test_a_forked_child_is_told_to_open_its_own(schema: OwnSchema) -> None:
    told = [f"{name}={value}" for name, value in schema.environment.items()]
    subprocess.run([sys.executable, "-c", _AFTER_FORK, *told], check=True, timeout=40)
