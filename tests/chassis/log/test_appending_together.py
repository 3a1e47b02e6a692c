"""Commands that are stored together, without a server: which go in one batch, and what each is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from careloop.chassis.log import appender
from careloop.chassis.log.appender import FEW_COMMANDS, MOST_BYTES, MOST_COMMANDS, MOST_WAITING, Appender
from careloop.chassis.log.appender_call import APPEND_COMMAND, APPEND_COMMANDS, append_call, batch_arrays, outcomes
from careloop.chassis.log.protocol import CommandRecord, Write, Written
from careloop.kernel.errors import Conflict, Overloaded, RequestIdReused, Unavailable
from tests.support.histories.writes import CALLER, NOON, due_row, new_event, write
from tests.support.played_server import FIRST, SECOND, TICK, Server, one_event, record_of, row
from tests.support.waiting import until


class Log:
    """A server that stores what an appender sends; batches wait until they may be answered."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.head = 0
        self.answered = asyncio.Event()
        self.failures: list[Exception] = []
        self.stored: dict[str, CommandRecord] = {}

    async def __call__(self, sql: str, args: tuple[Any, ...]) -> Any:
        if "decided_commands" in sql:
            return [row(self.stored[one]) for one in args[0] if one in self.stored]
        if "pg_advisory" in sql:
            return None
        ids = [args[0]] if sql == APPEND_COMMAND else list(args[0])
        self.batches.append(ids)
        await self.answered.wait()
        if self.failures:
            raise self.failures.pop(0)
        head, self.head = self.head, self.head + len(ids)
        return {"statuses": None, "head": head, "first_at": NOON}


class Appending:
    def __init__(self) -> None:
        self.log = Log()
        self.server = Server(self.log)
        self.heads: list[int] = []
        self.appender = Appender(self.server, self.heads.append)  # type: ignore[arg-type]

    def append(self, *writes: Write) -> list["asyncio.Task[Written]"]:
        return [asyncio.create_task(self.appender.append(one)) for one in writes]


@asynccontextmanager
async def appending() -> AsyncIterator[Appending]:
    made = Appending()
    async with made.appender.running():
        yield made


async def test_a_command_alone_is_stored_at_once_and_the_new_head_is_told() -> None:
    async with appending() as appended:
        appended.log.answered.set()
        asked = one_event()
        (call,) = appended.append(asked)
        written = await call
    assert (written.command.key.command_id, written.command.last_position, written.repeated) == (
        asked.command_id,
        1,
        False,
    )
    assert (appended.heads, appended.server.purposes) == ([1], ["appender"])


async def test_few_commands_wait_for_the_batch_under_way_and_go_together() -> None:
    async with appending() as appended:
        first = appended.append(one_event())
        await until(lambda: len(appended.log.batches) == 1)
        few = appended.append(*(one_event() for _ in range(FEW_COMMANDS - 1)))
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(appended.log.batches) == 1
        appended.log.answered.set()
        await asyncio.gather(*first, *few)
    assert [len(batch) for batch in appended.log.batches] == [1, FEW_COMMANDS - 1]


async def test_many_commands_do_not_wait_for_the_batch_under_way() -> None:
    async with appending() as appended:
        first = appended.append(one_event())
        await until(lambda: len(appended.log.batches) == 1)
        many = appended.append(*(one_event() for _ in range(FEW_COMMANDS)))
        await until(lambda: len(appended.log.batches) == 2)
        appended.log.answered.set()
        await asyncio.gather(*first, *many)
    assert [len(batch) for batch in appended.log.batches] == [1, FEW_COMMANDS]


@pytest.mark.parametrize(
    ("count", "sizes"), [(31, [31]), (32, [32]), (33, [32, 1]), (100, [50, 50]), (300, [128, 128, 44])]
)
async def test_with_nothing_under_way_half_of_many_goes_first(count: int, sizes: list[int]) -> None:
    async with appending() as appended:
        calls = appended.append(*(one_event() for _ in range(count)))
        await until(lambda: len(appended.log.batches) >= min(2, len(sizes)) or count <= FEW_COMMANDS + 1)
        appended.log.answered.set()
        await asyncio.gather(*calls)
    assert [len(batch) for batch in appended.log.batches] == sizes
    assert MOST_COMMANDS == 128


