"""What streams remember and write: how much is kept, how long a stream is distrusted, and all that a command stores."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec import structs

from careloop.chassis.commands.state_cache import DISTRUSTED_FOR, MOST_EVENTS, CachedState, StateCache
from careloop.chassis.commands.streams import ATTEMPTS, Streams
from careloop.chassis.events.codec import Codec
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.protocol import CommandKey, DueRow, Statement, StoredEvent, Unit, Written
from careloop.kernel.errors import Conflict, RequestIdReused, RuleViolated, Unavailable
from careloop.kernel.events import CommandKind
from careloop.kernel.ids import PersonId, derived_id
from tests.support.histories.writes import (
    CALLER,
    COUNTER,
    NOON,
    TOPICS,
    Counted,
    Happening,
    Remarked,
    count_one,
    counters,
    due_row,
    request,
)

FIRST, SECOND, THIRD = (UUID(int=n) for n in (1, 2, 3))


def kept_states(most: int, **versions: int) -> StateCache[str]:
    made: StateCache[str] = StateCache("", most_events=most)
    for name, version in versions.items():
        made.put(stream(name), CachedState(state=name, version=version))
    return made


def stream(name: str) -> UUID:
    return derived_id("stream", name)


def versions(made: StateCache[str], *names: str) -> list[int]:
    return [made.of(stream(name)).version for name in names]


def test_of_a_stream_that_is_not_kept_nothing_is_known() -> None:
    made: StateCache[str] = StateCache("initial")
    assert (made.of(FIRST).state, made.of(FIRST).version, made.trusted(FIRST)) == ("initial", 0, None)


def test_as_many_events_are_kept_as_may_be_and_not_one_more() -> None:
    assert versions(kept_states(5, a=2, b=3), "a", "b") == [2, 3]
    assert versions(kept_states(5, a=2, b=4), "a", "b") == [0, 4]
    assert versions(kept_states(5, a=5), "a") == [5]
    assert versions(kept_states(5, a=6), "a") == [0]
    assert versions(kept_states(5, a=2, b=2, c=5), "a", "b", "c") == [0, 0, 5]


def test_what_is_forgotten_makes_room() -> None:
    made = kept_states(5, a=2, b=3)
    made.forget(stream("b"))
    made.forget(stream("b"))
    made.put(stream("c"), CachedState(state="c", version=3))
    assert versions(made, "a", "b", "c") == [2, 0, 3]


def test_a_stream_that_was_looked_at_stays_and_one_that_was_trusted_too() -> None:
    made = kept_states(6, a=2, b=2, c=2)
    made.of(stream("a"))
    made.trusted(stream("b"))
    made.put(stream("d"), CachedState(state="d", version=2))
    assert versions(made, "c", "a", "b", "d") == [0, 2, 2, 2]


def test_a_stream_that_was_outdated_is_forgotten_and_none_is_trusted_for_so_many_decisions() -> None:
    made = kept_states(9, a=2, b=3)
    made.distrust(stream("a"))
    assert versions(made, "a", "b") == [0, 3]
    assert [made.trusted(stream("b")) for _ in range(200)] == [None] * 200
    trusted = made.trusted(stream("b"))
    assert trusted is not None
    assert trusted.version == 3


def test_the_usual_bounds() -> None:
    assert (MOST_EVENTS, DISTRUSTED_FOR, ATTEMPTS) == (50_000, 200, 3)


class Counting(MemoryEventStore):
    """Notes what is read of streams and commands, and keeps the units."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[int] = []
        self.commands: list[CommandKey] = []
        self.units: list[Unit] = []
        self.refusals: list[Exception] = []

    async def load(self, stream_id: UUID, after: int = 0) -> Sequence[StoredEvent]:
        self.loads.append(after)
        return await super().load(stream_id, after)

    async def command(self, key: CommandKey) -> Any:
        self.commands.append(key)
        return await super().command(key)

    async def commit(self, unit: Unit) -> Sequence[Written]:
        self.units.append(unit)
        if self.refusals:
            raise self.refusals.pop(0)
        return await super().commit(structs.replace(unit, statements=()))


