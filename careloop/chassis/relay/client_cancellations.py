"""A Kafka client ends its own tasks by cancelling them, and now and then lets that out to its caller."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from aiokafka.errors import KafkaError


class ClientCancelled(KafkaError):  # type: ignore[misc]  # aiokafka has no types
    """A Kafka client's call ended as cancelled, and nobody had cancelled the caller."""


@contextmanager
def client_cancellations() -> Iterator[None]:
    """A cancellation that nobody asked of this task is the client's trouble, not the end of the task.

    Unchecked it would end the task without a word, and a task group takes that for an orderly end.
    """
    try:
        yield
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise ClientCancelled from None
