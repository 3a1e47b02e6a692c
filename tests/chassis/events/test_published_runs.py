"""Reading again what was published: runs and pages at both sides of their bounds, and no more read than is needed."""

from collections.abc import Callable, Sequence

import pytest
from msgspec.structs import replace

from careloop.chassis.events.envelope import Record
from careloop.chassis.events.publishing import FIRST_LOOK_BACK, PAGE, RUN, PublishedReader
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.protocol import StoredEvent
from tests.support.histories.log import publishing, rows_of

WORDS = b'{"text":"words","occurred_at":"2026-03-01T12:00:00Z"}'


class Counting(MemoryEventStore):
    """A log of these topics' events, which notes from where and how much is read of it."""

    def __init__(self, rows: Sequence[StoredEvent]) -> None:
        super().__init__()
        self._rows = rows
        self.reads: list[tuple[int, int]] = []

    async def after(self, position: int, limit: int) -> Sequence[StoredEvent]:
        self.reads.append((position, limit))
        return self._rows[position : position + limit]


async def log(published: Callable[[int], bool], count: int) -> Counting:
    """A log of so many events, of which those at some positions are published."""
    kept, noted = await rows_of(("monitoring.Kept.v1", WORDS), ("monitoring.Noted.v1", WORDS))
    chosen = [noted if published(position) else kept for position in range(1, count + 1)]
    return Counting([replace(row, meta=replace(row.meta, position=n)) for n, row in enumerate(chosen, start=1)])


async def log_of(count: int) -> Counting:
    return await log(lambda _position: True, count)


async def runs(reader: PublishedReader, after: int = 0, through: int = 0) -> list[list[Record]]:
    return [list(run) async for run in reader.read_published(0, after, through)]


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (1, [1]), (500, [500]), (501, [500, 1]), (1000, [500, 500])])
async def test_a_run_has_five_hundred_records_at_most(count: int, sizes: list[int]) -> None:
    reader = PublishedReader(await log_of(count), publishing(), 1)
    found = await runs(reader)
    assert [len(run) for run in found] == sizes
    positions = [one.envelope.position for run in found for one in run]
    assert positions == list(range(1, count + 1))
    assert (RUN, PAGE, FIRST_LOOK_BACK) == (500, 2_000, 64)


@pytest.mark.parametrize(
    ("after", "through", "positions"),
    [(0, 1, [1]), (0, 3, [1, 2, 3]), (1, 3, [2, 3]), (2, 3, [3]), (3, 3, []), (3, 2, []), (9, 0, [10]), (10, 0, [])],
)
async def test_the_end_belongs_to_what_is_read_and_the_beginning_does_not(
    after: int, through: int, positions: list[int]
) -> None:
    found = await runs(PublishedReader(await log_of(10), publishing(), 1), after, through)
    assert [one.envelope.position for run in found for one in run] == positions
    assert [one.envelope.previous for run in found for one in run] == [position - 1 for position in positions]


async def test_nothing_is_read_beyond_the_end() -> None:
    store = await log_of(PAGE + 1)
    await runs(PublishedReader(store, publishing(), 1), 0, PAGE)
    assert store.reads == [(0, PAGE)]
    store.reads.clear()
    await runs(PublishedReader(store, publishing(), 1), 0, PAGE + 1)
    assert store.reads == [(0, PAGE), (PAGE, PAGE)]


@pytest.mark.parametrize(
    ("after", "windows"),
    [
        (1, [(0, 1)]),
        (64, [(0, 64)]),
        (65, [(1, 64), (0, 1)]),
        (320, [(256, 64), (0, 256)]),
        (321, [(257, 64), (1, 256), (0, 1)]),
    ],
)
async def test_the_one_before_is_looked_for_in_widening_windows(after: int, windows: list[tuple[int, int]]) -> None:
    store = await log(lambda position: position in (1, 402), 402)
    ((last,),) = await runs(PublishedReader(store, publishing(), 1), after)
    assert (last.envelope.position, last.envelope.previous) == (402, 1)
    assert store.reads[: len(windows)] == windows


async def test_where_none_was_published_before_there_is_no_previous() -> None:
    store = await log(lambda position: position == 3, 3)
    ((first,),) = await runs(PublishedReader(store, publishing(), 1), 2)
    assert (first.envelope.position, first.envelope.previous) == (3, 0)
