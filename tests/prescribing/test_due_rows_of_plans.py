"""The rows of a dose plan: one wake-up at a time, whoever takes it up, whenever, and wherever the client lives."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from careloop.chassis.due.worker import Pace
from careloop.contracts.prescribing import (
    DosePlanEnded,
    DoseTookEffect,
    PlanEnding,
    SafetyStepTaken,
    StepDue,
    StepHeld,
    StepOverdue,
)
from services.prescribing import due
from tests.prescribing.following_a_plan import (
    DAY,
    FIRST,
    SERTRALINE,
    TAPER,
    Killed,
    Practice,
    at,
    confirm,
    hold,
    in_zone,
    practice,
    segment,
    sign,
)  # fmt: skip
from tests.support.controls import prescribing as p
from tests.support.controls.episodes import BEGUN, end_noted
from tests.support.controls.moments import NOON, fact

OPENS = at(FIRST - 3 * DAY, 5)
LEASE = timedelta(seconds=61)


async def tapering(zone: str = "America/New_York", **told: Any) -> Practice:
    clinic = await practice(zone=zone)
    await clinic.do(sign(*TAPER.segments, **told))
    return clinic


@pytest.mark.parametrize("dies", ["before", "after"])
@pytest.mark.parametrize("event", ["StepDue", "StepOverdue"])
async def test_a_process_killed_at_a_row_says_it_once(dies: str, event: str) -> None:
    clinic = await tapering()
    clinic.store.dies, clinic.store.at_event = dies, event
    with pytest.raises(Killed):
        await clinic.until(at(FIRST, 18))
    clinic.now += LEASE
    await clinic.until(at(FIRST, 18))
    assert [len(await clinic.events(kind)) for kind in (StepDue, StepOverdue)] == [1, 1]


@pytest.mark.parametrize("dies", ["before", "after"])
async def test_a_process_killed_at_a_reduction_for_safety_lowers_the_dose_once(dies: str) -> None:
    clinic = await tapering(safety=True)
    clinic.store.dies, clinic.store.at_event = dies, "SafetyStepTaken"
    with pytest.raises(Killed):
        await clinic.until(at(FIRST, 6))
    clinic.now += LEASE
    await clinic.work()
    (taken,) = await clinic.events(SafetyStepTaken)
    assert taken.occurred_at == at(FIRST, 5)
    assert [one.daily_dose_mg for one in await clinic.events(DoseTookEffect)] == [50]


async def test_two_workers_say_it_once() -> None:
    clinic = await tapering()
    other = clinic.another_worker()
    clinic.now = OPENS + timedelta(minutes=1)
    for _turn in range(3):
        await asyncio.gather(clinic.worker.work(), other.work())
    assert len(await clinic.events(StepDue)) == 1


async def test_a_worker_that_paused_with_a_row_in_hand_has_no_effect_when_it_goes_on() -> None:
    clinic = await tapering()
    clinic.now = OPENS
    claimed = await clinic.store.claim_due(frozenset(due.ASKED), clinic.now, Pace().lease, 20)
    assert claimed
    clinic.now += LEASE
    await clinic.work()
    assert len(await clinic.events(StepDue)) == 1
    for claim in claimed:
        await clinic.handlers[claim.row.kind](claim)
    assert len(await clinic.events(StepDue)) == 1


async def test_a_worker_that_was_away_for_thirty_hours_says_all_with_the_moments_at_which_it_became_true() -> None:
    clinic = await tapering()
    clinic.now = at(FIRST, 17) + timedelta(hours=30)
    await clinic.work()
    (due,), (overdue,) = await clinic.events(StepDue), await clinic.events(StepOverdue)
    assert (due.occurred_at, overdue.occurred_at) == (OPENS, at(FIRST, 17))


async def test_a_worker_that_was_away_takes_a_reduction_for_safety_from_its_day_on() -> None:
    clinic = await tapering(safety=True)
    clinic.now = at(FIRST, 5) + timedelta(hours=30)
    await clinic.work()
    (taken,) = await clinic.events(SafetyStepTaken)
    assert taken.occurred_at == at(FIRST, 5)
    assert [one.occurred_at for one in await clinic.events(DoseTookEffect)] == [at(FIRST, 5)]
    assert await clinic.dose(SERTRALINE, FIRST) == 50


async def test_a_step_that_was_held_before_a_worker_came_back_is_not_overdue() -> None:
    clinic = await tapering()
    clinic.now = at(FIRST - DAY)
    await clinic.do(hold(1, clinic.now))
    clinic.now = at(FIRST + DAY)
    await clinic.work()
    assert await clinic.events(StepOverdue) == []
    assert len(await clinic.events(StepHeld)) == 1


async def test_there_is_one_open_row_for_a_plan_that_waits() -> None:
    clinic = await tapering()
    assert await clinic.open_rows() == 1
    await clinic.until(at(FIRST - DAY))
    assert await clinic.open_rows() == 1


# Where the client lives
@pytest.mark.parametrize(
    ("zone", "day", "begins", "noon"),
    [
        ("Asia/Kolkata", date(2026, 12, 7), datetime(2026, 12, 6, 18, 30, tzinfo=UTC), (6, 30)),
        ("Australia/Lord_Howe", date(2027, 4, 5), datetime(2027, 4, 4, 13, 30, tzinfo=UTC), (1, 30)),
        ("America/St_Johns", date(2027, 3, 14), datetime(2027, 3, 14, 3, 30, tzinfo=UTC), (14, 30)),
        ("America/Santiago", date(2027, 4, 4), datetime(2027, 4, 4, 4, tzinfo=UTC), (16, 0)),
        ("Africa/Cairo", date(2027, 4, 30), datetime(2027, 4, 29, 22, tzinfo=UTC), (9, 0)),
    ],
)
async def test_days_begin_and_noons_come_where_the_client_lives_also_when_the_clocks_change(
    zone: str, day: date, begins: datetime, noon: tuple[int, int]
) -> None:
    clinic = await practice(zone=zone)
    await clinic.do(sign(segment("sertraline", "50", day)))
    clinic.now = begins - 2 * DAY
    await clinic.work()
    assert len(await clinic.events(StepDue)) == 1
    await clinic.do(confirm(1, clinic.now))
    clinic.now = begins - timedelta(seconds=1)
    await clinic.work()
    assert await clinic.events(DoseTookEffect) == []
    clinic.now = begins
    await clinic.work()
    (effect,) = await clinic.events(DoseTookEffect)
    assert effect.occurred_at == begins
    unconfirmed = await practice(zone=zone)
    await unconfirmed.do(sign(segment("sertraline", "50", day)))
    unconfirmed.now = begins + DAY
    await unconfirmed.work()
    (overdue,) = await unconfirmed.events(StepOverdue)
    assert (overdue.occurred_at.hour, overdue.occurred_at.minute) == noon


async def test_a_midnight_that_the_clocks_skip_is_the_first_moment_after_it() -> None:
    clinic = await practice(zone="America/Santiago")
    day = date(2027, 9, 5)
    await clinic.do(sign(segment("sertraline", "50", day)))
    clinic.now = datetime(2027, 9, 4, 12, tzinfo=UTC)
    await clinic.work()
    await clinic.do(confirm(1, clinic.now))
    clinic.now = datetime(2027, 9, 5, 3, 59, tzinfo=UTC)
    await clinic.work()
    assert await clinic.events(DoseTookEffect) == []
    clinic.now = datetime(2027, 9, 5, 4, tzinfo=UTC)
    await clinic.work()
    assert len(await clinic.events(DoseTookEffect)) == 1


async def test_a_client_who_moved_west_has_a_later_midnight() -> None:
    clinic = await tapering()
    moved = in_zone("America/Los_Angeles")
    await clinic.know(
        type(moved)(fact_id=fact("moved"), evidence=p.TIME_ZONE.evidence, time_zone="America/Los_Angeles",
                    occurred_at=clinic.now)
    )  # fmt: skip
    await clinic.until(OPENS + timedelta(hours=2, minutes=45))
    assert await clinic.events(StepDue) == []
    await clinic.until(OPENS + timedelta(hours=3))
    (due,) = await clinic.events(StepDue)
    assert due.occurred_at == OPENS + timedelta(hours=3)
    assert due.from_on == FIRST


async def test_a_plan_ends_with_the_episode_of_care_when_it_is_looked_at_next() -> None:
    clinic = await tapering()
    end = end_noted("the end", NOON)
    await clinic.know(BEGUN, end)
    assert await clinic.events(StepDue) == []
    clinic.now = OPENS
    await clinic.work()
    (ended,) = await clinic.events(DosePlanEnded)
    assert (ended.reason, ended.occurred_at) == (PlanEnding.EPISODE_CLOSED, end.occurred_at)
    assert await clinic.events(StepDue) == []
    assert await clinic.open_rows() == 0
