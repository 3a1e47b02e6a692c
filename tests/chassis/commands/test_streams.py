"""One call, one outcome: decided on the newest state, stored once, answered the same for ever."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import uuid4

import pytest
from msgspec import structs

from careloop.chassis.commands.streams import FOLDED_AT_ONCE
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.postgres import PostgresEventStore
from careloop.chassis.log.protocol import CommandKey, EventStore, Unit, Written
from careloop.kernel.errors import Conflict, RequestIdReused, RuleViolated
from careloop.kernel.events import CommandKind
from careloop.kernel.ids import PersonId
from tests.support.histories.writes import (
    NOON,
    Counted,
    Happening,
    Remarked,
    count_one,
    counters,
    due_row,
    new_event,
    request,
    store_one,
    write,
)


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[EventStore]:
    if request.param == "memory":
        yield MemoryEventStore()
        return
    database = request.getfixturevalue("postgres")
    async with PostgresEventStore.open(database.dsn("assessment"), "assessment") as opened:
        yield opened


def remark(_total: int) -> list[Happening]:
    return [Remarked(occurred_at=NOON, text="resting")]


def decide_nothing(_total: int) -> list[Happening]:
    return []


async def test_each_call_decides_on_the_newest_state(store: EventStore) -> None:
    streams, stream = counters(store), uuid4()
    for total in (1, 2, 3):
        done = await streams.transact(stream, request(), count_one)
        assert (done.events, done.position, done.repeated) == ([Counted(occurred_at=NOON, total=total)], total, False)
    loaded = await streams.load(stream)
    assert (loaded.state, loaded.version) == (3, 3)


async def test_a_repeat_answers_the_same_whatever_came_since(store: EventStore) -> None:
    streams, stream = counters(store), uuid4()
    call = request()
    first = await streams.transact(stream, call, count_one)
    await streams.transact(stream, request(), count_one)
    await streams.transact(uuid4(), request(), count_one)
    again = await streams.transact(stream, call, _must_not_decide)
    assert (list(again.events), again.position, again.repeated) == (list(first.events), first.position, True)
    assert (await streams.load(stream)).version == 2


def _must_not_decide(_total: int) -> list[Happening]:
    raise AssertionError("decided again")


def refuse(_total: int) -> list[Happening]:
    raise RuleViolated("not-now", "Not now.")


async def test_a_repeat_of_a_call_that_changed_nothing_answers_nothing(store: EventStore) -> None:
    streams, stream = counters(store), uuid4()
    call = request()
    first = await streams.transact(stream, call, decide_nothing)
    await streams.transact(stream, request(), count_one)
    assert (first.events, first.position, first.repeated) == ([], 0, False)
    for decide in (count_one, refuse):
        again = await streams.transact(stream, call, decide)
        assert (again.events, again.position, again.repeated) == ([], 0, True)
    assert (await streams.load(stream)).version == 1


async def test_the_position_is_that_of_the_last_published_event(store: EventStore) -> None:
    streams, stream = counters(store), uuid4()
    assert (await streams.transact(stream, request(), remark)).position == 0
    assert (await streams.transact(stream, request(), count_one)).position == 2
    call = request()
    both = await streams.transact(stream, call, lambda total: [*count_one(total), *remark(total)])
    assert both.position == 3
    assert (await streams.transact(stream, request(), remark)).position == 3
    assert (await streams.transact(stream, call, _must_not_decide)).position == 3


async def test_a_request_id_of_another_request_is_refused(store: EventStore) -> None:
    streams, stream = counters(store), uuid4()
    call = request()
    await streams.transact(stream, call, count_one)
    with pytest.raises(RequestIdReused) as refused:
        await streams.transact(stream, request(call.request_id, digest=b"another payload"), count_one)
    assert refused.value.field == "request_id"
    assert (await streams.load(stream)).version == 1


ANOTHERS: list[dict[str, Any]] = [
    {"actor": PersonId("someone.else")},
    *({"kind": kind} for kind in CommandKind if kind is not CommandKind.CALLER),
]


@pytest.mark.parametrize("changes", ANOTHERS, ids=lambda changes: " ".join(map(str, changes.values())))
async def test_an_id_that_somebody_else_used_is_free(store: EventStore, changes: dict[str, Any]) -> None:
    streams, stream = counters(store), uuid4()
    first = await streams.transact(stream, request("r1"), count_one)
    others = structs.replace(request("r1"), digest=b"others", **changes)
    second = await streams.transact(stream, others, count_one)
    assert [event.total for done in (first, second) for event in done.events if isinstance(event, Counted)] == [1, 2]
    again = await streams.transact(stream, others, _must_not_decide)
    assert (list(again.events), again.repeated) == (list(second.events), True)
    mine = await streams.transact(stream, request("r1"), _must_not_decide)
    assert (list(mine.events), mine.repeated) == (list(first.events), True)
    assert len({row.meta.event_id for row in await store.load(stream)}) == 2


async def test_a_refused_call_stores_nothing_and_may_be_tried_again(store: EventStore) -> None:
    streams, stream = counters(store), uuid4()
    call = request()

    with pytest.raises(RuleViolated):
        await streams.transact(stream, call, refuse)
    assert await store.command(CommandKey(call.request_id, stream, call.actor, call.kind)) is None
    assert not (await streams.transact(stream, call, count_one)).repeated


async def test_what_an_event_makes_due_comes_with_it_and_is_finished_by_a_later_call(store: EventStore) -> None:
    streams, stream = counters(store), uuid4()
    row = due_row()
    streams.due = lambda event, _stream: (row,) if isinstance(event, Counted) else ()
    await streams.transact(stream, request(), count_one)
    (claimed,) = await store.claim_due(frozenset({row.kind}), NOON, 1, 10)
    assert claimed.row == row
    await streams.transact(stream, request(), remark, done=(row.due_id,))
    assert await store.claim_due(frozenset({row.kind}), NOON.replace(year=2027), 1, 10) == []


class _Outrun(MemoryEventStore):
    """A store in which someone else is faster, so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    async def commit(self, unit: Unit) -> Sequence[Written]:
        if self.times > 0 and unit.writes[0].expected_version is not None:
            self.times -= 1
            version = unit.writes[0].expected_version + 1
            topic, state = counters(self).codec.encode(Counted(occurred_at=NOON, total=version))
            await store_one(self, write(unit.writes[0].stream_id, None, new_event(topic=topic, state=state)))
        return await super().commit(unit)