async def test_a_command_stores_all_that_came_with_the_call() -> None:
    store, asked = Counting(), structs.replace(request("r1"), causation_id=UUID(int=70))
    await counters(store).transact(
        FIRST, asked, lambda total: [*count_one(total), Remarked(occurred_at=NOON, text="a")]
    )
    (write,) = store.units[0].writes
    assert (write.command_id, write.caller, write.digest) == ("r1", CALLER, b"digest of r1")
    assert (write.stream_id, write.expected_version) == (FIRST, 0)
    assert (write.correlation_id, write.causation_id) == (asked.correlation_id, UUID(int=70))
    assert [event.event_id for event in write.events] == [
        derived_id("event", "counter", "caller", FIRST, CALLER, "r1", n) for n in (0, 1)
    ]
    assert [(event.topic, event.occurred_at, event.state) for event in write.events] == [
        ("counter.Counted.v1", NOON, b'{"occurred_at":"2026-11-23T12:00:00Z","total":1}'),
        ("counter.Remarked.v1", NOON, b'{"occurred_at":"2026-11-23T12:00:00Z","text":"a"}'),
    ]
    assert (write.due, write.done, store.units[0].gate, store.units[0].statements) == ((), (), None, ())


async def test_what_is_due_done_and_shown_goes_into_the_unit_with_the_stream_it_is_of() -> None:
    store, row, finished = Counting(), due_row(), uuid4()

    def due(event: Happening, of: UUID) -> Iterable[DueRow]:
        return [structs.replace(row, stream_id=of)] if isinstance(event, Counted) else []

    def shown(event: Happening, of: UUID) -> Iterable[Statement]:
        return [Statement(sql="select $1, $2", args=(type(event).__name__, of))]

    streams: Streams[int, Happening] = Streams(
        "counter", store, Codec(TOPICS), COUNTER, published=frozenset(), due=due, statements=shown
    )
    decide = lambda total: [*count_one(total), Remarked(occurred_at=NOON, text="a")]  # noqa: E731
    await streams.transact(FIRST, request(), decide, done=(finished,))
    (unit,) = store.units
    assert unit.writes[0].due == (structs.replace(row, stream_id=FIRST),)
    assert unit.writes[0].done == (finished,)
    assert [statement.args for statement in unit.statements] == [("Counted", FIRST), ("Remarked", FIRST)]


@pytest.mark.parametrize(
    ("kinds", "position"), [("c", 3), ("r", 2), ("cr", 3), ("rc", 4), ("crr", 3), ("ccr", 4), ("", 2)]
)
async def test_a_token_names_the_last_published_position_of_the_patient(kinds: str, position: int) -> None:
    """The log has an event of another patient, then one published event of this one."""
    streams = counters(MemoryEventStore())
    await streams.transact(SECOND, request(), count_one)
    await streams.transact(FIRST, request(), count_one)
    events: list[Happening] = [
        Counted(occurred_at=NOON, total=n) if kind == "c" else Remarked(occurred_at=NOON, text="")
        for n, kind in enumerate(kinds, start=2)
    ]
    call = request()
    done = await streams.transact(FIRST, call, lambda _total: events)
    assert (list(done.events), done.position, done.repeated) == (events, position, False)
    await streams.transact(FIRST, request(), count_one)
    again = await streams.transact(FIRST, call, count_one)
    assert (list(again.events), again.position, again.repeated) == (events, position, True)


async def test_what_is_decided_on_is_not_read_again_while_it_is_trusted() -> None:
    store = Counting()
    streams = counters(store)
    for _ in range(3):
        await streams.transact(FIRST, request(), count_one)
    assert (store.loads, store.commands) == ([0], [])
    assert (await streams.load(FIRST)).state == 3
    assert store.loads == [0, 3]


async def test_a_conflict_is_followed_by_a_read_of_the_whole_stream() -> None:
    store = Counting()
    streams = counters(store)
    await streams.transact(FIRST, request(), count_one)
    store.refusals = [Conflict("stream-changed", "Changed.")]
    assert (await streams.transact(FIRST, request(), count_one)).events == [Counted(occurred_at=NOON, total=2)]
    assert store.loads == [0, 0]


