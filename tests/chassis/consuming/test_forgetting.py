"""What a consumer remembers ends with its partition, with a unit that was not stored, and with a retry."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from careloop.chassis.consuming.inbox import BatchResult, Inbox
from careloop.chassis.consuming.parked_patients import InboxParkedPatients
from careloop.chassis.consuming.parked_records import ParkedRecords
from careloop.chassis.log.postgres import PostgresEventStore
from careloop.chassis.log.protocol import Gate, Unit
from careloop.kernel.errors import Conflict, Unavailable
from careloop.kernel.ids import PersonId
from tests.support.consuming import OTHER_SOURCE, Consuming, Remembering, UnitStore, chain, of
from tests.support.histories.log import CONSUMER, SOURCE, Noting, SourceLog, patient, raw, record
from tests.support.histories.writes import request
from tests.support.stack import PostgresDatabase
from tests.support.waiting import until

ANN, BEN = patient(1), patient(2)
HERE, BESIDE, ELSEWHERE = (SOURCE, 0), (SOURCE, 1), (OTHER_SOURCE, 0)


def remembering(*failures: BaseException, poison: frozenset[str] = frozenset()) -> tuple[Consuming, Remembering]:
    handler = Remembering(poison)
    return Consuming(store=UnitStore(*failures), handler=handler), handler


async def another_owner_moves_to(consuming: Consuming, position: int, last: int = 0) -> None:
    gate = Gate(consumer=CONSUMER, source=SOURCE, partition=0, last=last, position=position)
    await consuming.store.commit(Unit(gate=gate))


async def test_what_is_stored_is_remembered() -> None:
    consuming, handler = remembering()
    await consuming.take(*chain(ANN, BEN))
    assert handler.told == ["handled"]


async def test_a_partition_that_goes_away_is_forgotten_by_the_handler_too() -> None:
    consuming, handler = remembering()
    await consuming.take(*chain(ANN))
    consuming.inbox.forget(SOURCE, 0)
    assert handler.forgotten == [HERE]


async def test_a_partition_that_was_never_read_is_forgotten_as_well() -> None:
    """The handler may have filled its memory beside the inbox."""
    consuming, handler = remembering()
    consuming.inbox.forget(SOURCE, 1)
    assert handler.forgotten == [BESIDE]


async def test_a_partition_that_comes_back_goes_on_where_the_store_says() -> None:
    consuming, _handler = remembering()
    one, two, three = chain(ANN, ANN, ANN)
    await consuming.take(one)
    await another_owner_moves_to(consuming, 2, last=1)
    consuming.inbox.forget(SOURCE, 0)
    assert await consuming.take(two, three) is BatchResult.DONE
    assert consuming.handler.calls == [[1], [3]]


async def test_what_was_held_of_a_partition_goes_with_it() -> None:
    consuming, _handler = remembering()
    _one, two = chain(ANN, ANN)
    assert await consuming.take(two) is BatchResult.HELD
    assert (consuming.inbox.holds(SOURCE, 0), consuming.inbox.holds_any(SOURCE)) == (True, True)
    consuming.inbox.forget(SOURCE, 0)
    assert (consuming.inbox.holds(SOURCE, 0), consuming.inbox.holds_any(SOURCE)) == (False, False)


async def test_a_doubt_goes_with_its_partition() -> None:
    consuming, _handler = remembering()
    consuming.source.records = chain(ANN)
    consuming.inbox.doubt(SOURCE, 0)
    consuming.inbox.doubt(SOURCE, 1)
    consuming.inbox.forget(SOURCE, 0)
    watching = asyncio.create_task(consuming.inbox.watch())
    await until(lambda: consuming.source.asked == [(0, 0)])
    watching.cancel()
    assert await consuming.position(partition=0) == 0


async def test_a_source_that_is_forgotten_leaves_the_others() -> None:
    consuming, handler = remembering()
    _one, two = chain(ANN, ANN)
    for partition in (0, 1):
        await consuming.take(two, partition=partition)
    await consuming.take(of(OTHER_SOURCE, two), source=OTHER_SOURCE)
    consuming.inbox.forget_all(SOURCE)
    assert handler.forgotten == [HERE, BESIDE]
    assert [consuming.inbox.holds_any(source) for source in (SOURCE, OTHER_SOURCE)] == [False, True]


@pytest.mark.parametrize("failure", [Unavailable("store", "away"), Conflict("stream", "changed"), TimeoutError()])
async def test_a_unit_that_was_not_stored_is_forgotten_before_it_is_handled_again(failure: Exception) -> None:
    consuming, handler = remembering(failure)
    assert await consuming.take(*chain(ANN)) is BatchResult.DONE
    assert handler.told == ["handled", HERE, "handled"]


async def test_a_unit_of_a_poisoned_record_is_forgotten_too() -> None:
    consuming, handler = remembering(poison=frozenset({"text 2"}))
    assert await consuming.take(*chain(ANN, BEN)) is BatchResult.DONE
    assert handler.told == ["handled", HERE, "handled", "handled", HERE]
    assert consuming.observed.parkings == [(2, "ValueError")]


async def test_a_unit_that_another_owner_was_faster_with_is_forgotten_and_comes_again() -> None:
    consuming, handler = remembering()
    one, two = chain(ANN, ANN)
    await consuming.take(one)
    await another_owner_moves_to(consuming, 2, last=1)
    assert await consuming.take(two) is BatchResult.AGAIN
    assert set(handler.forgotten) == {HERE}
    assert handler.told[-1] == HERE
    assert not consuming.inbox.holds(SOURCE, 0)
    assert await consuming.take(two, record(3, 2, ANN)) is BatchResult.DONE
    assert handler.calls[-1] == [3]


async def test_a_unit_that_is_given_up_is_forgotten_and_comes_again() -> None:
    consuming = Consuming(
        store=UnitStore(*[Unavailable("store", "away")] * 100), handler=(handler := Remembering()), give_up_seconds=0.05
    )
    assert await consuming.take(*chain(ANN)) is BatchResult.AGAIN
    assert handler.told[-2:] == [HERE, HERE]
    consuming.store.failures.clear()
    assert await consuming.take(*chain(ANN)) is BatchResult.DONE


async def test_a_unit_that_is_cancelled_is_forgotten() -> None:
    consuming, handler = remembering(asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await consuming.take(*chain(ANN))
    assert handler.told == ["handled", HERE]


async def test_a_pause_ends_with_all_of_its_source_forgotten_and_nothing_else() -> None:
    consuming, handler = remembering()
    for partition in (1, 0):
        await consuming.take(*chain(ANN), partition=partition)
    await consuming.take(*chain(ANN, source=OTHER_SOURCE), source=OTHER_SOURCE)
    async with consuming.inbox.paused(SOURCE):
        assert handler.forgotten == []
    assert handler.forgotten == [HERE, BESIDE]


async def test_nothing_of_a_paused_source_is_applied_meanwhile() -> None:
    consuming, _handler = remembering()
    one, two = chain(ANN, ANN)
    await consuming.take(one)
    async with consuming.inbox.paused(SOURCE):
        waiting = asyncio.create_task(consuming.take(two))
        assert await consuming.take(*chain(ANN, source=OTHER_SOURCE), source=OTHER_SOURCE) is BatchResult.DONE
        assert await consuming.position() == 1
        await another_owner_moves_to(consuming, 2, last=1)
    assert await waiting is BatchResult.DONE
    assert consuming.handler.calls == [[1], [1]]


async def test_a_handler_without_memory_is_asked_to_forget_nothing() -> None:
    consuming = Consuming(store=UnitStore(Unavailable("store", "away")), handler=Noting())
    assert await consuming.take(*chain(ANN)) is BatchResult.DONE
    consuming.inbox.forget(SOURCE, 0)
    async with consuming.inbox.paused(SOURCE):
        pass
    assert await consuming.take(record(2, 1, ANN)) is BatchResult.DONE


@pytest.fixture
async def store(postgres: PostgresDatabase) -> AsyncIterator[PostgresEventStore]:
    async with PostgresEventStore.open(postgres.dsn("prescribing"), "prescribing") as opened:
        yield opened


async def test_a_retry_goes_beside_the_memory_and_what_is_remembered_is_read_again(store: PostgresEventStore) -> None:
    handler = Remembering(frozenset({"text 2"}))
    parked = ParkedRecords(store.connections)
    inbox = Inbox(store, handler, parked=parked, elsewhere=SourceLog())
    patients = InboxParkedPatients(store, parked, [inbox])
    for source in (OTHER_SOURCE, SOURCE):
        await inbox.take(source, 0, [raw(one) for one in chain(ANN, BEN, source=source)])
    handler.told.clear()
    handled = len(handler.calls)
    assert (await patients.retry(CONSUMER, SOURCE, BEN, request(actor=PersonId("operator")))).applied == 1
    assert handler.told == [HERE]
    assert (len(handler.calls), handler.beside.calls) == (handled, [[2]])
    assert await parked.any(CONSUMER, OTHER_SOURCE)
