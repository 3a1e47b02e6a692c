"""A dose that is dated ahead is the client's dose from the first moment of its day where they live, and not before."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec import UNSET

from careloop.chassis.commands.seeding import Seeding
from careloop.chassis.commands.streams import Streams
from careloop.chassis.due.deciding import DueDecisions
from careloop.chassis.due.worker import DueWorker
from careloop.chassis.events.codec import Codec
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.protocol import DueRow, Unit
from careloop.contracts.prescribing import DoseTookEffect
from careloop.kernel.events import CommandKind, Request
from careloop.kernel.ids import PersonId
from careloop.knowledge import chart as known
from services.prescribing import due
from services.prescribing.domain.decisions import OWN_DECISIONS
from services.prescribing.domain.dose_changes import PlannedDoses, change_dose
from services.prescribing.domain.events import TOPICS, DoseChanged, Event
from services.prescribing.domain.readings.numbered import LATEST
from services.prescribing.domain.readings.reading import Asking
from services.prescribing.domain.state import DECIDER
from services.prescribing.domain.taking_effect import TakeEffect, dated_ahead, doses_ahead, take_effect
from tests.support.controls import prescribing as p
from tests.support.controls.moments import LAST_WEEK, NOON, PATIENT, TODAY, YESTERDAY, event, fact
from tests.support.specification import given

DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
NEXT_WEEK = TODAY + timedelta(days=7)
DECIDED = replace(p.CAPSULE, as_of=TODAY)
ZONE = p.TIME_ZONE
MIDNIGHT = datetime(2026, 11, 30, 5, tzinfo=UTC)
"""Of the day a week ahead, in New York."""
AHEAD = replace(p.CHANGED, effective_on=NEXT_WEEK, capsule=DECIDED)
(DOSE,) = dated_ahead(AHEAD)
TAKE = TakeEffect(dose=DOSE, now=MIDNIGHT + DAY)
LATER_START = replace(p.ISSUED, order=replace(p.ISSUED.order, starts_on=NEXT_WEEK), capsule=DECIDED)


def asking(*history: Event, day: date = TODAY, of: Any = None) -> Asking:
    return Asking(chart=DECIDER.fold(history), order=of or p.SERTRALINE_50, as_of=day)


def taken(*history: Event, day: date = TODAY) -> known.Medication:
    (medication,) = LATEST.patient_chart(asking(*history, day=day)).medications or ()
    return medication


# 50 mg now, 100 mg a week ahead
def test_the_dose_of_each_day_is_that_of_the_last_change_up_to_it() -> None:
    chart = DECIDER.fold((p.ISSUED, AHEAD))
    days = [TODAY, NEXT_WEEK - DAY, NEXT_WEEK, NEXT_WEEK + DAY]
    assert [chart.daily_dose_mg(p.ISSUED, day) for day in days] == [50, 50, 100, 100]


def test_the_same_change_today_is_no_repetition_of_the_one_dated_ahead() -> None:
    today = replace(p.CHANGE_TO_100, fact_id=fact("today"), planned_doses=PlannedDoses.KEEP)
    (changed,) = given(DECIDER, *p.ASSESSED, p.ISSUED, AHEAD).when(change_dose, today).decided
    assert isinstance(changed, DoseChanged)
    assert (changed.from_daily_dose_mg, changed.to_daily_dose_mg) == (Decimal(50), Decimal(100))
    assert changed.effective_on == TODAY
    to_50 = replace(today, daily_dose_mg=Decimal(50))
    given(DECIDER, *p.ASSESSED, p.ISSUED, AHEAD).when(change_dose, to_50).then_refused("dose-unchanged")


@pytest.mark.parametrize(
    ("ahead", "slug"),
    [(0, None), (14, None), (15, "too-far-ahead"), (1900, "too-far-ahead"), (-1, "before-the-start")],
)
def test_a_change_lies_between_the_first_day_and_fourteen_days_ahead(ahead: int, slug: str | None) -> None:
    command = replace(p.CHANGE_TO_100, effective_on=TODAY + timedelta(days=ahead))
    asked = given(DECIDER, *p.ASSESSED, p.ISSUED).when(change_dose, command)
    if slug is None:
        assert [type(one) for one in asked.decided] == [DoseChanged]
    else:
        asked.then_refused(slug)


TO_75 = replace(p.CHANGE_TO_100, fact_id=fact("to 75"), daily_dose_mg=Decimal(75))
PLANNED = (*p.ASSESSED, p.ISSUED, AHEAD)


def test_a_change_before_a_planned_one_asks_the_prescriber_what_becomes_of_that() -> None:
    refusal = given(DECIDER, *PLANNED).when(change_dose, TO_75).then_refused("planned-dose-undecided")
    assert refusal.field == "planned_doses"
    assert refusal.details["daily_dose_mg"] == "100"
    assert refusal.details["effective_on"] == NEXT_WEEK.isoformat()


def test_a_planned_dose_that_was_kept_takes_effect_on_its_day() -> None:
    kept = replace(TO_75, planned_doses=PlannedDoses.KEEP)
    decided = given(DECIDER, *PLANNED).when(change_dose, kept).decided
    chart = DECIDER.fold((*PLANNED, *decided))
    assert [chart.daily_dose_mg(p.ISSUED, day) for day in (TODAY, NEXT_WEEK)] == [75, 100]
    assert given(DECIDER, *PLANNED, *decided).when(take_effect, TAKE).decided


def test_a_planned_dose_that_was_cancelled_never_takes_effect_and_is_checked_no_more() -> None:
    cancelling = replace(TO_75, planned_doses=PlannedDoses.CANCEL)
    (changed,) = given(DECIDER, *PLANNED).when(change_dose, cancelling).decided
    assert isinstance(changed, DoseChanged)
    assert changed.cancels == (AHEAD.fact_id,)
    chart = DECIDER.fold((*PLANNED, changed))
    assert [chart.daily_dose_mg(p.ISSUED, day) for day in (TODAY, NEXT_WEEK)] == [75, 75]
    given(DECIDER, *PLANNED, changed).when(take_effect, TAKE).then_nothing()
    assert taken(p.ISSUED, AHEAD, changed).daily_dose_mg == 75


def test_a_planned_dose_stands_again_when_what_cancelled_it_is_struck() -> None:
    cancelling = replace(TO_75, planned_doses=PlannedDoses.CANCEL)
    (changed,) = given(DECIDER, *PLANNED).when(change_dose, cancelling).decided
    chart = DECIDER.fold((*PLANNED, changed, replace(p.STRUCK, fact_id=TO_75.fact_id)))
    assert chart.daily_dose_mg(p.ISSUED, NEXT_WEEK) == 100


@pytest.mark.parametrize("days", [7, 8])
def test_a_change_of_the_same_day_or_a_later_one_leaves_nothing_to_ask(days: int) -> None:
    command = replace(TO_75, effective_on=TODAY + timedelta(days=days))
    assert given(DECIDER, *PLANNED).when(change_dose, command).decided


def test_a_planned_dose_whose_day_has_come_is_no_plan_any_more() -> None:
    a_week_later = replace(TO_75, effective_on=NEXT_WEEK, now=NOON + 8 * DAY, occurred_at=NOON + 8 * DAY)
    back = replace(a_week_later, effective_on=NEXT_WEEK - DAY)
    assert given(DECIDER, *PLANNED).when(change_dose, back).decided


def test_neither_the_dose_of_today_nor_a_planned_one_hides_from_the_check() -> None:
    down = replace(AHEAD, to_daily_dose_mg=Decimal(25))
    assert taken(p.ISSUED, AHEAD).daily_dose_mg == 100, "planned"
    assert taken(p.ISSUED, down).daily_dose_mg == 50, "of today"
    assert taken(p.ISSUED, down, day=NEXT_WEEK).daily_dose_mg == 25
    assert taken(p.ISSUED, AHEAD, p.DISCONTINUED, day=NEXT_WEEK).daily_dose_mg == 50, "of the last day"


def test_a_dose_nobody_stated_stays_unknown_whatever_is_planned() -> None:
    unknown = replace(p.ISSUED, order=replace(p.ISSUED.order, daily_dose_mg=None))
    assert taken(unknown, AHEAD).daily_dose_mg is None


# The fact
TOOK = DoseTookEffect(
    fact_id=p.TOOK_EFFECT.fact_id,
    prescription=p.ISSUED.fact_id,
    change=AHEAD.fact_id,
    daily_dose_mg=Decimal(100),
    effective_on=NEXT_WEEK,
    occurred_at=MIDNIGHT,
)


def of(decided: Any) -> list[tuple[Any, ...]]:
    return [(one.change, one.daily_dose_mg, one.effective_on, one.occurred_at) for one in decided]


def test_the_dose_takes_effect_at_the_first_moment_of_its_day_where_the_client_lives() -> None:
    (took,) = given(DECIDER, ZONE, p.ISSUED, AHEAD).when(take_effect, TAKE).decided
    assert took == replace(TOOK, fact_id=took.fact_id)
    given(DECIDER, ZONE, p.ISSUED, AHEAD, took).when(take_effect, TAKE).then_nothing()


def test_where_nobody_said_where_the_client_lives_it_is_midnight_in_utc() -> None:
    (took,) = given(DECIDER, p.ISSUED, AHEAD).when(take_effect, TAKE).decided
    assert took.occurred_at == datetime(2026, 11, 30, tzinfo=UTC)


STRUCK = replace(p.STRUCK, fact_id=AHEAD.fact_id)
REPLACED = replace(AHEAD, fact_id=fact("to 75"), to_daily_dose_mg=Decimal(75), occurred_at=NOON + TICK)
ENDED = replace(p.DISCONTINUED, stopped_on=NEXT_WEEK - DAY)


@pytest.mark.parametrize("since", [p.STRUCK, STRUCK, REPLACED, ENDED], ids=["order", "change", "replaced", "ended"])
def test_what_was_struck_replaced_or_ended_before_its_day_takes_no_effect(since: Event) -> None:
    given(DECIDER, ZONE, p.ISSUED, AHEAD, since).when(take_effect, TAKE).then_nothing()


def test_what_ended_on_its_day_took_effect_before_it_ended() -> None:
    ended = replace(ENDED, stopped_on=NEXT_WEEK)
    assert of(given(DECIDER, ZONE, p.ISSUED, AHEAD, ended).when(take_effect, TAKE).decided) == of([TOOK])


def test_a_prescription_begins_with_the_dose_of_its_first_day() -> None:
    (start,) = dated_ahead(LATER_START)
    command = TakeEffect(dose=start, now=MIDNIGHT)
    assert of(given(DECIDER, ZONE, LATER_START).when(take_effect, command).decided) == [(None, 50, NEXT_WEEK, MIDNIGHT)]
    history = (ZONE, LATER_START, AHEAD)
    assert of(given(DECIDER, *history).when(take_effect, command).decided) == [(None, 100, NEXT_WEEK, MIDNIGHT)]


@pytest.mark.parametrize(
    ("as_of", "effective_on", "ahead"),
    [
        (TODAY, TODAY, False),
        (TODAY, TODAY - DAY, False),
        (TODAY, TODAY + DAY, True),
        (UNSET, p.CHANGED.occurred_at.date(), False),
        (UNSET, p.CHANGED.occurred_at.date() + DAY, True),
    ],
)
def test_a_dose_is_dated_ahead_when_its_day_is_after_that_of_the_decision(
    as_of: Any, effective_on: date, ahead: bool
) -> None:
    change = replace(p.CHANGED, effective_on=effective_on, capsule=replace(p.CAPSULE, as_of=as_of))
    issued = replace(
        p.ISSUED, occurred_at=NOON, capsule=change.capsule, order=replace(p.ISSUED.order, starts_on=effective_on)
    )
    assert (bool(dated_ahead(change)), bool(dated_ahead(issued))) == (ahead, ahead)


@pytest.mark.parametrize(
    ("zone", "now", "today"),
    [
        ("America/New_York", datetime(2026, 11, 24, 2, tzinfo=UTC), date(2026, 11, 24)),
        ("Australia/Sydney", datetime(2026, 11, 23, 14, tzinfo=UTC), date(2026, 11, 24)),
        ("UTC", datetime(2026, 11, 23, 23, tzinfo=UTC), date(2026, 11, 23)),
    ],
)
def test_today_is_the_later_of_the_clients_day_and_that_of_utc(zone: str, now: datetime, today: date) -> None:
    assert DECIDER.fold([replace(ZONE, time_zone=zone)]).today(now) == today


def test_the_zone_noted_last_counts_and_a_struck_one_does_not() -> None:
    moved = replace(ZONE, fact_id=fact("moved"), time_zone="America/Denver", occurred_at=NOON)
    assert DECIDER.fold([moved, ZONE]).zone.key == "America/Denver"
    assert DECIDER.fold([moved, ZONE, replace(p.STRUCK, fact_id=moved.fact_id)]).zone.key == "America/New_York"


# The row
class Practice:
    """Prescribing's streams, its worker, and the hour."""

    def __init__(self, *, rows: bool = True) -> None:
        self.now = NOON
        self.store = MemoryEventStore(lambda: self.now)
        self.streams: Streams[Any, Event] = Streams(
            "prescribing",
            self.store,
            Codec(TOPICS),
            DECIDER,
            published=frozenset(),
            due=due.due_rows if rows else no_rows,
        )
        decisions = DueDecisions(
            self.streams, OWN_DECISIONS, lambda: self.now, {due.TAKE_EFFECT: due.asked}, {due.TAKE_EFFECT: due.when}
        )
        self.worker = DueWorker(self.store, decisions.handlers, lambda: self.now)

    async def record(self, *events: Event) -> None:
        for one in events:
            request = Request(
                request_id=f"before {one.fact_id} {self.now}",
                actor=PersonId("before"),
                kind=CommandKind.CALLER,
                digest=b"",
                correlation_id=PATIENT,
                now=self.now,
            )
            await self.store.commit(Unit(writes=(self.streams.write(PATIENT, request, [one], None),)))

    async def took(self, at: datetime) -> list[DoseTookEffect]:
        """What has taken effect when it is so late."""
        self.now = at
        while await self.worker.work():
            pass
        stored = [Codec(TOPICS).decode(row.meta.topic, row.state) for row in await self.store.load(PATIENT)]
        return [one for one in stored if isinstance(one, DoseTookEffect)]


