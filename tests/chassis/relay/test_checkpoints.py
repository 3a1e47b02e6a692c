"""Whose turn it is to relay, and from where, in a real table: an epoch for each, and nothing moved by an old one."""

from collections.abc import AsyncIterator

import pytest

from careloop.chassis.log.postgres import PostgresEventStore
from careloop.chassis.relay.checkpoint import Checkpoint, Fenced, PartitionsChanged, RelayCheckpoints
from tests.support.histories.log import SOURCE, fill, patient
from tests.support.stack import PostgresDatabase


@pytest.fixture
async def store(postgres: PostgresDatabase) -> AsyncIterator[PostgresEventStore]:
    async with PostgresEventStore.open(postgres.dsn(SOURCE), SOURCE) as opened:
        yield opened


async def test_each_holder_has_an_epoch_of_its_own_and_goes_on_where_the_last_one_was(
    store: PostgresEventStore,
) -> None:
    checkpoints = RelayCheckpoints(store.connections, 2, 60)
    await fill(store, [(patient(1), "a"), (patient(2), "b")])
    assert await checkpoints.position() == 0
    await checkpoints.check()
    async with checkpoints.lead() as first:
        assert first is not None
        assert first.checkpoint == Checkpoint(epoch=1, position=0, last_published=[0, 0])
        async with checkpoints.lead() as second:
            assert second is None
        before = await store.connections.fetchval("select clock_timestamp()")
        quiet = await first.quiet_moment()
        assert quiet.head == 2
        assert before <= quiet.at <= await store.connections.fetchval("select clock_timestamp()")
        await first.save(7, [5, 7])
        assert first.checkpoint == Checkpoint(epoch=1, position=7, last_published=[5, 7])
        assert await checkpoints.position() == 7
    async with checkpoints.lead() as third:
        assert third is not None
        assert third.checkpoint == Checkpoint(epoch=2, position=7, last_published=[5, 7])


async def test_who_was_succeeded_moves_nothing_and_claims_nothing(store: PostgresEventStore) -> None:
    async with RelayCheckpoints(store.connections, 2, 60).lead() as old:
        assert old is not None
        await store.connections.fetch("update relay_checkpoint set epoch = epoch + 1, position = 9 returning 1")
        with pytest.raises(Fenced):
            await old.save(5, [5, 0])
        with pytest.raises(Fenced):
            await old.quiet_moment()
        assert old.checkpoint == Checkpoint(epoch=1, position=0, last_published=[0, 0])
    assert await store.connections.fetchval("select position from relay_checkpoint") == 9


async def test_another_number_of_partitions_leads_nothing(store: PostgresEventStore) -> None:
    async with RelayCheckpoints(store.connections, 2, 60).lead():
        pass
    other = RelayCheckpoints(store.connections, 3, 60)
    for attempt in (other.check(), other.lead().__aenter__()):
        with pytest.raises(PartitionsChanged, match="2 partitions, and 3"):
            await attempt
    assert await store.connections.fetchval("select epoch from relay_checkpoint") == 1
