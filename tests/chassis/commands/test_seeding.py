"""Clocks for what runs already are seeded once, however often the pass is made."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from careloop.chassis.commands.seeding import Seeding
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.protocol import DueRow
from careloop.kernel.ids import derived_id
from tests.support.histories.writes import NOON, count_one, counters, request

LATER = NOON + timedelta(days=1)
KINDS = frozenset({"count-again"})


def clocks(total: int, stream: UUID) -> Iterable[DueRow]:
    """Who counted to two is asked to go on."""
    if total >= 2:
        yield DueRow(due_id=derived_id("again", stream), kind="count-again", stream_id=stream, due_at=NOON)


async def counted(store: MemoryEventStore, times: int) -> UUID:
    stream = uuid4()
    for _time in range(times):
        await counters(store).transact(stream, request(), count_one)
    return stream


async def due(store: MemoryEventStore) -> list[UUID]:
    return [one.row.stream_id for one in await store.claim_due(KINDS, LATER, 0, 10)]


async def test_every_stream_whose_state_asks_for_clocks_gets_them() -> None:
    store = MemoryEventStore()
    first, _young, second = await counted(store, 2), await counted(store, 1), await counted(store, 3)
    assert await Seeding("count-again", counters(store), clocks).run(NOON) == 2
    assert set(await due(store)) == {first, second}


async def test_a_second_pass_changes_nothing_and_reaches_what_the_first_did_not() -> None:
    store = MemoryEventStore()
    first = await counted(store, 2)
    await Seeding("count-again", counters(store), clocks).run(NOON)
    second = await counted(store, 2)
    head = await store.head()
    assert await Seeding("count-again", counters(store), clocks).run(LATER) == 1
    assert set(await due(store)) == {first, second}
    assert await store.head() == head, "clocks are no events"


async def test_passes_of_other_names_do_not_stand_in_each_others_way() -> None:
    store = MemoryEventStore()
    await counted(store, 2)
    assert await Seeding("count-again", counters(store), clocks).run(NOON) == 1
    assert await Seeding("count-more", counters(store), clocks).run(NOON) == 1


async def test_a_pass_that_came_to_its_end_is_remembered_and_only_what_grew_since_is_looked_at() -> None:
    store, looked_at = MemoryEventStore(), list[UUID]()

    def looking(total: int, stream: UUID) -> Iterable[DueRow]:
        looked_at.append(stream)
        return clocks(total, stream)

    first, second = await counted(store, 2), await counted(store, 2)
    assert await Seeding("count-again", counters(store), looking).run(NOON) == 2
    assert set(looked_at) == {first, second}
    looked_at.clear()
    assert await Seeding("count-again", counters(store), looking).run(NOON) == 0
    assert looked_at == []
    await counters(store).transact(second, request(), count_one)
    third = await counted(store, 2)
    await Seeding("count-again", counters(store), looking).run(NOON)
    assert set(looked_at) == {second, third}
    assert set(await due(store)) == {first, second, third}


async def test_a_pass_that_was_cut_off_is_made_from_its_beginning() -> None:
    store = MemoryEventStore()
    streams = sorted([await counted(store, 2), await counted(store, 2), await counted(store, 2)])

    for at in streams:

        def killed(total: int, stream: UUID, at: UUID = at) -> Sequence[DueRow]:
            if stream == at:
                raise KeyboardInterrupt
            return list(clocks(total, stream))

        with pytest.raises(KeyboardInterrupt):
            await Seeding("count-again", counters(store), killed).run(NOON)
    assert await Seeding("count-again", counters(store), clocks).run(NOON) == 1, "the others have theirs"
    assert set(await due(store)) == set(streams)