async def test_a_batch_ends_with_the_command_that_makes_it_large() -> None:
    large = MOST_BYTES // 2
    async with appending() as appended:
        calls = appended.append(*(write(uuid4(), 0, new_event(state=b"x" * large)) for _ in range(3)))
        appended.log.answered.set()
        await asyncio.gather(*calls)
    assert [len(batch) for batch in appended.log.batches] == [2, 1]


async def test_of_one_stream_one_command_is_under_way_and_the_others_keep_their_order() -> None:
    async with appending() as appended:
        appended.log.answered.set()
        mine = [one_event(FIRST) for _ in range(3)]
        others = [one_event() for _ in range(2)]
        await asyncio.gather(*appended.append(mine[0], others[0], mine[1], others[1], mine[2]))
    stored = [command for batch in appended.log.batches for command in batch]
    assert [command for command in stored if command in [one.command_id for one in mine]] == [
        one.command_id for one in mine
    ]
    assert appended.log.batches[0] == [mine[0].command_id, *(one.command_id for one in others)]


async def test_a_caller_that_gave_up_before_its_batch_left_leaves_nothing_behind() -> None:
    async with appending() as appended:
        first = appended.append(one_event(FIRST))
        await until(lambda: len(appended.log.batches) == 1)
        impatient, other = appended.append(one_event(FIRST), one_event(FIRST))
        await asyncio.sleep(0)
        impatient.cancel()
        appended.log.answered.set()
        await asyncio.gather(*first, other)
    assert [len(batch) for batch in appended.log.batches] == [1, 1]


async def test_so_many_commands_may_wait_and_one_more_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appender, "MOST_WAITING", 20)
    async with appending() as appended:
        under_way = appended.append(one_event(FIRST))
        await until(lambda: len(appended.log.batches) == 1)
        waiting = appended.append(*(one_event(FIRST) for _ in range(20)))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded) as overloaded:
            await appended.appender.append(one_event())
        appended.log.answered.set()
        await asyncio.gather(*under_way, *waiting)
        assert (await appended.appender.append(one_event())).repeated is False
    assert overloaded.value.slug == "too-many-commands"
    assert MOST_WAITING == 10_000


async def test_who_was_not_sent_is_refused_and_the_next_has_a_new_connection() -> None:
    async with appending() as appended:
        appended.log.answered.set()
        appended.server.refused = 1
        with pytest.raises(Unavailable):
            await appended.appender.append(one_event())
        assert (await appended.appender.append(one_event())).command.last_position == 1
    assert len(appended.log.batches) == 1


@pytest.mark.parametrize("stored", [True, False])
async def test_a_lost_answer_is_found_out_for_each(stored: bool) -> None:
    async with appending() as appended:
        appended.log.answered.set()
        appended.log.failures = [OSError("gone")]
        asked = one_event()
        if stored:
            appended.log.stored[asked.command_id] = record_of(asked)
            written = await appended.appender.append(asked)
            assert (written.command, written.repeated) == (record_of(asked), True)
        else:
            with pytest.raises(Unavailable):
                await appended.appender.append(asked)
        assert appended.server.connections[0].closed
        await appended.appender.append(one_event())
    assert appended.server.purposes == ["appender", "pool", "appender"]


async def test_what_the_server_cannot_take_is_tried_apart_and_refused_alone() -> None:
    async with appending() as appended:
        appended.log.answered.set()
        appended.log.failures = [asyncpg.DataError("bad"), asyncpg.DataError("bad")]
        calls = appended.append(*(one_event() for _ in range(3)))
        answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(one).__name__ for one in answers] == ["DataError", "Written", "Written"]
    assert [len(batch) for batch in appended.log.batches] == [3, 1, 1, 1]


