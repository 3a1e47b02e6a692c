"""A difference between the client's list and a prescription that no prescriber answers in time becomes overdue."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from msgspec import UNSET

from careloop.chassis.commands.seeding import Seeding
from careloop.chassis.commands.streams import Streams
from careloop.chassis.due.deciding import DueDecisions
from careloop.chassis.due.worker import DueWorker
from careloop.chassis.events.codec import Codec
from careloop.chassis.log.memory import MemoryEventStore
from careloop.contracts.assessment import CurrentMedication
from careloop.contracts.prescribing import DiscrepancyOverdue
from careloop.contracts.terms import Medicine
from services.prescribing import due
from services.prescribing.domain.decisions import OWN_DECISIONS
from services.prescribing.domain.events import TOPICS, DiscrepancyFound, Event
from services.prescribing.domain.overdue import raise_overdue
from services.prescribing.domain.reconciliation import compare_list
from services.prescribing.domain.state import DECIDER, PrescriptionChart
from tests.support.controls import prescribing as p
from tests.support.controls.episodes import end_noted
from tests.support.controls.moments import NOON, PATIENT, TODAY, fact
from tests.support.histories.writes import request
from tests.support.specification import given

HOUR, TICK = timedelta(hours=1), timedelta(microseconds=1)
WAITS: tuple[Event, ...] = (*p.ASSESSED, p.BEGUN, p.LIST_NOTED, p.COMPARED, p.DISCREPANCY)
ANSWER_BY = p.OVERDUE.occurred_at
PAROXETINE_20 = Medicine(name="paroxetine 20 MG Oral Tablet")
LONG_AGO = timedelta(days=60)
TAKEN = replace(p.BEGUN.order, medicine=PAROXETINE_20, daily_dose_mg=Decimal(20), starts_on=TODAY - LONG_AGO)
PAROXETINE = replace(p.BEGUN, order=TAKEN, occurred_at=NOON - LONG_AGO)


def test_it_is_overdue_at_the_moment_at_which_it_was_to_be_answered() -> None:
    given(DECIDER, *WAITS).when(raise_overdue, p.RAISE_OVERDUE).then(p.OVERDUE)


@pytest.mark.parametrize(
    "then",
    [
        pytest.param(p.OVERDUE, id="said before"),
        pytest.param(p.RESOLVED, id="answered"),
        pytest.param(p.DISCONTINUED, id="the prescription was stopped"),
        pytest.param(replace(p.STRUCK, fact_id=p.BEGUN.fact_id), id="the prescription was struck"),
        pytest.param(replace(p.STRUCK, fact_id=p.DISCREPANCY.fact_id), id="the discrepancy was struck"),
        pytest.param(replace(p.PHENELZINE_STRUCK, fact_id=p.LIST), id="the list was struck"),
        pytest.param(replace(p.LIST_NOTED, fact_id=fact("newer"), occurred_at=NOON + HOUR), id="a newer list came"),
        pytest.param(replace(p.CHANGED, to_daily_dose_mg=Decimal(25)), id="the dose became that of the list"),
        pytest.param(end_noted("closed", NOON), id="the episode of care ended"),
    ],
)
def test_nobody_is_late_with_what_stands_no_more(then: Event) -> None:
    assert given(DECIDER, *WAITS, then).when(raise_overdue, p.RAISE_OVERDUE).decided == []


@pytest.mark.parametrize(
    "then",
    [
        pytest.param((p.RESOLVED, replace(p.STRUCK, fact_id=p.RESOLVED.fact_id)), id="the answer was struck"),
        pytest.param((p.CHANGED,), id="the dose became another one"),
        pytest.param((replace(p.LIST_NOTED, fact_id=fact("older"), occurred_at=NOON - HOUR),), id="an older list came"),
    ],
)
def test_what_does_not_settle_it_leaves_it_overdue(then: tuple[Event, ...]) -> None:
    given(DECIDER, *WAITS, *then).when(raise_overdue, p.RAISE_OVERDUE).then(p.OVERDUE)


@pytest.mark.parametrize(
    ("issued", "listed", "hours"),
    [
        (p.BEGUN, (), 72),
        (PAROXETINE, (), 24),
        (PAROXETINE, (CurrentMedication(medicine=PAROXETINE_20, stopped_on=TODAY, source="client"),), 24),
        (
            PAROXETINE,
            (CurrentMedication(medicine=PAROXETINE_20, daily_dose_mg=Decimal(10), source="client"),),
            72,
        ),
    ],
)
def test_what_must_not_be_stopped_at_once_and_is_not_taken_is_answered_within_a_day(
    issued: Event, listed: tuple[CurrentMedication, ...], hours: int
) -> None:
    recorded = NOON + 5 * HOUR
    heard = replace(p.COMPARE, medications=listed, recorded_at=recorded)
    _compared, found = given(DECIDER, *p.ASSESSED, issued).when(compare_list, heard).decided
    assert isinstance(found, DiscrepancyFound)
    assert found.answer_by == recorded + hours * HOUR, "from when it was recorded, however old the list is"


class Practice:
    def __init__(self, now: datetime) -> None:
        self.now = now
        self.store = MemoryEventStore(lambda: self.now)
        self.streams: Streams[PrescriptionChart, Event] = Streams(
            "prescribing", self.store, Codec(TOPICS), DECIDER, published=frozenset(), due=due.due_rows
        )
        asks = {due.DISCREPANCY: due.asked_answer}
        rows = DueDecisions(self.streams, OWN_DECISIONS, lambda: self.now, asks)
        self.workers = [DueWorker(self.store, rows.handlers, lambda: self.now) for _ in range(2)]

    async def knows(self, *events: Event) -> None:
        await self.streams.transact(PATIENT, request("known"), lambda _chart: events)

    async def overdue(self) -> list[DiscrepancyOverdue]:
        """What was said after both workers had their turn at this moment."""
        for worker in self.workers:
            await worker.work()
        rows = await self.store.load(PATIENT)
        events = [self.streams.codec.decode(row.meta.topic, row.state) for row in rows]
        return [event for event in events if isinstance(event, DiscrepancyOverdue)]


async def test_its_row_is_taken_up_when_the_time_is_over_and_not_before() -> None:
    clinic = Practice(NOON)
    await clinic.knows(*WAITS)
    clinic.now = ANSWER_BY - TICK
    assert await clinic.overdue() == []
    clinic.now = ANSWER_BY
    assert await clinic.overdue() == [p.OVERDUE]


async def test_workers_that_were_away_for_30_hours_say_it_once_and_when_it_was() -> None:
    clinic = Practice(NOON)
    await clinic.knows(*WAITS)
    clinic.now = ANSWER_BY + 30 * HOUR
    assert await clinic.overdue() == [p.OVERDUE]
    assert await clinic.overdue() == [p.OVERDUE]


async def test_one_that_was_found_before_there_were_such_rows_is_given_one_that_counts_from_its_list() -> None:
    clinic = Practice(NOON)
    earlier = replace(p.DISCREPANCY, answer_by=UNSET)
    without_rows: Streams[PrescriptionChart, Event] = Streams(
        "prescribing", clinic.store, Codec(TOPICS), DECIDER, published=frozenset()
    )
    await without_rows.transact(PATIENT, request("known"), lambda _chart: (*WAITS[:-1], earlier))
    clinic.now = ANSWER_BY
    assert await clinic.overdue() == []
    assert await Seeding("clocks", clinic.streams, due.clocks).run(clinic.now) == 1
    assert await clinic.overdue() == [p.OVERDUE]
