"""A signed dose plan day by day: what somebody confirms happens, and nothing else."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from careloop.contracts.prescribing import (
    AnsweredAsk,
    AskAnswer,
    DosePlanEnded,
    DosePlanKind,
    DoseTookEffect,
    HoldReason,
    Override,
    OverrideReason,
    PlanEnding,
    PrescriptionDiscontinued,
    SafetyStepTaken,
    StepConfirmed,
    StepDeclined,
    StepDue,
    StepHeld,
    StepOverdue,
)
from careloop.contracts.terms import Medicine
from careloop.kernel.errors import CareloopError
from careloop.knowledge import chart as known
from services.prescribing.domain.dose_changes import ChangeDose
from services.prescribing.domain.events import DoseChanged, PrescriptionDeclined, PrescriptionIssued
from services.prescribing.domain.signing import BeginningDrug
from tests.prescribing.following_a_plan import (
    CREDENTIAL,
    DAY,
    FIRST,
    SECOND,
    SERTRALINE,
    TAPER,
    THIRD,
    Practice,
    at,
    confirm,
    end,
    hold,
    ours,
    practice,
    put_off,
    segment,
    sign,
)  # fmt: skip
from tests.support.controls import prescribing as p
from tests.support.controls.moments import NOON, PRESCRIBER, TODAY, event, fact

MIRTAZAPINE = BeginningDrug(medicine=Medicine(name="mirtazapine"), days_supply=30)
SWITCH = sign(
    segment("sertraline", "50", FIRST, SECOND - DAY),
    segment("sertraline", "25", SECOND, THIRD - DAY),
    segment("mirtazapine", "15", FIRST),
    kind=DosePlanKind.SWITCH,
    begins=MIRTAZAPINE,
)


async def refused(clinic: Practice, command: Any, slug: str) -> CareloopError:
    before = (await clinic.store.head()).position
    with pytest.raises(CareloopError) as refusal:
        await clinic.do(command)
    assert refusal.value.slug == slug
    assert (await clinic.store.head()).position == before
    return refusal.value


async def tapering(**told: Any) -> Practice:
    clinic = await practice()
    await clinic.do(replace(TAPER, **told))
    return clinic


async def test_a_step_is_due_three_days_before_its_day_where_the_client_lives() -> None:
    clinic = await tapering()
    opens = at(FIRST - 3 * DAY, 5)
    await clinic.until(opens - timedelta(minutes=15))
    assert await clinic.events(StepDue) == []
    await clinic.until(opens)
    (due,) = await clinic.events(StepDue)
    assert (due.step, due.from_on, due.occurred_at, due.asks) == (1, FIRST, opens, ("withdrawal-symptoms",))
    assert due.what == "sertraline: 50 mg a day, from 2026-12-07"


async def test_a_step_that_is_nearer_than_three_days_is_due_at_once() -> None:
    clinic = await practice()
    await clinic.do(sign(segment("sertraline", "50", TODAY + DAY)))
    (due,) = await clinic.events(StepDue)
    assert due.occurred_at == NOON


async def test_a_step_that_nobody_confirms_does_not_happen_and_is_overdue_at_noon_of_its_day() -> None:
    clinic = await tapering()
    noon = at(FIRST, 17)
    await clinic.until(noon - timedelta(minutes=15))
    assert await clinic.events(StepOverdue) == []
    await clinic.until(at(FIRST + 40 * DAY))
    (overdue,) = await clinic.events(StepOverdue)
    assert (overdue.step, overdue.occurred_at) == (1, noon)
    assert await clinic.events(DoseChanged) == []
    assert await clinic.dose(SERTRALINE, FIRST + 40 * DAY) == 100
    assert await clinic.open_rows() == 0, "what waits for a person asks no more of time"


async def test_a_confirmed_step_takes_effect_on_its_day_and_not_before() -> None:
    clinic = await tapering()
    await clinic.until(at(FIRST - DAY))
    changed, confirmed = await clinic.do(confirm(1, clinic.now))
    assert isinstance(changed, DoseChanged)
    assert isinstance(confirmed, StepConfirmed)
    assert (changed.from_daily_dose_mg, changed.to_daily_dose_mg, changed.effective_on) == (
        Decimal(100),
        Decimal(50),
        FIRST,
    )
    assert (confirmed.from_on, confirmed.decisions, confirmed.moved) == (FIRST, (changed.fact_id,), ())
    begins = at(FIRST, 5)
    await clinic.until(begins - timedelta(minutes=15))
    assert await clinic.events(DoseTookEffect) == []
    await clinic.until(begins)
    (effect,) = await clinic.events(DoseTookEffect)
    assert (effect.change, effect.daily_dose_mg, effect.occurred_at) == (changed.fact_id, Decimal(50), begins)


async def test_a_taper_that_is_confirmed_step_by_step_ends_its_prescription_with_the_last_dose() -> None:
    clinic = await tapering()
    for step, day in ((1, FIRST), (2, SECOND), (3, THIRD)):
        await clinic.until(at(day - DAY))
        await clinic.do(confirm(step, clinic.now))
    await clinic.until(at(THIRD, 4, 45))
    assert await clinic.events(PrescriptionDiscontinued) == []
    await clinic.until(at(THIRD))
    (stopped,) = await clinic.events(PrescriptionDiscontinued)
    assert (stopped.prescription, stopped.stopped_on, stopped.occurred_at) == (
        SERTRALINE.fact_id, THIRD - DAY, at(THIRD, 5),
    )  # fmt: skip
    (ended,) = await clinic.events(DosePlanEnded)
    assert (ended.reason, ended.ended_by, ended.occurred_at) == (PlanEnding.COMPLETED, "", at(THIRD, 5))
    assert [effect.daily_dose_mg for effect in await clinic.events(DoseTookEffect)] == [50, 25]
    await clinic.until(at(THIRD, 18))
    assert await clinic.open_rows() == 0


@pytest.mark.parametrize(
    ("day", "in_force", "second"),
    [
        (FIRST - 3 * DAY, FIRST, SECOND),
        (FIRST - DAY, FIRST, SECOND),
        (FIRST, FIRST + DAY, SECOND + DAY),
        (FIRST + 4 * DAY, FIRST + 5 * DAY, SECOND + 5 * DAY),
    ],
)
async def test_a_step_confirmed_on_its_day_or_later_is_in_force_from_the_next_and_later_steps_move_along(
    day: date, in_force: date, second: date
) -> None:
    clinic = await tapering()
    await clinic.until(at(day, 14))
    await clinic.do(confirm(1, clinic.now))
    plan = await clinic.plan()
    assert [one.from_on for one in plan.steps[:2]] == [in_force, second]
    assert await clinic.dose(SERTRALINE, in_force - DAY) == 100
    assert await clinic.dose(SERTRALINE, in_force) == 50


async def test_the_evening_before_there_is_before_the_day_whatever_the_date_in_utc() -> None:
    clinic = await tapering()
    await clinic.until(at(FIRST, 4, 30))
    await clinic.do(confirm(1, clinic.now))
    assert (await clinic.plan()).steps[0].from_on == FIRST
    assert await clinic.events(DoseTookEffect) == []
    await clinic.until(at(FIRST, 5))
    assert len(await clinic.events(DoseTookEffect)) == 1


async def test_no_step_is_confirmed_before_it_is_due_nor_before_the_one_before_it() -> None:
    clinic = await tapering()
    await clinic.until(at(FIRST - 4 * DAY))
    found = await refused(clinic, confirm(1, clinic.now), "step-not-due")
    assert found.details == {"due_on": "2026-12-04"}
    assert (await refused(clinic, confirm(2, clinic.now), "step-not-next")).details == {"next": "1"}
    await clinic.until(at(FIRST - 3 * DAY))
    await clinic.do(confirm(1, clinic.now))
    await refused(clinic, replace(confirm(1, clinic.now), fact_id=fact("another request")), "step-confirmed")


async def test_what_a_step_asks_is_answered_when_it_is_confirmed() -> None:
    clinic = await tapering()
    await clinic.until(at(FIRST - DAY))
    found = await refused(clinic, confirm(1, clinic.now, asked=()), "ask-not-answered")
    assert found.details == {"ask": "withdrawal-symptoms"}
    unknown = (AnsweredAsk(ask="withdrawal-symptoms", answer=AskAnswer("perhaps")),)
    await refused(clinic, confirm(1, clinic.now, asked=unknown), "not-a-code")


# The check is run again
RENAL_LATER = Override(rule="lab.lithium-renal-missing", involves=(), reason=OverrideReason.WILL_MONITOR)


async def raising_lithium() -> Practice:
    lithium = replace(ours("lithium carbonate", "600"), ingredients=("lithium",))
    clinic = await practice(lithium, level_of(TODAY - 70 * DAY))
    await clinic.do(
        sign(segment("lithium", "900", FIRST), kind=DosePlanKind.TITRATION, name="lithium", overrides=(RENAL_LATER,))
    )
    await clinic.until(at(FIRST - DAY))
    return clinic


LEVEL = (AnsweredAsk(ask="lithium-level", answer=AskAnswer.FINE),)


def level_of(day: date) -> Any:
    lab = known.Lab(loinc="14334-7", value=Decimal("0.7"), at=day, unit="mmol/L")
    return replace(
        p.NEUTROPHILS, fact_id=fact(f"level {day}"), evidence=event(f"level {day}"), results=(lab,), occurred_at=at(day)
    )


async def test_a_fact_that_came_meanwhile_declines_the_step_and_the_plan_stays() -> None:
    clinic = await raising_lithium()
    ibuprofen = replace(
        p.NOTHING_TAKEN,
        fact_id=fact("ibuprofen"),
        evidence=event("ibuprofen"),
        medications=(known.Medication(name="ibuprofen"),),
        occurred_at=clinic.now,
    )
    await clinic.know(level_of(FIRST - 2 * DAY), ibuprofen)
    order, step = await clinic.do(confirm(1, clinic.now, "lithium", asked=LEVEL))
    assert isinstance(order, PrescriptionDeclined)
    assert isinstance(step, StepDeclined)
    assert step.reasons == order.reasons == ("high-alert-not-overridden",)
    assert step.declined == order.fact_id
    assert (await clinic.plan("lithium")).next_step is not None


async def test_lithium_is_not_raised_without_a_level_since_the_dose_began() -> None:
    clinic = await raising_lithium()
    (step,) = await clinic.do(confirm(1, clinic.now, "lithium", asked=LEVEL))
    assert isinstance(step, StepDeclined)
    assert (step.reasons, step.declined) == (("result-missing",), None)
    await clinic.know(level_of(FIRST - 2 * DAY))
    changed, _confirmed = await clinic.do(
        replace(confirm(1, clinic.now, "lithium", asked=LEVEL), fact_id=fact("after the level"))
    )
    assert isinstance(changed, DoseChanged)


# A switch: two drugs, one plan
async def test_the_new_drug_is_prescribed_when_its_first_step_is_confirmed() -> None:
    clinic = await practice(p.NOT_PREGNANT)
    await clinic.do(SWITCH)
    assert len((await clinic.chart()).standing_prescriptions()) == 1
    await clinic.until(at(FIRST - DAY))
    issued, changed, _confirmed = await clinic.do(confirm(1, clinic.now))
    assert isinstance(issued, PrescriptionIssued)
    assert isinstance(changed, DoseChanged)
    assert (issued.order.daily_dose_mg, issued.order.starts_on, issued.order.days_supply) == (
        Decimal(15), FIRST, 30,
    )  # fmt: skip
    assert (issued.order.medicine.name, issued.ingredients) == ("mirtazapine", ("mirtazapine",))
    assert issued.order.sig
    plan = await clinic.plan()
    assert issued.fact_id in {dose.prescription for dose in plan.steps[0].doses}
    await clinic.until(at(FIRST, 5))
    assert {effect.prescription for effect in await clinic.events(DoseTookEffect)} == {
        issued.fact_id, SERTRALINE.fact_id,
    }  # fmt: skip


async def test_steps_of_two_drugs_keep_their_distance_when_one_is_held() -> None:
    clinic = await practice(p.NOT_PREGNANT)
    waits = sign(
        segment("sertraline", "50", FIRST, SECOND - DAY),
        segment("sertraline", "25", SECOND, date(2027, 1, 3)),
        segment("venlafaxine", "37.5", date(2027, 1, 6)),
        kind=DosePlanKind.SWITCH,
        begins=BeginningDrug(medicine=Medicine(name="venlafaxine")),
    )
    await clinic.do(waits)
    await clinic.until(at(FIRST - DAY))
    await clinic.do(confirm(1, clinic.now))
    await clinic.until(at(SECOND - 2 * DAY))
    (held,) = await clinic.do(hold(2, clinic.now))
    assert isinstance(held, StepHeld)
    days = [date(2027, 1, 4), date(2027, 1, 18), date(2027, 1, 20)]
    assert [one.from_on for one in (await clinic.plan()).steps[1:]] == days
    assert held.breaks == ()


# Holding
async def test_a_client_holds_a_step_for_one_interval_and_it_is_due_again_then() -> None:
    clinic = await tapering()
    await clinic.until(at(FIRST - DAY))
    await clinic.do(confirm(1, clinic.now))
    await clinic.until(at(SECOND - 2 * DAY))
    (held,) = await clinic.do(hold(2, clinic.now))
    assert isinstance(held, StepHeld)
    assert [(one.step, one.from_on) for one in held.moved] == [(2, THIRD), (3, THIRD + 14 * DAY)]
    assert (held.by_client, held.in_a_row, held.prescriber) == (True, 1, PRESCRIBER)
    await clinic.until(at(THIRD - 3 * DAY, 5))
    assert [one.from_on for one in await clinic.events(StepDue)] == [FIRST, SECOND, THIRD]
    assert await clinic.events(StepOverdue) == []


async def test_a_second_hold_in_a_row_is_counted_and_a_confirmed_step_ends_the_row() -> None:
    clinic = await tapering()
    await clinic.until(at(FIRST - DAY))
    await clinic.do(hold(1, clinic.now))
    (again,) = await clinic.do(hold(1, clinic.now + timedelta(seconds=1)))
    assert isinstance(again, StepHeld)
    assert again.in_a_row == 2
    plan = await clinic.plan()
    await clinic.until(at(plan.steps[0].from_on - DAY))
    await clinic.do(confirm(1, clinic.now))
    (after,) = await clinic.do(hold(1, clinic.now))
    assert isinstance(after, StepHeld)
    assert after.in_a_row == 1


async def test_a_confirmed_step_is_held_until_its_day_and_its_dose_does_not_change() -> None:
    clinic = await tapering()
    await clinic.until(at(FIRST - DAY))
    changed, _confirmed = await clinic.do(confirm(1, clinic.now))
    (held,) = await clinic.do(hold(1, clinic.now))
    assert isinstance(held, StepHeld)
    assert held.cancels == (changed.fact_id,)
    await clinic.until(at(FIRST + 3 * DAY))
    assert await clinic.dose(SERTRALINE, FIRST + 3 * DAY) == 100
    assert await clinic.events(DoseTookEffect) == []
    assert (await clinic.plan()).next_step == (await clinic.plan()).steps[0]


async def test_a_step_whose_day_has_come_is_in_force_and_is_held_no_more() -> None:
    clinic = await tapering()
    await clinic.until(at(FIRST - DAY))
    await clinic.do(confirm(1, clinic.now))
    await clinic.until(at(FIRST, 4, 45))
    await clinic.until(at(FIRST, 5))
    await refused(clinic, hold(1, clinic.now), "step-in-force")


async def test_a_client_holds_no_step_up() -> None:
    alone = await Practice(*p.ASSESSED, p.TIME_ZONE, ours("sertraline", "50")).opened()
    await alone.do(sign(segment("sertraline", "100", FIRST), kind=DosePlanKind.TITRATION))
    await alone.until(at(FIRST - DAY))
    await refused(alone, hold(1, alone.now), "only-tapers-may-be-held")
    (held,) = await alone.do(hold(1, alone.now, by_client=False, reason=HoldReason.SIDE_EFFECT))
    assert isinstance(held, StepHeld)
    assert (held.by_client, held.in_a_row) == (False, 0)


async def test_a_client_gives_a_reason_by_its_code_alone() -> None:
    clinic = await tapering()
    await refused(clinic, hold(1, clinic.now, comment="I want to die"), "comment-not-here")
    await refused(clinic, hold(1, clinic.now, reason=HoldReason("no")), "not-a-code")


async def test_nobody_but_a_prescriber_and_the_client_holds_a_step() -> None:
    clinic = await tapering()
    await refused(clinic, replace(hold(1, clinic.now, by_client=False), credential=None), "credential-required")


# Slower, never faster
async def test_a_plan_is_slowed_and_never_made_faster() -> None:
    clinic = await tapering()
    for day in (FIRST, FIRST - DAY, TODAY):
        await refused(clinic, put_off(1, day, clinic.now), "not-later")
    await clinic.do(put_off(1, FIRST + DAY, clinic.now))
    assert [one.from_on for one in (await clinic.plan()).steps] == [FIRST + DAY, SECOND + DAY, THIRD + DAY]
    await refused(clinic, put_off(1, TODAY + 367 * DAY, clinic.now), "out-of-range")


# Reductions for safety
async def test_a_reduction_signed_for_safety_happens_unconfirmed() -> None:
    clinic = await tapering(safety=True)
    await clinic.until(at(FIRST, 4, 45))
    assert await clinic.dose(SERTRALINE, FIRST) == 100
    await clinic.until(at(FIRST, 5))
    (taken,) = await clinic.events(SafetyStepTaken)
    assert (taken.step, taken.occurred_at) == (1, at(FIRST, 5))
    assert await clinic.dose(SERTRALINE, FIRST) == 50
    (effect,) = await clinic.events(DoseTookEffect)
    assert effect.daily_dose_mg == 50
    await clinic.until(at(THIRD))
    assert await clinic.events(StepOverdue) == []
    assert len(await clinic.events(PrescriptionDiscontinued)) == 1


async def test_a_reduction_signed_for_safety_is_held_by_a_prescriber_and_not_by_the_client() -> None:
    clinic = await tapering(safety=True)
    await clinic.until(at(FIRST - DAY))
    await refused(clinic, hold(1, clinic.now), "safety-step")
    await clinic.do(hold(1, clinic.now, by_client=False))
    await clinic.until(at(FIRST + DAY))
    assert await clinic.dose(SERTRALINE, FIRST + DAY) == 100


# How a plan ends
async def test_a_plan_that_is_ended_takes_back_what_is_still_to_come() -> None:
    clinic = await tapering()
    await clinic.until(at(FIRST - DAY))
    changed, _confirmed = await clinic.do(confirm(1, clinic.now))
    (ended,) = await clinic.do(end(clinic.now))
    assert isinstance(ended, DosePlanEnded)
    assert (ended.reason, ended.cancels) == ("relapse", (changed.fact_id,))
    await clinic.until(at(FIRST + DAY))
    assert await clinic.dose(SERTRALINE, FIRST + DAY) == 100
    await refused(clinic, confirm(2, clinic.now), "plan-ended")
    await clinic.until(at(SECOND))
    assert await clinic.open_rows() == 0


async def test_a_dose_changed_outside_of_the_plan_ends_it() -> None:
    clinic = await tapering()
    change = ChangeDose(
        fact_id=fact("outside"), prescription=SERTRALINE.fact_id, daily_dose_mg=Decimal(75), effective_on=TODAY,
        reason="on her own wish", overrides=(), prescriber=PRESCRIBER, credential=CREDENTIAL, occurred_at=NOON,
        now=NOON, freshness=p.FRESH,
    )  # fmt: skip
    _changed, ended = await clinic.do(change)
    assert isinstance(ended, DosePlanEnded)
    assert ended.reason is PlanEnding.DOSE_CHANGED_OUTSIDE


@pytest.mark.parametrize("what", ["prescription", "plan"])
async def test_with_what_a_plan_rests_on_the_plan_ends(what: str) -> None:
    clinic = await tapering()
    await clinic.until(at(FIRST - DAY))
    await clinic.do(confirm(1, clinic.now))
    struck = SERTRALINE.fact_id if what == "prescription" else fact("plan")
    _strike, ended = await clinic.do(replace(p.STRIKE, fact_id=struck, now=clinic.now))
    assert isinstance(ended, DosePlanEnded)
    assert len(ended.cancels) == 1
    await clinic.until(at(FIRST + 30 * DAY))
    assert await clinic.events(DoseTookEffect) == []


async def test_a_confirmation_that_is_struck_was_none() -> None:
    clinic = await tapering()
    await clinic.until(at(FIRST - DAY))
    changed, confirmed = await clinic.do(confirm(1, clinic.now))
    strikes = await clinic.do(replace(p.STRIKE, fact_id=confirmed.fact_id, now=clinic.now))
    assert [one.fact_id for one in strikes] == [confirmed.fact_id, changed.fact_id]
    step = (await clinic.plan()).next_step
    assert step is not None
    assert step.number == 1
    await clinic.until(at(FIRST, 17))
    assert [one.step for one in await clinic.events(StepOverdue)] == [1]
    assert await clinic.events(DoseTookEffect) == []
    assert await clinic.dose(SERTRALINE, FIRST) == 100
