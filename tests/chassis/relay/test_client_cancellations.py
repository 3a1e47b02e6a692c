"""What is cancelled within a Kafka client is its own trouble; who was cancelled himself ends."""

import asyncio

import pytest

from careloop.chassis.relay.client_cancellations import ClientCancelled, client_cancellations


async def test_a_cancellation_that_nobody_asked_for_is_the_clients_trouble() -> None:
    with pytest.raises(ClientCancelled), client_cancellations():
        raise asyncio.CancelledError


async def test_who_is_cancelled_himself_ends() -> None:
    async def waiting() -> None:
        with client_cancellations():
            await asyncio.Event().wait()

    task = asyncio.create_task(waiting())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_a_deadline_stays_a_deadline() -> None:
    with pytest.raises(TimeoutError), client_cancellations():
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()
