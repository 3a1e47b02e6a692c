"""A stream is over when its caller's token is, and after a time of its own, however long its caller would wait."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
from care.operations.v1 import operations_pb2 as wire

from careloop.cli.calling.client import ENDS_EARLY, CallRefused, following
from tests.support.services.served import Answers, Refused, Served, refused, served, with_token
from tests.support.services.signing import NOW, service_token

Status = grpc.StatusCode


async def for_ever(*_asked: Any) -> AsyncIterator[Any]:
    """One answer, and then nothing for as long as anybody waits."""
    yield wire.ReadPublishedResponse(records=[wire.PublishedRecord(value=b"1")])
    await asyncio.Event().wait()


async def end_of(running: Served) -> Refused:
    """How a stream ended that brought one answer."""
    request, bearer = wire.ReadPublishedRequest(), service_token()
    stream = aiter(running.stub.ReadPublished(request, metadata=with_token(bearer), timeout=60))
    await anext(stream)
    return await refused(anext(stream))


async def test_a_stream_ends_at_its_own_maximum() -> None:
    async with served(Answers(stream=for_ever), max_stream_seconds=0.1) as running:
        ended = await end_of(running)
    assert (ended.code, ended.reason) == (Status.UNAVAILABLE, "stream-over")


async def test_a_stream_ends_with_its_callers_token() -> None:
    nearly = NOW + timedelta(seconds=599.8)
    async with served(Answers(stream=for_ever), now=lambda: nearly) as running:
        ended = await end_of(running)
    assert (ended.code, ended.reason) == (Status.UNAUTHENTICATED, "token-expired")


class Log:
    """Numbers up to 7, at most three a stream."""

    def __init__(self, ends: str = "stream-over", most: int = 3) -> None:
        self.ends, self.most = ends, most
        self.last = 0
        self.begun: list[int] = []

    async def begin(self) -> AsyncIterator[int]:
        self.begun.append(self.last)
        for number in range(self.last + 1, 8):
            if number > self.begun[-1] + self.most:
                raise CallRefused("assessment", Status.UNAVAILABLE, "Over.", self.ends)
            yield number


async def taken(log: Log) -> list[int]:
    found = []
    async for number in following(log.begin):
        log.last = number
        found.append(number)
    return found


@pytest.mark.parametrize("reason", sorted(ENDS_EARLY))
async def test_a_caller_goes_on_behind_the_last_answer(reason: str) -> None:
    log = Log(reason)
    assert await taken(log) == [1, 2, 3, 4, 5, 6, 7]
    assert log.begun == [0, 3, 6]


async def test_a_stream_that_brings_nothing_or_fails_otherwise_is_not_asked_for_again() -> None:
    for log in (Log(most=0), Log("store-unavailable")):
        with pytest.raises(CallRefused):
            await taken(log)
        assert log.begun == [0]
