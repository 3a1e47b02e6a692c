"""What the event store promises, kept by PostgreSQL and by memory alike."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.postgres import PostgresEventStore
from careloop.chassis.log.protocol import EventStore, Gate, GateClosed, NewEvent, Statement, StoredEvent, Unit
from careloop.kernel.errors import Conflict, RequestIdReused
from careloop.kernel.events import CommandKind
from careloop.kernel.ids import PersonId
from tests.support.histories.writes import NOON, due_row, new_event, seconds, store_one, write


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[EventStore]:
    if request.param == "memory":
        yield MemoryEventStore()
        return
    database = request.getfixturevalue("postgres")
    async with PostgresEventStore.open(database.dsn("assessment"), "assessment") as opened:
        yield opened


async def log(store: EventStore) -> list[StoredEvent]:
    """The whole log, which must be gapless, in commit order and strictly increasing in time."""
    events = list(await store.after(0, 10_000))
    assert [event.meta.position for event in events] == list(range(1, len(events) + 1))
    assert all(one.meta.recorded_at < other.meta.recorded_at for one, other in pairwise(events))
    return events


async def versions(store: EventStore, stream: UUID) -> list[int]:
    return [event.meta.version for event in await store.load(stream)]


async def test_a_stored_event_comes_back_as_it_was_given(store: EventStore) -> None:
    stream, cause = uuid4(), uuid4()
    event = new_event(state=b'{"a": 1}', occurred_at=NOON - seconds(86_400), key_id="key-1")
    told = write(stream, 0, event, causation_id=cause)
    written = await store_one(store, told)
    (stored,) = await store.load(stream)
    meta = stored.meta
    assert (stored.state, meta.topic, meta.event_id, meta.occurred_at, meta.key_id) == (
        event.state,
        event.topic,
        event.event_id,
        event.occurred_at,
        "key-1",
    )
    assert (meta.stream_id, meta.version, meta.position, meta.command_id) == (stream, 1, 1, told.command_id)
    assert (meta.actor, meta.correlation_id, meta.causation_id) == (told.caller, told.correlation_id, cause)
    assert not written.repeated
    assert written.command == await store.command(told.key)
    assert (written.command.last_position, written.command.recorded_at) == (1, meta.recorded_at)


async def test_an_empty_log_has_no_head(store: EventStore) -> None:
    head = await store.head()
    assert (head.position, head.recorded_at) == (0, None)
    assert await store.after(0, 10) == []
    assert await store.command(write(uuid4(), 0).key) is None


async def test_positions_are_gapless_and_versions_contiguous(store: EventStore) -> None:
    one, other = uuid4(), uuid4()
    await store_one(store, write(one, 0, new_event(), new_event()))
    await store_one(store, write(other, 0, new_event()))
    await store_one(store, write(one, 2, new_event()))
    assert [event.meta.stream_id for event in await log(store)] == [one, one, other, one]
    assert await versions(store, one) == [1, 2, 3]
    assert [event.meta.version for event in await store.load(one)] == [1, 2, 3]
    assert (await store.head()).position == 4
    assert [event.meta.position for event in await store.after(1, 2)] == [2, 3]


@pytest.mark.parametrize("expected", [0, 2])
async def test_another_version_than_expected_is_a_conflict(store: EventStore, expected: int) -> None:
    stream = uuid4()
    await store_one(store, write(stream, 0, new_event()))
    refused = write(stream, expected, new_event())
    with pytest.raises(Conflict) as refusal:
        await store_one(store, refused)
    assert refusal.value.slug == "stream-changed"
    assert await store.command(refused.key) is None
    assert len(await log(store)) == 1


async def test_a_decision_without_events_also_stands_on_a_version(store: EventStore) -> None:
    stream = uuid4()
    await store_one(store, write(stream, 0, new_event()))
    with pytest.raises(Conflict):
        await store_one(store, write(stream, 0))


async def test_a_unit_is_stored_whole_or_not_at_all(store: EventStore) -> None:
    stream, taken = uuid4(), uuid4()
    await store_one(store, write(taken, 0, new_event()))
    row = due_row()
    gate = Gate(consumer="c", source="s", partition=0, last=0, position=7)
    fine, refused = write(stream, 0, new_event(), due=(row,)), write(taken, 0, new_event())
    with pytest.raises(Conflict):
        await store.commit(Unit(writes=(fine, refused), gate=gate))
    assert await store.load(stream) == []
    assert await store.command(fine.key) is None
    assert await store.consumed("c") == {}
    assert await store.claim_due(frozenset({row.kind}), NOON, 10, 10) == []
    await store_one(store, write(stream, 0, new_event()))
    assert len(await log(store)) == 2


async def test_several_writes_of_a_unit_build_on_each_other(store: EventStore) -> None:
    stream, other = uuid4(), uuid4()
    writes = (
        write(stream, 0, new_event(), new_event()),
        write(other, None, new_event()),
        write(stream, 2),
        write(stream, 2, new_event()),
        write(stream, None, new_event()),
    )
    outcome = await store.commit(Unit(writes=writes))
    assert [written.command.last_position for written in outcome] == [2, 3, 3, 4, 5]
    assert [written.command.key.command_id for written in outcome] == [told.command_id for told in writes]
    assert await versions(store, stream) == [1, 2, 3, 4]
    with pytest.raises(Conflict):
        await store.commit(Unit(writes=(write(stream, 4, new_event()), write(stream, 4, new_event()))))
    assert len(await log(store)) == 5


async def test_a_repeat_changes_nothing_and_answers_what_was_stored(store: EventStore) -> None:
    stream = uuid4()
    told = write(stream, 0, new_event(), new_event())
    first = await store_one(store, told)
    await store_one(store, write(stream, 2, new_event()))
    again = await store_one(store, replace(told, due=(due_row(),)))
    assert again.repeated
    assert again.command == first.command
    assert await store.claim_due(frozenset({"escalate"}), NOON, 10, 10) == []
    assert len(await log(store)) == 3
    assert len(await store.events_of_command(first.command)) == 2


async def test_a_command_without_events_is_remembered_too(store: EventStore) -> None:
    stream = uuid4()
    await store_one(store, write(stream, 0, new_event()))
    told = write(stream, 1)
    first = await store_one(store, told)
    assert (first.repeated, first.command.last_position) == (False, 1)
    assert await store_one(store, told) == type(first)(command=first.command, repeated=True)
    assert await store.events_of_command(first.command) == []


async def test_a_request_id_is_not_used_for_another_request(store: EventStore) -> None:
    stream = uuid4()
    told = write(stream, None, new_event())
    await store_one(store, told)
    reused = write(stream, None, new_event(), command_id=told.command_id, digest=b"other")
    for refused in (store_one(store, reused), store.commit(Unit(writes=(write(stream, None, new_event()), reused)))):
        with pytest.raises(RequestIdReused) as refusal:
            await refused
        assert (refusal.value.slug, refusal.value.field) == ("request-id-reused", "request_id")
        assert refusal.value.sentence == "This request_id was used for another request."
    assert len(await log(store)) == 1


ANOTHERS: list[dict[str, object]] = [
    {"caller": PersonId("someone.else")},
    {"stream_id": UUID(int=77)},
    {"kind": CommandKind.NOTE},
    {"kind": CommandKind.DUE},
    {"kind": CommandKind.OPERATOR},
]


@pytest.mark.parametrize("changes", ANOTHERS, ids=lambda changes: " ".join(map(str, changes.values())))
async def test_an_id_that_a_caller_chose_meets_no_other_key_than_its_own(
    store: EventStore, changes: dict[str, object]
) -> None:
    chosen = write(UUID(int=7), None, new_event())
    others = replace(chosen, digest=b"other", events=(new_event(),), **changes)
    first = await store_one(store, chosen)
    second = await store_one(store, others)
    assert (first.repeated, second.repeated) == (False, False)
    assert await store.command(chosen.key) == first.command
    assert await store.command(others.key) == second.command
    assert [
        [event.meta.event_id for event in await store.events_of_command(one.command)] for one in (first, second)
    ] == [
        [chosen.events[0].event_id],
        [others.events[0].event_id],
    ]
    assert (await store_one(store, others)).repeated
    more = [replace(one, command_id="again", events=(new_event(),)) for one in (chosen, others)]
    assert [one.repeated for one in await store.commit(Unit(writes=tuple(more)))] == [False, False]


async def test_one_command_twice_in_a_unit_counts_once(store: EventStore) -> None:
    told = write(uuid4(), 0, new_event())
    first, second = await store.commit(Unit(writes=(told, told)))
    assert (first.repeated, second.repeated) == (False, True)
    assert first.command == second.command
    assert len(await log(store)) == 1


async def test_two_requests_of_a_unit_do_not_share_an_id(store: EventStore) -> None:
    stream = uuid4()
    told = write(stream, None, new_event())
    other = write(stream, None, new_event(), command_id=told.command_id, digest=b"other")
    with pytest.raises(RequestIdReused):
        await store.commit(Unit(writes=(told, other)))
    assert await log(store) == []


async def test_any_version_leaves_out_events_that_are_known(store: EventStore) -> None:
    stream = uuid4()
    known, fresh = new_event(), new_event()
    first = await store_one(store, write(stream, None, known))
    await store_one(store, write(uuid4(), 0, new_event()))
    only_known = await store_one(store, write(stream, None, known))
    assert (only_known.repeated, only_known.command.last_position) == (True, first.command.last_position)
    both = await store_one(store, write(stream, None, known, fresh, fresh))
    assert (both.repeated, both.command.last_position) == (False, 3)
    assert [event.meta.event_id for event in await store.load(stream)] == [known.event_id, fresh.event_id]
    assert len(await log(store)) == 3


async def test_with_a_version_a_known_event_is_a_conflict(store: EventStore) -> None:
    known = new_event()
    await store_one(store, write(uuid4(), 0, known))
    with pytest.raises(Conflict):
        await store_one(store, write(uuid4(), 0, known))
    assert len(await log(store)) == 1


async def test_the_gate_lets_each_position_through_once(store: EventStore) -> None:
    first = Gate(consumer="c", source="s", partition=3, last=0, position=5)
    second = Gate(consumer="c", source="s", partition=3, last=5, position=9)
    await store.commit(Unit(gate=first))
    assert await store.consumed("c") == {("s", 3): 5}
    for closed in (first, Gate(consumer="c", source="s", partition=3, last=4, position=9)):
        with pytest.raises(GateClosed):
            await store.commit(Unit(gate=closed, writes=(write(uuid4(), 0, new_event()),)))
    await store.commit(Unit(gate=second))
    await store.commit(Unit(gate=Gate(consumer="d", source="s", partition=3, last=0, position=2)))
    assert await store.consumed("c") == {("s", 3): 9}
    assert await log(store) == []


async def test_a_gate_that_was_never_passed_opens_only_from_zero(store: EventStore) -> None:
    with pytest.raises(GateClosed):
        await store.commit(Unit(gate=Gate(consumer="c", source="s", partition=0, last=4, position=5)))
    assert await store.consumed("c") == {}


@pytest.mark.parametrize(("last", "position"), [(5, 5), (5, 4), (-1, 4)])
def test_a_gate_moves_forward(last: int, position: int) -> None:
    with pytest.raises(ValueError, match="forward"):
        Gate(consumer="c", source="s", partition=0, last=last, position=position)


async def test_of_two_owners_of_a_partition_one_passes(store: EventStore) -> None:
    gate = Gate(consumer="c", source="s", partition=0, last=0, position=5)
    units = [Unit(gate=gate, writes=(write(uuid4(), 0, new_event()),)) for _ in range(5)]
    outcomes = await asyncio.gather(*(store.commit(unit) for unit in units), return_exceptions=True)
    assert sum(isinstance(outcome, GateClosed) for outcome in outcomes) == 4
    assert len(await log(store)) == 1


async def test_due_rows_are_leased_longest_due_first(store: EventStore) -> None:
    late, later, not_yet, other = (
        due_row(NOON - seconds(20)),
        due_row(NOON - seconds(10)),
        due_row(NOON + seconds(1)),
        due_row(NOON, kind="remind"),
    )
    await store_one(store, write(uuid4(), 0, new_event(), due=(not_yet, later, late, other)))
    kinds = frozenset({"escalate"})
    (first,) = await store.claim_due(kinds, NOON, lease_seconds=30, limit=1)
    (second,) = await store.claim_due(kinds, NOON, lease_seconds=30, limit=5)
    assert (first.row, second.row) == (late, later)
    assert (first.claims, first.lease_until) == (1, NOON + seconds(30))
    assert await store.claim_due(kinds, NOON + seconds(0.5), 30, 5) == []
    again = await store.claim_due(kinds, NOON + seconds(30), 30, 5)
    assert [(claimed.row, claimed.claims) for claimed in again] == [(late, 2), (later, 2), (not_yet, 1)]


async def test_what_is_done_is_not_claimed_again(store: EventStore) -> None:
    row = due_row()
    await store_one(store, write(uuid4(), 0, new_event(), due=(row,)))
    await store_one(store, write(uuid4(), 0, new_event(), done=(row.due_id,)))
    await store_one(store, write(uuid4(), 0, new_event(), due=(row,)))
    assert await store.claim_due(frozenset({row.kind}), NOON + seconds(900), 30, 5) == []


async def test_two_workers_never_hold_one_due_row(store: EventStore) -> None:
    rows = tuple(due_row() for _ in range(40))
    await store_one(store, write(uuid4(), 0, new_event(), due=rows))
    kinds = frozenset({"escalate"})
    claims = await asyncio.gather(*(store.claim_due(kinds, NOON, 30, 10) for _ in range(6)))
    claims = [*claims, await store.claim_due(kinds, NOON, 30, 40)]
    held = [claimed.row.due_id for claim in claims for claimed in claim]
    assert sorted(held) == sorted(row.due_id for row in rows)


async def test_the_last_published_position_of_a_stream(store: EventStore) -> None:
    stream = uuid4()
    published, other = "test.Noted.v1", "test.Kept.v1"
    events = (new_event(topic=published), new_event(topic=other), new_event(topic=published), new_event(topic=other))
    await store_one(store, write(stream, 0, *events))
    await store_one(store, write(uuid4(), 0, new_event(topic=published)))
    topics = frozenset({published})
    assert [await store.last_position(stream, topics, through) for through in (5, 4, 3, 2, 1, 0)] == [3, 3, 3, 1, 1, 0]


async def test_eight_writers_on_one_stream_take_turns(store: EventStore) -> None:
    stream = uuid4()

    async def append_ten() -> None:
        stored = 0
        while stored < 10:
            version = len(await store.load(stream))
            try:
                await store_one(store, write(stream, version, new_event()))
            except Conflict:
                continue
            stored += 1

    async with asyncio.timeout(60):
        await asyncio.gather(*(append_ten() for _ in range(8)))
    assert await versions(store, stream) == list(range(1, 81))
    assert len(await log(store)) == 80


async def test_a_reader_at_the_tail_misses_nothing(store: EventStore) -> None:
    blocked = uuid4()
    await store_one(store, write(blocked, 0, new_event()))

    async def append(events: list[NewEvent]) -> None:
        for event in events:
            with pytest.raises(Conflict):
                await store.commit(Unit(writes=(write(uuid4(), 0, new_event()), write(blocked, 0, new_event()))))
            await store_one(store, write(uuid4(), 0, event))

    async def follow(count: int) -> list[StoredEvent]:
        seen: list[StoredEvent] = []
        while len(seen) < count:
            page = await store.after(len(seen), 7)
            assert [event.meta.position for event in page] == list(range(len(seen) + 1, len(seen) + len(page) + 1))
            seen += page
            if not page:
                await store.wait_for_more(len(seen), 0.25)
        return seen

    told = [[new_event() for _ in range(25)] for _ in range(4)]
    async with asyncio.timeout(60):
        following = asyncio.create_task(follow(101))
        await asyncio.gather(*(append(events) for events in told))
        seen = await following
    assert {event.meta.event_id for event in seen[1:]} == {event.event_id for events in told for event in events}
    assert seen == await log(store)


async def test_waiting_ends_when_the_log_grows_or_time_is_up(store: EventStore) -> None:
    async with asyncio.timeout(10):
        await store.wait_for_more(0, 0.01)
        waiting = asyncio.create_task(store.wait_for_more(0, 15))
        await store_one(store, write(uuid4(), 0, new_event()))
        await waiting
        await store.wait_for_more(0, 15)


async def test_memory_takes_no_sql() -> None:
    with pytest.raises(ValueError, match="PostgreSQL"):
        await MemoryEventStore().commit(Unit(statements=(Statement(sql="select 1"),)))


async def test_streams_are_listed_in_the_order_of_their_ids(store: EventStore) -> None:
    ids = sorted(uuid4() for _ in range(3))
    for stream in (*reversed(ids), ids[0]):
        await store_one(store, write(stream, None, new_event()))
    assert list(await store.streams(None, 10)) == ids
    assert list(await store.streams(ids[0], 1)) == [ids[1]]
    assert not await store.streams(ids[2], 10)
    assert list(await store.streams(None, 10, since=3)) == [ids[0]], "the one that has grown since"
    assert not await store.streams(None, 10, since=4)


async def test_a_clock_that_is_set_back_makes_nothing_older_than_what_is_stored() -> None:
    times = [NOON, NOON - seconds(60), NOON + seconds(60), NOON]
    store, stream, tick = MemoryEventStore(clock=lambda: times.pop(0)), uuid4(), seconds(1e-6)
    batches: list[list[NewEvent]] = [[new_event()], [new_event()], [], []]
    written = [await store_one(store, write(stream, None, *events)) for events in batches]
    assert [event.meta.recorded_at for event in await log(store)] == [NOON, NOON + tick]
    assert [one.command.recorded_at for one in written] == [NOON, NOON + tick, NOON + seconds(60), NOON + tick]
