"""What is kept of streams changes how much is read, never what is decided on."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from careloop.chassis.commands.state_cache import CachedState, StateCache
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.protocol import StoredEvent, Unit, Written
from careloop.kernel.errors import Conflict, RuleViolated
from tests.support.histories.writes import (
    NOON,
    Counted,
    Happening,
    count_one,
    counters,
    new_event,
    request,
    store_one,
    write,
)


class _Reading(MemoryEventStore):
    """Notes how much is read of a stream."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[int] = []

    async def load(self, stream_id: UUID, after: int = 0) -> Sequence[StoredEvent]:
        rows = await super().load(stream_id, after)
        self.read.append(len(rows))
        return rows


async def test_a_known_stream_is_not_read_to_decide_on_it() -> None:
    store, stream = _Reading(), uuid4()
    streams = counters(store)
    for _ in range(5):
        await streams.transact(stream, request(), count_one)
    assert store.read == [0]
    assert (await streams.load(stream)).state == 5


async def test_where_others_write_only_what_is_new_is_read() -> None:
    store, stream = _Reading(), uuid4()
    streams, others = counters(store), counters(store)
    for _ in range(3):
        await streams.transact(stream, request(), count_one)
    await others.transact(stream, request(), count_one)
    for total in (5, 6, 7):
        done = await streams.transact(stream, request(), count_one)
        assert done.events == [Counted(occurred_at=NOON, total=total)]
    # The conflict made it forget; from then on it asks, and is told of what it had stored itself only once.
    assert store.read[-3:] == [4, 0, 0]


async def test_a_refusal_is_told_of_the_newest_state_only() -> None:
    store, stream = _Reading(), uuid4()
    streams, others = counters(store), counters(store)
    await streams.transact(stream, request(), count_one)
    await others.transact(stream, request(), count_one)

    def once_two_are_counted(total: int) -> Sequence[Happening]:
        if total < 2:
            raise RuleViolated("too-early", "Too early.")
        return count_one(total)

    done = await streams.transact(stream, request(), once_two_are_counted)
    assert done.events == [Counted(occurred_at=NOON, total=3)]


async def test_a_note_of_ones_own_process_is_read_before_the_next_decision() -> None:
    store, stream = _Reading(), uuid4()
    streams = counters(store)
    await streams.transact(stream, request(), count_one)
    noted = streams.write(stream, request(), [Counted(occurred_at=NOON, total=2)], None)
    await store_one(store, noted)
    done = await streams.transact(stream, request(), count_one)
    assert done.events == [Counted(occurred_at=NOON, total=3)]
    assert store.read == [0, 2]


async def test_what_others_store_is_seen() -> None:
    store, stream = _Reading(), uuid4()
    streams, others = counters(store), counters(store)
    for total in (1, 3, 5):
        done = await streams.transact(stream, request(), count_one)
        assert done.events == [Counted(occurred_at=NOON, total=total)]
        await others.transact(stream, request(), count_one)
    assert (await streams.load(stream)).state == 6


async def test_a_log_that_was_set_back_is_read_anew() -> None:
    """A backup may have been restored beneath a process that went on."""
    store, stream = _Reading(), uuid4()
    streams = counters(store)
    for _ in range(3):
        await streams.transact(stream, request(), count_one)
    restored = _Reading()
    topic, state = streams.codec.encode(Counted(occurred_at=NOON, total=1))
    await store_one(restored, write(stream, 0, new_event(topic=topic, state=state)))
    streams.store = restored
    done = await streams.transact(stream, request(), count_one)
    assert done.events == [Counted(occurred_at=NOON, total=2)]


def test_the_least_used_goes_first() -> None:
    cache: StateCache[str] = StateCache("", most_events=5)
    first, second, third = uuid4(), uuid4(), uuid4()
    cache.put(first, CachedState(state="first", version=2))
    cache.put(second, CachedState(state="second", version=2))
    assert cache.of(first).state == "first"
    cache.put(third, CachedState(state="third", version=2))
    assert [cache.of(each).version for each in (first, second, third)] == [2, 0, 2]


@pytest.mark.parametrize("version", [6, 100])
def test_a_stream_that_is_too_long_is_not_cached_and_takes_nobodys_place(version: int) -> None:
    cache: StateCache[str] = StateCache("", most_events=5)
    short, long = uuid4(), uuid4()
    cache.put(short, CachedState(state="short", version=1))
    assert cache.put(long, CachedState(state="long", version=version)).state == "long"
    assert (cache.of(short).version, cache.of(long).version) == (1, 0)


def test_a_stream_that_grows_counts_once() -> None:
    cache: StateCache[str] = StateCache("", most_events=5)
    stream, other = uuid4(), uuid4()
    cache.put(other, CachedState(state="other", version=1))
    for version in (1, 2, 3, 4):
        cache.put(stream, CachedState(state="", version=version))
    assert (cache.of(stream).version, cache.of(other).version) == (4, 1)


async def test_conflicts_beyond_the_last_try_are_told_and_the_next_call_reads_anew() -> None:
    class _Refusing(_Reading):
        async def commit(self, unit: Unit) -> Sequence[Written]:
            raise Conflict("stream-changed", "Changed.")

    store, stream = _Reading(), uuid4()
    streams = counters(store)
    await streams.transact(stream, request(), count_one)
    streams.store = _Refusing()
    with pytest.raises(Conflict):
        await streams.transact(stream, request(), count_one)
    streams.store = store
    store.read.clear()
    assert (await streams.transact(stream, request(), count_one)).events == [Counted(occurred_at=NOON, total=2)]
    assert store.read == [1]
