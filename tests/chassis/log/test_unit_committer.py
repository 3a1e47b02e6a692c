"""Units of several partitions in one transaction: each whole or not at all, each with its own answer."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from careloop.chassis.log.connections import Timeouts
from careloop.chassis.log.postgres import PostgresEventStore
from careloop.chassis.log.protocol import Gate, GateClosed, Unit, calling
from careloop.kernel.errors import Unavailable
from tests.support.stack import PostgresDatabase
from tests.support.wires.lossy_proxy import Loss, LossyProxy, lossy_proxy

PARTITIONS = 6
CONSUMER = "together.test"

Lossy = tuple[PostgresEventStore, LossyProxy]


@pytest.fixture
async def lossy(postgres: PostgresDatabase) -> AsyncIterator[Lossy]:
    async with (
        lossy_proxy(postgres.dsn("assessment")) as (proxy, dsn),
        PostgresEventStore.open(dsn, "assessment", timeouts=Timeouts(acquire=1, statement=4, resolve=2)) as store,
    ):
        yield store, proxy


def unit(partition: int, last: int, *, count: int = 1, poison: bool = False) -> Unit:
    gate = Gate(consumer=CONSUMER, source="s", partition=partition, last=last, position=last + count)
    words = "no number" if poison else "1"
    return Unit(gate=gate, statements=(calling("pg_catalog.to_number", words, "9"),))


async def together(store: PostgresEventStore, *units: Unit) -> list[object]:
    return await asyncio.gather(*(store.commit(one) for one in units), return_exceptions=True)


async def test_what_waits_is_one_transaction(lossy: Lossy, postgres: PostgresDatabase) -> None:
    store, _ = lossy
    await together(store, *(unit(partition, 0) for partition in range(PARTITIONS)))
    admin = await asyncpg.connect(postgres.admin_dsn)
    try:
        made_by = await admin.fetch("select xmin::text, count(*) as n from assessment.consumed_positions group by 1")
    finally:
        await admin.close()
    assert [row["n"] for row in made_by] == [PARTITIONS]


async def test_the_one_that_fails_fails_alone(lossy: Lossy) -> None:
    store, _ = lossy
    await store.commit(unit(2, 0))
    first = [unit(partition, 0, poison=partition == 4) for partition in range(PARTITIONS)]
    answers = await together(store, *first)
    assert isinstance(answers[2], GateClosed)
    assert isinstance(answers[4], asyncpg.PostgresError)
    assert [answers[n] for n in (0, 1, 3, 5)] == [[]] * 4
    assert await store.consumed(CONSUMER) == {("s", n): 1 for n in (0, 1, 2, 3, 5)}


async def test_a_large_unit_does_not_hold_up_small_ones(lossy: Lossy) -> None:
    store, _ = lossy
    assert await together(store, unit(0, 0, count=50_000), unit(1, 0), unit(2, 0)) == [[]] * 3
    assert await store.consumed(CONSUMER) == {("s", 0): 50_000, ("s", 1): 1, ("s", 2): 1}


@pytest.mark.parametrize("loss", Loss)
async def test_a_lost_answer_is_found_out_for_each(lossy: Lossy, loss: Loss) -> None:
    store, proxy = lossy
    for last in range(10):
        units = [unit(partition, last) for partition in range(PARTITIONS)]
        proxy.lose(CONSUMER.encode(), loss)
        answers = await together(store, *units)
        again = await together(store, *units)
        for answer, repeat in zip(answers, again, strict=True):
            if isinstance(answer, Unavailable):
                assert repeat == []
            else:
                assert answer == []
                assert isinstance(repeat, GateClosed)
        assert loss is Loss.AFTER or any(isinstance(answer, Unavailable) for answer in answers)
        assert await store.consumed(CONSUMER) == {("s", n): last + 1 for n in range(PARTITIONS)}


async def test_two_processes_on_the_same_partitions_never_wait_in_a_circle(postgres: PostgresDatabase) -> None:
    """Both believe to own everything; each position is stored by one of them, and the other is told."""
    dsn = postgres.dsn("assessment")
    async with PostgresEventStore.open(dsn, "assessment") as one, PostgresEventStore.open(dsn, "assessment") as other:
        for last in range(30):
            units = [unit(partition, last) for partition in range(PARTITIONS)]
            both = await asyncio.gather(together(one, *units), together(other, *reversed(units)))
            for answers in zip(both[0], reversed(both[1]), strict=True):
                assert sorted(type(answer).__name__ for answer in answers) == ["GateClosed", "list"]
