"""Streams that are read together, without a server: who is in which query, and who is told of its failure."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from careloop.chassis.log.connections import OwnConnection
from careloop.chassis.log.loader import MOST_STREAMS, Loader
from careloop.chassis.log.protocol import StoredEvent
from careloop.kernel.errors import Unavailable
from tests.support.played_server import FIRST, SECOND, Server
from tests.support.waiting import until


def events_of(stream: UUID, versions: Sequence[int]) -> list[Any]:
    return [_Event(stream, version) for version in versions]


class _Event:
    """So much of a stored event as a loader looks at."""

    def __init__(self, stream: UUID, version: int) -> None:
        self.meta = self
        self.stream_id = stream
        self.version = version


class Reads:
    """The queries of a loader; each waits until it may go on."""

    def __init__(self, *failures: Exception) -> None:
        self.asked: list[dict[UUID, int]] = []
        self.failures = list(failures)
        self.may_answer = asyncio.Event()

    async def __call__(self, _connection: Any, wanted: Mapping[UUID, int]) -> Sequence[StoredEvent]:
        self.asked.append(dict(wanted))
        await self.may_answer.wait()
        if self.failures:
            raise self.failures.pop(0)
        return [one for stream, after in wanted.items() for one in events_of(stream, range(after + 1, 6))]


def loader(reads: Reads) -> tuple[Loader, Server]:
    server = Server(lambda _sql, _args: None)
    return Loader(OwnConnection(server, "loader"), reads), server  # type: ignore[arg-type]


def versions(events: Sequence[StoredEvent]) -> list[int]:
    return [event.meta.version for event in events]


async def test_who_asks_while_a_query_runs_is_in_the_next_one() -> None:
    reads = Reads()
    loading, server = loader(reads)
    first = asyncio.create_task(loading.load(FIRST, 3))
    await until(lambda: bool(reads.asked))
    behind = [
        asyncio.create_task(loading.load(stream, after)) for stream, after in ((FIRST, 4), (SECOND, 0), (FIRST, 2))
    ]
    await asyncio.sleep(0)
    reads.may_answer.set()
    assert versions(await first) == [4, 5]
    assert [versions(one) for one in await asyncio.gather(*behind)] == [[5], [1, 2, 3, 4, 5], [3, 4, 5]]
    assert reads.asked == [{FIRST: 3}, {FIRST: 2, SECOND: 0}]
    assert server.purposes == ["loader"]


async def test_so_many_streams_are_in_one_query_and_the_rest_in_the_next() -> None:
    reads = Reads()
    reads.may_answer.set()
    loading, _server = loader(reads)
    await asyncio.gather(*(loading.load(uuid4(), 0) for _ in range(MOST_STREAMS + 1)))
    assert [len(one) for one in reads.asked] == [128, 1]


async def test_who_asked_in_a_query_that_failed_is_told_and_the_next_has_a_new_connection() -> None:
    reads = Reads(OSError("gone"))
    reads.may_answer.set()
    loading, server = loader(reads)
    both = await asyncio.gather(loading.load(FIRST, 0), loading.load(SECOND, 0), return_exceptions=True)
    assert [type(one) for one in both] == [Unavailable, Unavailable]
    assert server.connections[0].closed
    assert versions(await loading.load(FIRST, 3)) == [4, 5]
    assert len(server.connections) == 2


async def test_a_connection_that_is_refused_is_told_and_asked_for_again() -> None:
    reads = Reads()
    reads.may_answer.set()
    loading, server = loader(reads)
    server.refused = 1
    with pytest.raises(Unavailable):
        await loading.load(FIRST, 0)
    assert versions(await loading.load(FIRST, 4)) == [5]


async def test_who_gave_up_holds_up_nobody() -> None:
    reads = Reads()
    loading, _server = loader(reads)
    impatient, other = asyncio.create_task(loading.load(FIRST, 0)), asyncio.create_task(loading.load(FIRST, 0))
    await until(lambda: bool(reads.asked))
    impatient.cancel()
    await asyncio.wait([impatient])
    reads.may_answer.set()
    assert versions(await other) == [1, 2, 3, 4, 5]


async def test_a_loader_that_closes_refuses_who_waits_and_hangs_up() -> None:
    reads = Reads()
    loading, server = loader(reads)
    waiting = asyncio.create_task(loading.load(FIRST, 0))
    await until(lambda: bool(reads.asked))
    await loading.close()
    with pytest.raises(Unavailable):
        await waiting
    assert server.connections[0].closed


async def test_a_loader_that_was_never_used_closes() -> None:
    loading, server = loader(Reads())
    await loading.close()
    assert server.connections == []


async def test_a_connection_of_ones_own_is_made_once_and_again_when_it_is_closed() -> None:
    server = Server(lambda _sql, _args: None)
    own: Any = OwnConnection(server, "relay")  # type: ignore[arg-type]
    own.hang_up()
    first = await own.get()
    assert await own.get() is first
    first.terminate()
    second = await own.get()
    assert second is not first
    own.hang_up()
    assert second.closed
    assert await own.get() is not second
    assert server.purposes == ["relay"] * 3