def no_rows(_event: Event, _stream: Any) -> Iterator[DueRow]:
    """As of a build that had no clocks."""
    return iter(())


async def test_the_dose_changes_on_the_day_and_not_before() -> None:
    practice = Practice()
    await practice.record(ZONE, replace(p.ISSUED, capsule=DECIDED), AHEAD)
    assert await practice.took(MIDNIGHT - TICK) == []
    assert of(await practice.took(MIDNIGHT)) == of([TOOK])
    assert len(await practice.took(MIDNIGHT + 30 * DAY)) == 1


async def test_a_client_who_moved_has_another_midnight() -> None:
    practice = Practice()
    await practice.record(ZONE, replace(p.ISSUED, capsule=DECIDED), AHEAD)
    assert await practice.took(MIDNIGHT - timedelta(hours=2)) == []
    moved = replace(
        ZONE, fact_id=fact("moved"), evidence=event("moved"), time_zone="America/Los_Angeles", occurred_at=NOON
    )
    await practice.record(moved)
    assert await practice.took(MIDNIGHT + timedelta(hours=3) - TICK) == []
    assert of(await practice.took(MIDNIGHT + timedelta(hours=3))) == of(
        [replace(TOOK, occurred_at=MIDNIGHT + timedelta(hours=3))]
    )


