"""One partition of one source: what contradicts it, what is of another source, who waits, and how large a unit is."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from careloop.chassis.consuming.handler import Effects, Received
from careloop.chassis.consuming.inbox import BatchResult, Inbox
from careloop.chassis.consuming.inbox_log import Place
from careloop.chassis.events.envelope import Record, to_headers
from careloop.chassis.log.protocol import Gate, Unit
from careloop.kernel.errors import Conflict, Overloaded, Unavailable
from tests.support.consuming import OTHER_SOURCE, Consuming, ParkedInMemory, UnitStore, chain, of
from tests.support.histories.log import CONSUMER, SOURCE, Noting, Raw, SourceLog, patient, raw, record
from tests.support.waiting import until

ANN, BEN, CAT = patient(1), patient(2), patient(3)


@pytest.fixture
def consuming() -> Consuming:
    return Consuming()


@asynccontextmanager
async def watching(inbox: Inbox) -> AsyncIterator[None]:
    task = asyncio.create_task(inbox.watch())
    try:
        yield
    finally:
        task.cancel()


async def test_nothing_after_a_contradiction_is_applied_however_well_it_fits(consuming: Consuming) -> None:
    contradicting = record(9, 1, ANN)
    assert await consuming.take(*chain(ANN, BEN, ANN), contradicting, record(4, 3, ANN)) is BatchResult.HELD
    assert await consuming.position() == 3
    assert await consuming.take(record(4, 3, ANN)) is BatchResult.HELD
    assert await consuming.take(record(10, 9, BEN)) is BatchResult.HELD
    assert await consuming.take() is BatchResult.HELD
    assert (await consuming.position(), consuming.observed.stops) == (3, [9])
    assert consuming.inbox.holds(SOURCE, 0)


async def test_a_contradiction_stops_its_own_partition_only(consuming: Consuming) -> None:
    await consuming.take(*chain(ANN, BEN), record(9, 1, ANN))
    assert await consuming.take(*chain(CAT), partition=1) is BatchResult.DONE
    assert not consuming.inbox.holds(SOURCE, 1)


async def test_a_contradiction_is_not_asked_of_the_source(consuming: Consuming) -> None:
    consuming.source.records = chain(ANN, BEN, ANN)
    await consuming.take(*chain(ANN, BEN), record(9, 1, ANN))
    await consuming.take(record(5, 4, BEN), partition=1)
    async with watching(consuming.inbox):
        await until(lambda: bool(consuming.source.asked))
    assert consuming.source.asked[0] == (0, 4)
    assert await consuming.position() == 2


async def test_a_contradiction_that_is_delivered_again_to_who_begins_afresh_contradicts_again(
    consuming: Consuming,
) -> None:
    await consuming.take(*chain(ANN, BEN), record(9, 1, ANN))
    consuming.inbox.forget(SOURCE, 0)
    assert await consuming.take(record(9, 1, ANN)) is BatchResult.HELD
    assert consuming.observed.stops == [9, 9]


async def test_a_record_of_another_source_counts_as_malformed(consuming: Consuming) -> None:
    one, two = chain(ANN, ANN)
    assert await consuming.take(one, of(OTHER_SOURCE, two)) is BatchResult.HELD
    assert (consuming.observed.headers, await consuming.position()) == (["ce_source"], 1)
    assert consuming.handler.calls == [[1]]


async def test_what_is_malformed_is_fetched_with_all_that_follows_and_then_all_is_whole(consuming: Consuming) -> None:
    one, two, three, four = chain(ANN, ANN, BEN, ANN)
    consuming.source.records = [one, two, three]
    broken = Raw(headers=[header for header in to_headers(two.envelope) if header[0] != "ce_time"], value=two.value)
    assert await consuming.take(one, broken) is BatchResult.HELD
    async with watching(consuming.inbox):
        await until(lambda: not consuming.inbox.holds(SOURCE, 0))
    assert (consuming.source.asked, consuming.observed.headers) == ([(1, 0)], ["ce_time"])
    assert await consuming.position() == 3
    assert await consuming.take(four) is BatchResult.DONE


async def test_a_hole_is_fetched_to_its_end_and_told_with_how_many_wait(consuming: Consuming) -> None:
    records = chain(ANN, BEN, CAT, ANN, BEN, CAT)
    consuming.source.records = records
    assert await consuming.take(records[0], *records[4:]) is BatchResult.HELD
    async with watching(consuming.inbox):
        await until(lambda: not consuming.inbox.holds(SOURCE, 0))
    assert (consuming.source.asked, consuming.observed.holes) == ([(1, 4)], [(1, 2)])
    assert [position for call in consuming.handler.calls for position in call] == [1, 2, 3, 4, 5, 6]
    assert await consuming.take() is BatchResult.DONE


async def test_a_second_hole_behind_the_first_is_fetched_too(consuming: Consuming) -> None:
    records = chain(*[ANN] * 6)
    consuming.source.records = records
    await consuming.take(records[1], records[3], records[5])
    async with watching(consuming.inbox):
        await until(lambda: not consuming.inbox.holds(SOURCE, 0))
    assert consuming.source.asked == [(0, 1), (2, 3), (4, 5)]
    assert consuming.observed.holes == [(0, 3), (2, 2), (4, 1)]


async def test_nothing_is_fetched_while_patience_lasts() -> None:
    """The patient one looks at what is missing, too, before the hasty one asks for it."""
    patient_one, hasty = Consuming(patience_seconds=1.0), Consuming(patience_seconds=0.3)
    _one, two = chain(ANN, ANN)
    for consuming in (patient_one, hasty):
        await consuming.take(two)
        consuming.inbox.doubt(SOURCE, 1)
    async with watching(patient_one.inbox), watching(hasty.inbox):
        await until(lambda: len(hasty.source.asked) == 2)
    assert patient_one.source.asked == []


async def test_what_the_source_brings_after_a_doubt_is_told_as_a_hole(consuming: Consuming) -> None:
    records = chain(ANN, BEN)
    consuming.source.records = records
    await consuming.take(records[0])
    consuming.inbox.doubt(SOURCE, 0)
    async with watching(consuming.inbox):
        await until(lambda: bool(consuming.source.asked))
    assert (consuming.source.asked, consuming.observed.holes) == ([(1, 0)], [(1, 0)])
    assert await consuming.position() == 2


async def test_a_partition_that_nothing_came_of_yet_may_be_doubted(consuming: Consuming) -> None:
    consuming.source.records = chain(ANN)
    consuming.inbox.doubt(SOURCE, 0)
    async with watching(consuming.inbox):
        await until(lambda: bool(consuming.source.asked))
    assert await consuming.position() == 1


async def test_a_doubt_is_answered_once(consuming: Consuming) -> None:
    await consuming.take(*chain(ANN))
    consuming.inbox.doubt(SOURCE, 0)
    async with watching(consuming.inbox):
        await until(lambda: consuming.source.asked == [(1, 0)])
        consuming.inbox.doubt(SOURCE, 1)
        await until(lambda: len(consuming.source.asked) > 1)
    assert consuming.source.asked == [(1, 0), (0, 0)]


async def test_a_doubt_that_is_not_answered_stays() -> None:
    consuming = Consuming(source=SourceLog(chain(ANN), failure=Unavailable("peer", "away")))
    consuming.inbox.doubt(SOURCE, 0)
    async with watching(consuming.inbox):
        await until(lambda: len(consuming.source.asked) > 1)
        consuming.source.failure = None
        await until(lambda: bool(consuming.handler.calls))
    assert set(consuming.observed.delays) == {"Unavailable"}


async def test_a_duplicate_ends_no_doubt(consuming: Consuming) -> None:
    records = chain(ANN, BEN)
    await consuming.take(records[0])
    consuming.inbox.doubt(SOURCE, 0)
    await consuming.take(records[0])
    consuming.source.records = records
    async with watching(consuming.inbox):
        await until(lambda: bool(consuming.source.asked))
    assert await consuming.position() == 2


async def test_what_another_owner_moved_past_while_it_was_fetched_is_not_held_any_more(consuming: Consuming) -> None:
    one, two, three = chain(ANN, BEN, CAT)
    consuming.source.records = [one, two]
    await consuming.take(one, three)
    gate = Gate(consumer=CONSUMER, source=SOURCE, partition=0, last=1, position=2)
    await consuming.store.commit(Unit(gate=gate))
    async with watching(consuming.inbox):
        await until(lambda: not consuming.inbox.holds_any(SOURCE))
    assert consuming.inbox.holds(SOURCE, 0)
    assert await consuming.take(three) is BatchResult.AGAIN
    assert await consuming.take(three) is BatchResult.DONE
    assert consuming.observed.delays == []


async def test_a_doubt_ends_where_another_owner_was_faster(consuming: Consuming) -> None:
    one, two, three = chain(ANN, BEN, CAT)
    await consuming.take(one)
    consuming.source.records = [one, two]
    gate = Gate(consumer=CONSUMER, source=SOURCE, partition=0, last=1, position=2)
    await consuming.store.commit(Unit(gate=gate))
    consuming.inbox.doubt(SOURCE, 0)
    async with watching(consuming.inbox):
        await until(lambda: consuming.source.asked == [(1, 0)])
        assert await consuming.take(three) is BatchResult.AGAIN
        assert await consuming.take(three) is BatchResult.DONE
        consuming.inbox.doubt(SOURCE, 1)
        await until(lambda: len(consuming.source.asked) > 1)
    assert consuming.source.asked == [(1, 0), (0, 0)]


async def test_records_of_another_partition_or_source_hold_up_nothing(consuming: Consuming) -> None:
    _one, two = chain(ANN, ANN)
    await consuming.take(two)
    assert await consuming.take(*chain(BEN), partition=1) is BatchResult.DONE
    assert await consuming.take(*chain(CAT, source=OTHER_SOURCE), source=OTHER_SOURCE) is BatchResult.DONE
    holds = [consuming.inbox.holds(*place) for place in ((SOURCE, 0), (SOURCE, 1), (OTHER_SOURCE, 0))]
    assert holds == [True, False, False]
    assert [consuming.inbox.holds_any(source) for source in (SOURCE, OTHER_SOURCE, "none")] == [True, False, False]


async def test_a_unit_has_the_effects_and_the_gate_of_its_records(consuming: Consuming) -> None:
    await consuming.take(record(4, 0, ANN), record(9, 4, BEN), partition=2)
    await consuming.take(record(11, 9, ANN), partition=2)
    gates = [unit.gate for unit in consuming.store.units]
    assert gates == [
        Gate(consumer=CONSUMER, source=SOURCE, partition=2, last=0, position=9),
        Gate(consumer=CONSUMER, source=SOURCE, partition=2, last=9, position=11),
    ]
    assert [write.stream_id for unit in consuming.store.units for write in unit.writes] == [ANN, BEN, ANN]
    assert consuming.observed.applications == [(2, 9), (1, 11)]
    assert consuming.observed.places == {Place(consumer=CONSUMER, source=SOURCE, partition=2)}


async def test_a_unit_has_five_thousand_records_at_most(consuming: Consuming) -> None:
    unheard = "care.monitoring.Unheard.v1"
    await consuming.take(*(record(n, n - 1, ANN, wire_type=unheard, value=b"{}") for n in range(1, 5_002)))
    assert consuming.observed.applications == [(5_000, 5_000), (1, 5_001)]


class Limited(Noting):
    """Cannot handle more than so many at once, for a reason that may pass."""

    def __init__(self, most: int, failure: type[Exception]) -> None:
        super().__init__()
        self._most = most
        self._failure = failure

    async def handle(self, received: Sequence[Received]) -> Effects:
        effects = await super().handle(received)
        if len(received) > self._most:
            raise self._failure("too much", "too much")
        return effects


@pytest.mark.parametrize("failure", [ValueError, Overloaded])
async def test_a_unit_that_fails_is_halved_and_one_that_is_stored_is_followed_by_twice_as_much(
    failure: type[Exception],
) -> None:
    consuming = Consuming(handler=Limited(3, failure))
    assert await consuming.take(*chain(*[ANN] * 12)) is BatchResult.DONE
    assert [len(call) for call in consuming.handler.calls] == [12, 6, 3, 6, 3, 6, 3, 3]
    assert consuming.observed.parkings == []
    assert len(consuming.observed.delays) == (0 if failure is ValueError else 4)


async def test_four_conflicts_are_outlived_and_the_fifth_is_told() -> None:
    four = Consuming(store=UnitStore(*[Conflict("stream", "changed")] * 4))
    five = Consuming(store=UnitStore(*[Conflict("stream", "changed")] * 5))
    for consuming in (four, five):
        assert await consuming.take(*chain(ANN, BEN)) is BatchResult.DONE
    assert (four.observed.delays, five.observed.delays) == ([], ["Conflict"])
    assert [len(call) for call in four.handler.calls] == [2] * 5
    assert [len(call) for call in five.handler.calls] == [2] * 5 + [1, 1]


async def test_who_is_parked_for_one_source_is_served_from_another() -> None:
    consuming = Consuming(handler=Noting(frozenset({"text 1"})))
    assert await consuming.take(*chain(ANN, BEN)) is BatchResult.DONE
    consuming.handler.poison = frozenset()
    assert await consuming.take(*chain(ANN, source=OTHER_SOURCE), source=OTHER_SOURCE) is BatchResult.DONE
    assert await consuming.take(record(3, 2, ANN)) is BatchResult.DONE
    assert consuming.handler.calls[-1] == [1]
    assert (consuming.parked.positions(SOURCE), consuming.parked.positions(OTHER_SOURCE)) == ([1, 3], [])


async def test_who_is_parked_from_one_partition_is_asked_for_in_the_others_once_they_are_read_afresh() -> None:
    consuming = Consuming(handler=Noting(frozenset({"text 1"})))
    await consuming.take(*chain(ANN))
    await consuming.take(*chain(ANN, BEN), partition=1)
    assert consuming.parked.asked == [{ANN, BEN}]


async def test_nobody_is_asked_for_before_someone_is_parked(consuming: Consuming) -> None:
    await consuming.take(*chain(ANN, BEN))
    assert consuming.parked.asked == []


async def test_what_queues_behind_a_parked_record_is_queued_and_the_rest_is_handled() -> None:
    consuming = Consuming(handler=Noting(frozenset({"text 1"})))
    await consuming.take(*chain(ANN))
    await consuming.take(record(2, 1, ANN), record(3, 2, BEN))
    await consuming.take(record(4, 3, BEN), record(5, 4, ANN))
    assert consuming.parked.asked == [{ANN, BEN}] * 2
    queued = [statement for unit in consuming.store.units[1:] for statement in unit.statements]
    assert [(one.function, one.args[:4]) for one in queued] == [
        ("queue_parked", (CONSUMER, SOURCE, [ANN], [position])) for position in (2, 5)
    ]
    assert consuming.observed.parkings == [(1, "ValueError")]
    assert consuming.handler.calls[1:] == [[3], [4]]


async def test_a_parked_record_says_why_and_those_behind_it_that_they_queue() -> None:
    consuming = Consuming()
    await consuming.take(record(1, 0, ANN, value=b"{"), record(2, 1, ANN), record(3, 2, BEN))
    (parked,) = consuming.store.units[-1].statements
    assert parked.args[2:4] == ([ANN, ANN], [1, 2])
    assert parked.args[-1] == ["UndecodableValue", "queued"]
    assert consuming.observed.parkings == [(1, "UndecodableValue"), (2, "queued")]


async def test_an_empty_value_is_no_event_and_parks_its_patient(consuming: Consuming) -> None:
    (one,) = chain(ANN)
    assert await consuming.take(Raw(headers=to_headers(one.envelope), value=None)) is BatchResult.DONE
    assert consuming.observed.parkings == [(1, "UndecodableValue")]


async def test_a_batch_is_tried_again_until_it_would_take_too_long() -> None:
    consuming = Consuming(store=UnitStore(*[Unavailable("store", "away")] * 3))
    assert await consuming.take(*chain(ANN)) is BatchResult.DONE
    assert consuming.observed.delays == ["Unavailable"] * 3


def test_an_inbox_is_glad_of_a_thousand_records_or_of_what_its_handler_says(consuming: Consuming) -> None:
    class Large(Noting):
        most_records = 10_000

    assert (consuming.inbox.most_records, consuming.inbox.consumer) == (1_000, CONSUMER)
    assert Consuming(handler=Large()).inbox.most_records == 10_000


async def test_no_failure_of_an_inbox_comes_out() -> None:
    """Not even of what it asks before a record is looked at."""

    class Away(ParkedInMemory):
        failures = 2

        async def any(self, consumer: str, source: str) -> bool:
            if self.failures:
                self.failures -= 1
                raise RuntimeError("gone")
            return await super().any(consumer, source)

    consuming = Consuming()
    parked = Away(consuming.store)
    inbox = Inbox(consuming.store, consuming.handler, parked=parked, elsewhere=consuming.source)  # type: ignore[arg-type]
    records: list[Record] = chain(ANN)
    assert await inbox.take(SOURCE, 0, [raw(one) for one in records]) is BatchResult.DONE
    assert parked.failures == 0
