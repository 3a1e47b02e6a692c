"""Commands that are stored together: each stands or falls alone, whatever comes with it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from careloop.chassis.log import appender
from careloop.chassis.log.appender import MOST_COMMANDS, MOST_WAITING, WRITERS
from careloop.chassis.log.appender_call import APPEND_COMMANDS, WriteOutcome, batch_arrays, outcomes
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.postgres import PostgresEventStore
from careloop.chassis.log.protocol import Chain, Unit, Write, Written
from careloop.kernel.errors import CareloopError, Conflict, Overloaded, RequestIdReused, Unavailable
from tests.support.histories.writes import due_row, new_event, store_one, write
from tests.support.stack import PostgresDatabase
from tests.support.waiting import until

SCHEMA = "assessment"


@pytest.fixture
async def store(postgres: PostgresDatabase) -> AsyncIterator[PostgresEventStore]:
    async with PostgresEventStore.open(postgres.dsn(SCHEMA), SCHEMA) as opened:
        yield opened


async def stored_together(store: PostgresEventStore, *writes: Write) -> list[WriteOutcome]:
    """One batch, whatever the appender would have made of it."""
    async with store.connections.borrow() as connection:
        return outcomes(writes, await connection.fetchrow(APPEND_COMMANDS, *batch_arrays(writes)))


def kinds(answers: Sequence[WriteOutcome]) -> list[str]:
    return [
        type(answer).__name__ if isinstance(answer, Exception) else "repeated" if answer.repeated else "stored"
        for answer in answers
    ]


def positions(answers: Sequence[WriteOutcome]) -> list[int | None]:
    return [answer.command.last_position if isinstance(answer, Written) else None for answer in answers]


async def test_a_batch_of_strangers_is_stored_in_order(store: PostgresEventStore) -> None:
    writes = [write(uuid4(), 0, *(new_event() for _ in range(count))) for count in (1, 3, 0, 2)]
    answers = await stored_together(store, *writes)
    assert kinds(answers) == ["stored"] * 4
    assert positions(answers) == [1, 4, 4, 6]
    events = await store.after(0, 10)
    assert [event.meta.position for event in events] == [1, 2, 3, 4, 5, 6]
    assert [event.meta.version for event in events] == [1, 1, 2, 3, 1, 2]
    times = [event.meta.recorded_at for event in events]
    assert sorted(set(times)) == times
    for each, answer in zip(writes, answers, strict=True):
        assert isinstance(answer, Written)
        assert await store.command(each.key) == answer.command


async def test_only_what_contradicts_is_refused(store: PostgresEventStore) -> None:
    known, stream = write(uuid4(), 0, new_event()), uuid4()
    await stored_together(store, known, write(stream, 0, new_event(), new_event()))
    answers = await stored_together(
        store,
        write(uuid4(), 0, new_event()),
        write(stream, 1, new_event()),
        known,
        write(uuid4(), 3, new_event()),
        write(stream, 1),
        write(known.stream_id, 0, new_event(), command_id=known.command_id, digest=b"another"),
        write(uuid4(), 0, new_event()),
    )
    assert kinds(answers) == [
        "stored", "Conflict", "repeated", "Conflict", "Conflict", "RequestIdReused", "stored",
    ]  # fmt: skip
    assert positions(answers) == [4, None, 1, None, None, None, 5]
    assert (await store.head()).position == 5


@pytest.mark.parametrize("expected", [1, 3])
async def test_a_version_that_is_not_the_stream_s_is_refused_without_a_scan_of_the_log(
    store: PostgresEventStore, expected: int
) -> None:
    stream = uuid4()
    await stored_together(store, write(stream, 0, new_event(), new_event()))
    assert kinds(await stored_together(store, write(stream, expected, new_event()))) == ["Conflict"]
    assert kinds(await stored_together(store, write(stream, 2, new_event()))) == ["stored"]


async def test_notes_at_any_version_go_to_the_end_and_known_ones_are_left_out(store: PostgresEventStore) -> None:
    stream, other = uuid4(), uuid4()
    noted = new_event()
    first = await stored_together(store, write(stream, None, noted), write(other, 0, new_event()))
    again = await stored_together(store, write(stream, None, noted, new_event()), write(other, None, new_event()))
    assert kinds(first) == kinds(again) == ["stored", "stored"]
    assert [event.meta.version for event in await store.load(stream)] == [1, 2]
    assert kinds(await stored_together(store, write(stream, None, noted))) == ["repeated"]


async def test_commands_of_a_chain_are_stored_in_one_batch(store: PostgresEventStore) -> None:
    stream, chain = uuid4(), Chain()
    row = [write(stream, version, new_event(), chain=chain) for version in range(5)]
    others, nothing = write(uuid4(), 0, new_event()), write(stream, 5, chain=chain)
    answers = await stored_together(store, *row[:2], others, *row[2:], nothing)
    assert kinds(answers) == ["stored"] * 7
    assert [event.meta.event_id for event in await store.load(stream)] == [one.events[0].event_id for one in row]


@pytest.mark.parametrize("known", [False, True])
async def test_what_follows_a_command_that_is_not_stored_now_is_refused_whatever_the_version(
    store: PostgresEventStore, known: bool
) -> None:
    """Others were faster with just as many events: the version fits, and what was decided on does not."""
    stream, chain = uuid4(), Chain()
    first = write(stream, 0, new_event(), chain=chain)
    await stored_together(store, replace(first, chain=None) if known else write(stream, 0, new_event()))
    followers = [write(stream, version, new_event(), chain=chain) for version in (1, 2)]
    answers = await stored_together(store, first, *followers)
    assert kinds(answers) == ["repeated" if known else "Conflict", "Conflict", "Conflict"]
    assert len(await store.load(stream)) == 1


async def test_what_follows_in_a_later_batch_is_refused_too(store: PostgresEventStore) -> None:
    stream, chain = uuid4(), Chain()
    await store_one(store, write(stream, 0, new_event()))
    first, second = write(stream, 0, new_event(), chain=chain), write(stream, 1, new_event(), chain=chain)
    with pytest.raises(Conflict):
        await store_one(store, first)
    with pytest.raises(Conflict):
        await store_one(store, second)
    assert len(await store.load(stream)) == 1


async def test_what_is_due_and_done_comes_with_its_command_only(store: PostgresEventStore) -> None:
    due, refused = due_row(), due_row()
    known = uuid4()
    await stored_together(store, write(known, 0, new_event(), due=(due,)))
    answers = await stored_together(
        store,
        write(known, 0, new_event(), due=(refused,), done=(due.due_id,)),
        write(uuid4(), 0, new_event(), due=(due_row(),)),
    )
    assert kinds(answers) == ["Conflict", "stored"]
    assert await store.connections.fetchval("select count(*) from due where done_at is null") == 2
    await stored_together(store, write(known, 1, new_event(), done=(due.due_id,)))
    assert await store.connections.fetchval("select due_id from due where done_at is not null") == due.due_id


async def test_one_command_that_the_server_cannot_take_is_refused_alone(store: PostgresEventStore) -> None:
    poison = write(uuid4(), 0, new_event(topic="not\0text"))
    writes = [write(uuid4(), 0, new_event()), poison, write(uuid4(), 0, new_event())]
    answers = await asyncio.gather(*(store.commit(Unit(writes=(each,))) for each in writes), return_exceptions=True)
    assert isinstance(answers[1], asyncpg.PostgresError)
    assert [answer[0].repeated for answer in answers[::2] if not isinstance(answer, BaseException)] == [False, False]
    assert (await store.head()).position == 2


async def test_commands_of_one_stream_keep_their_order(store: PostgresEventStore) -> None:
    stream = uuid4()
    writes = [write(stream, version, new_event()) for version in range(50)]
    strangers = [write(uuid4(), 0, new_event()) for _ in range(50)]
    await asyncio.gather(
        *(store.commit(Unit(writes=(each,))) for pair in zip(writes, strangers, strict=True) for each in pair)
    )
    loaded = await store.load(stream)
    assert [event.meta.command_id for event in loaded] == [each.command_id for each in writes]
    assert [event.meta.position for event in await store.after(0, 200)] == list(range(1, 101))


async def test_more_commands_than_may_wait_are_refused_at_once(
    store: PostgresEventStore, postgres: PostgresDatabase
) -> None:
    stream = uuid4()
    admin = await asyncpg.connect(postgres.admin_dsn, server_settings={"search_path": SCHEMA})
    async with admin.transaction():
        await admin.execute("select pg_advisory_xact_lock(log_key())")
        calls = [
            asyncio.create_task(store.commit(Unit(writes=(write(stream, None, new_event()),))))
            for _ in range(MOST_WAITING + 2)
        ]
        await until(lambda: any(call.done() for call in calls))
        refused = [call for call in calls if call.done()]
        for call in calls:
            call.cancel()
    await admin.close()
    assert all(isinstance(call.exception(), Overloaded | Unavailable) for call in refused)
    await asyncio.gather(*calls, return_exceptions=True)


@pytest.mark.parametrize(("answered_before", "refusal"), [(0, Overloaded), (3600, Unavailable)])
async def test_who_would_wait_behind_one_that_waits_too_long_is_refused_at_once(
    store: PostgresEventStore,
    postgres: PostgresDatabase,
    monkeypatch: pytest.MonkeyPatch,
    answered_before: float,
    refusal: type[CareloopError],
) -> None:
    """For too much work while something is stored, and for want of the store while nothing is."""
    admin = await asyncpg.connect(postgres.admin_dsn, server_settings={"search_path": SCHEMA})
    async with admin.transaction():
        await admin.execute("select pg_advisory_xact_lock(log_key())")
        first = [
            asyncio.create_task(store.commit(Unit(writes=(write(uuid4(), 0, new_event()),))))
            for _ in range(WRITERS * MOST_COMMANDS + 1)
        ]
        await until(lambda: len(store._appender._waiting) == 1)
        monkeypatch.setattr(appender, "MOST_SECONDS", 0.01)
        await asyncio.sleep(0.02)
        store._appender._answered_at = asyncio.get_running_loop().time() + 60 - answered_before
        with pytest.raises(refusal):
            await store.commit(Unit(writes=(write(uuid4(), 0, new_event()),)))
    await admin.close()
    await asyncio.gather(*first)


Known = tuple[list[UUID], list[Write]]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_a_batch_is_what_its_commands_are_one_by_one(store: PostgresEventStore, data: st.DataObject) -> None:
    """The store in memory, which takes one command at a time, is the model; only the times differ."""
    model = MemoryEventStore()
    streams = [uuid4() for _ in range(3)]
    told: list[Write] = []
    first = (await store.head()).position
    for _ in range(data.draw(st.integers(1, 4))):
        batch = data.draw(batches(streams, told))
        told += batch
        expected = [await alone(model, each) for each in batch]
        answers = await stored_together(store, *batch)
        assert kinds(answers) == kinds(expected)
        assert positions(answers) == [None if known is None else known + first for known in positions(expected)]
    for stream in streams:
        assert [event.meta.event_id for event in await store.load(stream)] == [
            event.meta.event_id for event in await model.load(stream)
        ]


@st.composite
def batches(draw: st.DrawFn, streams: Sequence[UUID], told: Sequence[Write]) -> list[Write]:
    """At most one command per stream, as the appender makes them; some known, some on a wrong version."""
    chosen = draw(st.lists(st.sampled_from(streams), min_size=1, unique=True))
    return [draw(commands(stream, [each for each in told if each.stream_id == stream])) for stream in chosen]


@st.composite
def commands(draw: st.DrawFn, stream: UUID, told: Sequence[Write]) -> Write:
    known = draw(st.sampled_from([None, *told]))
    if known is not None:
        digest = draw(st.sampled_from([known.digest, b"another"]))
        return write(stream, known.expected_version, *known.events, command_id=known.command_id, digest=digest)
    version = draw(st.one_of(st.none(), st.integers(0, 4)))
    return write(stream, version, *(new_event() for _ in range(draw(st.integers(0, 2)))))


async def alone(model: MemoryEventStore, each: Write) -> WriteOutcome:
    try:
        (answer,) = await model.commit(Unit(writes=(each,)))
    except (Conflict, RequestIdReused) as refusal:
        return refusal
    assert not isinstance(answer, CareloopError)
    return answer