async def test_a_refusal_on_what_is_remembered_is_decided_again_on_what_is_read() -> None:
    store = Counting()
    streams = counters(store)
    await streams.transact(FIRST, request(), count_one)
    decided_on: list[int] = []

    def refuse(total: int) -> list[Happening]:
        decided_on.append(total)
        raise RuleViolated("not-now", "Not now.")

    with pytest.raises(RuleViolated):
        await streams.transact(FIRST, request("r2"), refuse)
    assert (decided_on, store.loads, store.commands) == (
        [1, 1],
        [0, 1],
        [CommandKey("r2", FIRST, CALLER, CommandKind.CALLER)],
    )


@pytest.mark.parametrize(("conflicts", "commits"), [(0, 1), (1, 2), (2, 3)])
async def test_a_call_is_tried_three_times(conflicts: int, commits: int) -> None:
    store = Counting()
    store.refusals = [Conflict("stream-changed", "Changed.") for _ in range(conflicts)]
    done = await counters(store).transact(FIRST, request(), count_one)
    assert (done.position, len(store.units)) == (1, commits)


async def test_a_store_that_is_away_is_not_tried_again() -> None:
    store = Counting()
    store.refusals = [Unavailable("store-unavailable", "Away.")]
    streams = counters(store)
    with pytest.raises(Unavailable):
        await streams.transact(FIRST, request(), count_one)
    assert len(store.units) == 1


async def test_an_id_that_was_used_for_something_else_is_refused_whether_it_is_remembered_or_not() -> None:
    store = MemoryEventStore()
    first, afresh = counters(store), counters(store)
    await first.transact(FIRST, request("r1"), count_one)
    for streams in (first, afresh):
        with pytest.raises(RequestIdReused) as refused:
            await streams.transact(FIRST, request("r1", digest=b"other"), count_one)
        assert (refused.value.slug, refused.value.field) == ("request-id-reused", "request_id")


async def test_an_id_that_was_used_for_another_patient_or_by_another_is_free_whether_it_is_remembered_or_not() -> None:
    store = MemoryEventStore()
    first, afresh = counters(store), counters(store)
    await first.transact(FIRST, request("r1"), count_one)
    assert not (await afresh.transact(FIRST, request("r1", actor=PersonId("other")), count_one)).repeated
    assert not (await first.transact(SECOND, request("r1"), count_one)).repeated
    assert ((await first.load(FIRST)).version, (await first.load(SECOND)).version) == (2, 1)


async def test_calls_on_one_stream_wait_for_each_other_and_those_on_others_do_not() -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    turns: dict[UUID, asyncio.Lock] = defaultdict(asyncio.Lock)

    class Slow(MemoryEventStore):
        async def commit(self, unit: Unit) -> Sequence[Written]:
            async with turns[unit.writes[0].stream_id]:
                if unit.writes[0].command_id == "slow":
                    begun.set()
                    await may_end.wait()
                return await super().commit(unit)

    streams = counters(Slow())
    slow = asyncio.create_task(streams.transact(FIRST, request("slow"), count_one))
    await begun.wait()
    decided_on: list[int] = []

    def decide(total: int) -> list[Happening]:
        decided_on.append(total)
        return count_one(total)

    behind = asyncio.create_task(streams.transact(FIRST, request("behind"), decide))
    assert (await streams.transact(SECOND, request(), count_one)).position == 1
    assert not behind.done()
    may_end.set()
    await asyncio.gather(slow, behind)
    assert decided_on == [1]


async def test_a_decision_is_taken_on_the_fold_and_its_version() -> None:
    streams = counters(MemoryEventStore())
    for decide in (count_one, lambda _total: [Remarked(occurred_at=NOON, text="")], count_one):
        await streams.transact(FIRST, request(), decide)
    afresh = counters(streams.store)
    for one in (streams, afresh):
        loaded = await one.load(FIRST)
        assert (loaded.state, loaded.version) == (2, 3)
