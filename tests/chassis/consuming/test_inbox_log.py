"""What an inbox tells the log: each trouble once, as loud as it is, with where it happened and no patient data."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import pytest
import structlog

from careloop.chassis.consuming.inbox_log import InboxLog, Place
from careloop.chassis.events.envelope import Record
from careloop.chassis.logs import set_up_logs
from careloop.chassis.process.composition import EveryLog
from careloop.chassis.process.runtime import pause, until_stopped
from tests.support.histories.log import patient, record

PLACE = Place(consumer="coordination.view", source="monitoring", partition=3)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    set_up_logs("coordination", stream)
    yield stream
    structlog.reset_defaults()


@pytest.mark.parametrize(
    ("tell", "expected"),
    [
        (
            lambda log: log.applied(PLACE, records=7, position=41, seconds=0.0123),
            {
                "event": "batches applied",
                "level": "info",
                "count": 1,
                "records": 7,
                "position": 41,
                "duration_ms": 12.3,
            },
        ),
        (
            lambda log: log.parked(PLACE, position=41, reason="ValueError"),
            {"event": "patient parked", "level": "error", "position": 41, "reason": "ValueError"},
        ),
        (
            lambda log: log.hole(PLACE, position=41, waiting=5),
            {"event": "hole in the topic", "level": "error", "position": 41, "waiting": 5},
        ),
        (
            lambda log: log.malformed(PLACE, header="ce_time"),
            {"event": "malformed record", "level": "error", "reason": "ce_time"},
        ),
        (
            lambda log: log.stopped(PLACE, position=41),
            {"event": "partition stopped", "level": "critical", "position": 41},
        ),
        (
            lambda log: log.delayed(PLACE, error=ValueError("Jane Canary")),
            {"event": "batch delayed", "level": "warning", "error_type": "ValueError"},
        ),
    ],
)
def test_each_is_one_line(lines: io.StringIO, tell: Callable[[InboxLog], None], expected: dict[str, Any]) -> None:
    tell(InboxLog())
    (line,) = [json.loads(line) for line in lines.getvalue().splitlines()]
    del line["timestamp"]
    place = {"consumer": "coordination.view", "source": "monitoring", "partition": 3, "service": "coordination"}
    assert line == {**expected, **place}


def test_a_batch_is_told_to_the_figures_too(lines: io.StringIO) -> None:
    told: list[tuple[str, str, int, float]] = []
    log = InboxLog(lambda *figures: told.append(figures))
    log.applied(PLACE, records=7, position=41, seconds=0.5)
    log.stopped(PLACE, position=41)
    assert told == [("coordination.view", "monitoring", 7, 0.5)]
    assert len(lines.getvalue().splitlines()) == 2


def test_of_what_went_well_a_consumer_says_one_line_a_second_which_sums_up(lines: io.StringIO) -> None:
    now = [100.0]
    log = InboxLog(clock=lambda: now[0])
    other = Place(consumer="coordination.other", source="monitoring", partition=3)
    for position in range(1, 6):
        log.applied(PLACE, records=position, position=position, seconds=position / 1000)
        log.applied(other, records=1, position=position, seconds=0.001)
    now[0] += 1
    log.applied(PLACE, records=1, position=6, seconds=0.001)
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    shown = [(line["consumer"], line["count"], line["records"], line["position"], line["duration_ms"]) for line in told]
    assert shown == [
        ("coordination.view", 1, 1, 1, 1.0),
        ("coordination.other", 1, 1, 1, 1.0),
        ("coordination.view", 5, 2 + 3 + 4 + 5 + 1, 6, 5.0),
    ]


class OneLog:
    """A log that answers one record, and keeps what it was asked for."""

    def __init__(self, position: int) -> None:
        self.record = record(position, 0, patient(1))
        self.asked: list[tuple[Any, ...]] = []

    async def read_published(self, *asked: Any) -> AsyncIterator[Sequence[Record]]:
        self.asked.append(asked)
        yield [self.record]

    read = read_published


async def test_a_services_own_records_come_from_its_own_log_and_others_from_theirs() -> None:
    own, peers = OneLog(1), OneLog(2)
    every = EveryLog("coordination", own, peers)  # type: ignore[arg-type]
    assert [run async for run in every.read("coordination", 3, 4, 5)] == [[own.record]]
    assert [run async for run in every.read("monitoring", 3, 4, 5)] == [[peers.record]]
    assert (own.asked, peers.asked) == ([(3, 4, 5)], [("monitoring", 3, 4, 5)])


async def test_work_that_never_returns_is_cancelled_when_the_process_stops() -> None:
    ended: list[str] = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    stopping = asyncio.Event()
    working = asyncio.ensure_future(until_stopped(forever)(stopping))
    await asyncio.sleep(0)
    assert not working.done()
    stopping.set()
    await asyncio.wait_for(working, 5)
    assert ended == ["cancelled"]


async def test_work_that_fails_or_returns_does_so_at_once() -> None:
    async def fails() -> None:
        raise ZeroDivisionError

    async def returns() -> None:
        return

    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(until_stopped(fails)(asyncio.Event()), 5)
    await asyncio.wait_for(until_stopped(returns)(asyncio.Event()), 5)


async def test_a_pause_ends_in_time_or_when_asked_to() -> None:
    stopping = asyncio.Event()
    await asyncio.wait_for(pause(stopping, 0.001), 5)
    stopping.set()
    await asyncio.wait_for(pause(stopping, 60), 5)