async def test_two_conflicts_are_outlived() -> None:
    store = _Outrun(times=2)
    done = await counters(store).transact(uuid4(), request(), count_one)
    assert done.events == [Counted(occurred_at=NOON, total=3)]
    assert done.position == 3


async def test_the_third_conflict_is_told() -> None:
    store = _Outrun(times=3)
    call, stream = request(), uuid4()
    with pytest.raises(Conflict):
        await counters(store).transact(stream, call, count_one)
    assert store.times == 0
    assert await store.command(CommandKey(call.request_id, stream, call.actor, call.kind)) is None


async def test_calls_of_one_process_on_one_stream_queue(store: EventStore) -> None:
    streams, stream = counters(store), uuid4()
    calls = [request() for _ in range(8)]
    done = await asyncio.gather(*(streams.transact(stream, call, count_one) for call in calls))
    assert sorted(one.position for one in done) == list(range(1, 9))
    assert (await streams.load(stream)).state == 8


async def test_a_long_stream_that_was_not_cached_lets_others_have_their_turn_between_its_parts() -> None:
    store, stream, parts = MemoryEventStore(), uuid4(), 5
    told = [Counted(occurred_at=NOON, total=n + 1) for n in range(parts * FOLDED_AT_ONCE)]
    await store.commit(Unit(writes=(counters(store).write(stream, request(), told, 0),)))
    streams, turns = counters(store), 0
    loading = asyncio.ensure_future(streams.load(stream))
    while not loading.done():
        turns += 1
        await asyncio.sleep(0)
    assert (await loading).state == (await loading).version == len(told)
    assert turns >= parts


async def test_processes_on_one_stream_never_lose_or_double_a_count(store: EventStore) -> None:
    stream = uuid4()
    calls = [request() for _ in range(8)]

    async def insist(index: int) -> None:
        streams = counters(store)
        while True:
            try:
                await streams.transact(stream, calls[index], count_one)
            except Conflict:
                continue
            return

    async with asyncio.timeout(30):
        await asyncio.gather(*(insist(index % 8) for index in range(16)))
    assert (await counters(store).load(stream)).state == 8
    assert [event.meta.version for event in await store.load(stream)] == list(range(1, 9))