async def test_who_waits_when_the_appender_ends_is_refused() -> None:
    async with appending() as appended:
        under_way = appended.append(one_event())
        await until(lambda: len(appended.log.batches) == 1)
        waiting = appended.append(one_event())
        await asyncio.sleep(0)
    opened = zip(appended.server.purposes, appended.server.connections, strict=True)
    assert [connection.closed for purpose, connection in opened if purpose == "appender"] == [True]
    answers = await asyncio.gather(*under_way, *waiting, return_exceptions=True)
    assert [type(one) for one in answers] == [Unavailable, Unavailable]


def test_one_ordinary_command_is_sent_as_one_and_all_others_as_a_batch() -> None:
    plain = one_event()
    event = plain.events[0]
    assert append_call([plain]) == (
        APPEND_COMMAND,
        (
            plain.command_id, "caller", CALLER, b"d", plain.stream_id, 0, plain.correlation_id, None,
            event.event_id, event.topic, event.state, event.occurred_at, None,
        ),
    )  # fmt: skip
    others = [
        [plain, plain],
        [write(FIRST, None, new_event())],
        [write(FIRST, 0)],
        [write(FIRST, 0, new_event(), new_event())],
        [one_event(due=(due_row(),))],
        [one_event(done=(uuid4(),))],
    ]
    for writes in others:
        assert append_call(writes) == (APPEND_COMMANDS, batch_arrays(writes))


def test_a_batch_is_told_in_parallel_arrays_each_row_with_its_command() -> None:
    row, finished = due_row(detail=b'{"a":1}'), uuid4()
    first = write(FIRST, 4, new_event(key_id="k"), new_event(), causation_id=SECOND)
    second = write(SECOND, None, new_event(), due=(row,), done=(finished,))
    arrays = batch_arrays([first, second])
    e = [*first.events, *second.events]
    assert arrays[:10] == [
        (first.command_id, second.command_id), ("caller", "caller"), (CALLER, CALLER), (b"d", b"d"), (FIRST, SECOND),
        (4, None), (4, None), (first.correlation_id, second.correlation_id), (SECOND, None), (2, 3),
    ]  # fmt: skip
    assert arrays[10:22] == [
        (FIRST, FIRST, SECOND), (5, 6, None), (1, 2, 1), tuple(one.event_id for one in e),
        tuple(one.topic for one in e), tuple(one.state for one in e), tuple(one.occurred_at for one in e),
        (first.correlation_id, first.correlation_id, second.correlation_id), (SECOND, SECOND, None), (CALLER,) * 3,
        (first.command_id, first.command_id, second.command_id), ("k", None, None),
    ]  # fmt: skip
    assert arrays[22:28] == [(2,), (row.due_id,), ("escalate",), (row.stream_id,), (NOON,), (b'{"a":1}',)]
    assert arrays[28:] == [(2,), (finished,)]
    assert batch_arrays([write(FIRST, 0)])[10:] == [()] * 20


def test_a_batch_that_was_stored_whole_gives_each_command_its_last_place_and_moment() -> None:
    writes = [write(FIRST, 0), write(FIRST, 0, new_event(), new_event()), write(SECOND, 0, new_event())]
    told = outcomes(writes, {"statuses": None, "head": 10, "first_at": NOON})
    assert told == [
        Written(command=record_of(writes[0], last_position=10), repeated=False),
        Written(command=record_of(writes[1], last_position=12, recorded_at=NOON + TICK), repeated=False),
        Written(command=record_of(writes[2], last_position=13, recorded_at=NOON + 2 * TICK), repeated=False),
    ]


def test_a_batch_that_was_not_gives_each_its_own_answer() -> None:
    writes = [one_event() for _ in range(4)]
    answer = {
        "statuses": ["stored", "repeated", "conflict", "reused"],
        "last_positions": [5, 2, None, None],
        "recorded_ats": [NOON, NOON - TICK, None, None],
        "event_counts": [1, 1, None, None],
    }
    stored, repeated, *refused = outcomes(writes, answer)
    assert stored == Written(command=record_of(writes[0], last_position=5), repeated=False)
    assert repeated == Written(command=record_of(writes[1], last_position=2, recorded_at=NOON - TICK), repeated=True)
    assert [type(one) for one in refused] == [Conflict, RequestIdReused]
