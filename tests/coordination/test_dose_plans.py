"""A dose plan in the care view: each step stands where facts left it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from careloop.contracts.prescribing import StepDay
from services.coordination.domain.view.dose_plans import DosePlan, DoseStep, StepDose
from services.coordination.domain.view.medications import Medication
from tests.coordination.telling import view
from tests.support.controls import dose_plans as plans
from tests.support.controls import prescribing as p
from tests.support.controls.coordination import struck
from tests.support.controls.moments import CLIENT, NOON, PRESCRIBER, fact
from tests.support.histories.restate import as_published

DAY = timedelta(days=1)
PUBLISHED: dict[str, Any] = {type(one).__name__: one for one in plans.PUBLISHED_STORY}
SIGNED, DUE, OVERDUE, CONFIRMED, TAKEN, DECLINED, HELD, MOVED, ENDED = plans.PUBLISHED_STORY
(CHANGED,) = as_published("prescribing", [plans.CHANGED])
(ISSUED,) = as_published("prescribing", [p.ISSUED])
TOOK_EFFECT = replace(
    p.TOOK_EFFECT, prescription=p.ISSUED.fact_id, change=plans.CHANGED.fact_id, daily_dose_mg=Decimal(25)
)


def shown(*told: Any) -> DosePlan:
    (plan,) = view(prescribing=told).dose_plans
    return plan


def first(*told: Any) -> DoseStep:
    return shown(SIGNED, *told).steps[0]


def medicine(*told: Any) -> Medication:
    (found,) = view(prescribing=(ISSUED, *told)).medications.medications
    return found


def test_a_plan_says_what_was_signed_and_by_whom() -> None:
    plan = shown(SIGNED)
    assert replace(plan, steps=()) == DosePlan(
        fact_id=plans.SIGNED.fact_id,
        kind="taper",
        status="in-force",
        steps=(),
        safety=False,
        client_sets_pace=True,
        overrides=(plans.CROSSED,),
        prescriber=PRESCRIBER,
        occurred_at=NOON,
    )
    assert plan.steps[0] == DoseStep(
        number=1,
        from_on=plans.TOMORROW,
        doses=(StepDose(drug="sertraline", prescription=p.ISSUED.fact_id, begins=False, daily_dose_mg=Decimal(25)),),
        asks=("withdrawal-symptoms",),
    )
    assert [one.daily_dose_mg for one in plan.steps[1].doses] == [0]


@pytest.mark.parametrize(
    ("told", "status", "by"),
    [
        ((), "planned", ""),
        ((DUE,), "due", ""),
        ((DUE, OVERDUE), "overdue", ""),
        ((DUE, CONFIRMED), "confirmed", PRESCRIBER),
        ((DUE, CHANGED, CONFIRMED, TOOK_EFFECT), "in-force", PRESCRIBER),
        ((DUE, DECLINED), "declined", PRESCRIBER),
        ((DUE, DECLINED, CONFIRMED), "confirmed", PRESCRIBER),
        ((DUE, HELD), "held", CLIENT),
        ((DUE, CONFIRMED, HELD), "held", CLIENT),
        ((DUE, HELD, DUE), "due", ""),
        ((DUE, MOVED), "moved", PRESCRIBER),
    ],
)
def test_a_step_stands_where_the_last_fact_left_it(told: Sequence[Any], status: str, by: str) -> None:
    again = [replace(one, fact_id=_named(number)) if told.count(one) > 1 else one for number, one in enumerate(told)]
    step = first(*again)
    assert (step.status, step.changed_by) == (status, by)


def _named(number: int) -> Any:
    return fact(f"again {number}")


def test_a_reduction_for_safety_is_in_force_when_its_dose_took_effect_and_its_drug_ended() -> None:
    ended = replace(PUBLISHED_END, prescription=p.ISSUED.fact_id)
    assert first(TAKEN).status == "confirmed"
    assert first(TAKEN, TOOK_EFFECT).status == "confirmed", "the prescription that it stops has not ended"
    assert first(TAKEN, TOOK_EFFECT, ended).status == "in-force"


(PUBLISHED_END,) = as_published("prescribing", [p.DISCONTINUED])


def test_steps_stand_on_the_days_that_they_have_now_and_say_why() -> None:
    plan = shown(SIGNED, HELD)
    assert [one.from_on for one in plan.steps] == [plans.LATER, plans.LATEST]
    held = plan.steps[0]
    assert (held.reasons, held.breaks, held.changed_at) == (("client-wish",), ("K7 sertraline 2026-12-22",), NOON)
    moved = shown(SIGNED, replace(MOVED, comment="away", moved=(StepDay(step=1, from_on=plans.LATEST),))).steps[0]
    assert (moved.from_on, moved.comment, moved.reasons) == (plans.LATEST, "away", ("supply",))
    assert first(DECLINED).reasons == ("high-alert-not-overridden",)


def test_a_plan_that_ended_says_why_and_comes_after_those_in_force() -> None:
    other = replace(SIGNED, fact_id=fact("another plan"), occurred_at=NOON - DAY)
    in_force, ended = view(prescribing=(SIGNED, ENDED, other)).dose_plans
    assert (in_force.fact_id, in_force.status) == (other.fact_id, "in-force")
    assert (ended.status, ended.ended_by, ended.ended_at, ended.comment) == ("relapse", PRESCRIBER, NOON, "low again")


def test_a_struck_hold_was_none() -> None:
    assert first(DUE, HELD, struck(HELD)).status == "due"


# The dose in the view is the one that took effect
def test_a_confirmed_step_changes_the_dose_when_a_fact_says_it_whatever_the_day_of_the_decision() -> None:
    at_once = replace(CHANGED, capsule=replace(CHANGED.capsule, as_of=CHANGED.effective_on))
    before = medicine(SIGNED, at_once, CONFIRMED)
    assert before.daily_dose_mg == 50
    assert not before.dose_changes[0].in_force
    after = medicine(SIGNED, at_once, CONFIRMED, TOOK_EFFECT)
    assert (after.daily_dose_mg, after.regimen) == (Decimal(25), plans.every_day("25"))
    assert after.dose_changes[0].plan == plans.SIGNED.fact_id


@pytest.mark.parametrize("taken_back", [HELD, replace(MOVED, cancels=HELD.cancels), ENDED])
def test_a_step_that_was_taken_back_is_shown_as_cancelled(taken_back: Any) -> None:
    found = medicine(SIGNED, CHANGED, CONFIRMED, taken_back)
    assert (found.daily_dose_mg, found.dose_changes[0].cancelled) == (Decimal(50), True)
