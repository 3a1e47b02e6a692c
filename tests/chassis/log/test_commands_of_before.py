"""Commands that an earlier build stored under their ids alone: found by who gave them, and in nobody else's way."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from msgspec.structs import replace

from careloop.chassis.log.appender_call import append_call, outcomes
from careloop.chassis.log.postgres import PostgresEventStore
from careloop.chassis.log.protocol import Gate, Unit, Write, Written
from careloop.kernel.errors import RequestIdReused
from careloop.kernel.events import CommandKind
from careloop.kernel.ids import PersonId
from tests.support.histories.writes import new_event, write
from tests.support.stack import PostgresDatabase

SCHEMA = "assessment"
DIGEST = b"of 32 bytes, as every call's is "
Stored = Callable[[PostgresEventStore, Write], Any]


@pytest.fixture
async def store(postgres: PostgresDatabase) -> AsyncIterator[PostgresEventStore]:
    async with PostgresEventStore.open(postgres.dsn(SCHEMA), SCHEMA) as opened:
        yield opened


@pytest.fixture
async def before(postgres: PostgresDatabase) -> AsyncIterator[asyncpg.Connection]:
    """A process of the release before: it calls the functions that it was built with."""
    connection = await asyncpg.connect(postgres.dsn(SCHEMA), server_settings={"search_path": SCHEMA})
    yield connection
    await connection.close()


async def stored_before(before: asyncpg.Connection, one: Write) -> None:
    event = one.events[0]
    places = ", ".join(f"${place}" for place in range(1, 13))
    await before.fetchrow(
        f"select * from append_one({places})",
        one.command_id, one.caller, one.digest, one.stream_id, one.expected_version, one.correlation_id, None,
        event.event_id, event.topic, event.state, event.occurred_at, None,
    )  # fmt: skip


async def alone(store: PostgresEventStore, one: Write) -> Written:
    (written,) = await store.commit(Unit(writes=(one,)))
    return written


async def in_a_batch(store: PostgresEventStore, one: Write) -> Written:
    writes = [write(uuid4(), 0, new_event()), one, write(uuid4(), 0, new_event())]
    statement, arguments = append_call(writes)
    async with store.connections.borrow() as connection:
        _, written, _ = outcomes(writes, await connection.fetchrow(statement, *arguments))
    if isinstance(written, Exception):
        raise written
    return written


async def with_a_gate(store: PostgresEventStore, one: Write) -> Written:
    position = (await store.consumed("c")).get(("s", 0), 0)
    gate = Gate(consumer="c", source="s", partition=0, last=position, position=position + 1)
    (written,) = await store.commit(Unit(writes=(one,), gate=gate))
    return written


WAYS: Sequence[Stored] = (alone, in_a_batch, with_a_gate)


@pytest.mark.parametrize("stored", WAYS)
@pytest.mark.parametrize(("kind", "digest"), [("caller", DIGEST), ("operator", DIGEST), ("note", b""), ("due", b"")])
async def test_who_gave_it_is_answered_what_was_stored_then(
    store: PostgresEventStore, before: asyncpg.Connection, stored: Stored, kind: str, digest: bytes
) -> None:
    first = write(uuid4(), 0, new_event(), command_id="r1", kind=CommandKind(kind), digest=digest)
    await stored_before(before, first)
    again = await stored(store, replace(first, events=(new_event(),)))
    assert (again.repeated, again.command.last_position) == (True, 1)
    found = await store.command(first.key)
    assert found is not None
    assert found == again.command
    assert [event.meta.event_id for event in await store.events_of_command(found)] == [first.events[0].event_id]
    with pytest.raises(RequestIdReused):
        await stored(store, replace(first, digest=(digest or b"x") * 2))
    assert len(await store.load(first.stream_id)) == 1


ANOTHERS: Sequence[dict[str, Any]] = (
    {"caller": PersonId("someone.else")},
    {"stream_id": uuid4()},
    {"kind": CommandKind.NOTE, "digest": b""},
    {"kind": CommandKind.DUE, "digest": b""},
)


@pytest.mark.parametrize("stored", WAYS)
@pytest.mark.parametrize("changes", ANOTHERS, ids=lambda changes: next(iter(changes)))
async def test_a_take_over_that_was_stored_before_is_in_nobody_s_way(
    store: PostgresEventStore, before: asyncpg.Connection, stored: Stored, changes: dict[str, Any]
) -> None:
    taken = write(uuid4(), 0, new_event(), command_id="note:notifications:e1", digest=DIGEST)
    await stored_before(before, taken)
    others = replace(taken, expected_version=None, events=(new_event(),), **changes)
    assert not (await stored(store, others)).repeated
    assert (await stored(store, others)).repeated
    assert others.events[0].event_id in {event.meta.event_id for event in await store.load(others.stream_id)}


async def test_a_note_of_before_keeps_no_caller_from_using_its_id(
    store: PostgresEventStore, before: asyncpg.Connection
) -> None:
    noted = write(uuid4(), 0, new_event(), command_id="note:x:e1", kind=CommandKind.NOTE, digest=b"")
    await stored_before(before, noted)
    mine = replace(noted, kind=CommandKind.CALLER, digest=DIGEST, expected_version=1, events=(new_event(),))
    assert not (await alone(store, mine)).repeated


async def test_a_process_of_the_release_before_goes_on_beside_one_of_now(
    store: PostgresEventStore, before: asyncpg.Connection
) -> None:
    stream = uuid4()
    await alone(store, write(stream, 0, new_event()))
    await stored_before(before, write(stream, 1, new_event()))
    await alone(store, write(stream, 2, new_event()))
    assert [event.meta.version for event in await store.load(stream)] == [1, 2, 3]
    assert [event.meta.position for event in await store.after(0, 10)] == [1, 2, 3]