async def test_a_dose_in_force_at_once_needs_no_row() -> None:
    practice = Practice()
    at_once = replace(p.CHANGED, capsule=DECIDED)
    await practice.record(ZONE, replace(p.ISSUED, capsule=DECIDED), at_once)
    assert await practice.took(MIDNIGHT + 30 * DAY) == []


async def test_what_an_earlier_build_dated_ahead_is_given_its_rows_once() -> None:
    practice = Practice(rows=False)
    past = replace(AHEAD, fact_id=fact("past"), effective_on=YESTERDAY.date(), occurred_at=LAST_WEEK, capsule=p.CAPSULE)
    far = replace(AHEAD, fact_id=fact("far"), effective_on=date(2031, 3, 1), to_daily_dose_mg=Decimal(200))
    await practice.record(ZONE, replace(p.BEGUN, capsule=p.CAPSULE), past, AHEAD, far)
    assert await practice.took(NOON) == []
    for _pass in range(2):
        await Seeding("doses-ahead", practice.streams, due.clocks).run(practice.now)
    assert [one.change for one in await practice.took(NOON)] == [past.fact_id]
    assert [one.change for one in await practice.took(MIDNIGHT)] == [past.fact_id, AHEAD.fact_id]
    assert [one.daily_dose_mg for one in await practice.took(datetime(2031, 3, 1, 5, tzinfo=UTC))] == [100, 100, 200]
    assert doses_ahead((await practice.streams.load(PATIENT)).state) == []
