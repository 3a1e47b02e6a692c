"""What a dose plan must be to be signed."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from careloop.contracts.prescribing import DosePlanEnded, DosePlanKind, Override, OverrideReason, Phase, Regimen
from careloop.contracts.terms import Medicine
from services.prescribing.domain.confirming import confirm_step
from services.prescribing.domain.dose_plans import TaperAnswers
from services.prescribing.domain.events import DosePlanSigned, Event
from services.prescribing.domain.plan_endings import end_dose_plan
from services.prescribing.domain.signing import BeginningDrug, SignDosePlan, sign_dose_plan
from services.prescribing.domain.state import DECIDER
from tests.prescribing.following_a_plan import (
    DAY,
    FIRST,
    SECOND,
    SERTRALINE,
    TAPER,
    THIRD,
    at,
    confirm,
    end,
    ours,
    segment,
    sign,
)  # fmt: skip
from tests.support.controls import prescribing as p
from tests.support.controls.moments import NOON, TODAY, fact
from tests.support.specification import given

KNOWN = (*p.ASSESSED, p.TIME_ZONE, p.NOT_PREGNANT, SERTRALINE)
MIRTAZAPINE = BeginningDrug(medicine=Medicine(name="mirtazapine"), days_supply=30)
SWITCH = sign(
    segment("sertraline", "50", FIRST, SECOND - DAY),
    segment("sertraline", "25", SECOND, THIRD - DAY),
    segment("mirtazapine", "15", FIRST),
    kind=DosePlanKind.SWITCH,
    begins=MIRTAZAPINE,
)


def signed(command: SignDosePlan, *history: Event) -> DosePlanSigned:
    (found,) = given(DECIDER, *KNOWN, *history).when(sign_dose_plan, command).decided
    assert isinstance(found, DosePlanSigned)
    return found


def refused(command: SignDosePlan, slug: str, *history: Event) -> dict[str, Any]:
    return given(DECIDER, *KNOWN, *history).when(sign_dose_plan, command).then_refused(slug).details


def test_whatever_changes_on_one_day_is_one_step() -> None:
    steps = signed(SWITCH).steps
    told = [(one.number, one.from_on, [(dose.drug, int(dose.daily_dose_mg)) for dose in one.doses]) for one in steps]
    assert told == [
        (1, FIRST, [("mirtazapine", 15), ("sertraline", 50)]),
        (2, SECOND, [("sertraline", 25)]),
        (3, THIRD, [("sertraline", 0)]),
    ]
    first = {dose.drug: dose for dose in steps[0].doses}
    assert (first["mirtazapine"].begins, first["mirtazapine"].down) == (True, False)
    assert (first["sertraline"].begins, first["sertraline"].down) == (False, True)
    assert first["sertraline"].prescription == SERTRALINE.fact_id


def test_a_dose_is_written_as_people_write_it() -> None:
    lowered = signed(sign(segment("sertraline", "50", FIRST))).steps
    assert [str(dose.daily_dose_mg) for step in lowered for dose in step.doses] == ["50"]


def test_what_the_rules_of_a_drug_ask_cannot_be_left_out() -> None:
    assert [one.asks for one in signed(TAPER).steps] == [("withdrawal-symptoms",)] * 3


def test_a_plan_that_breaks_a_constraint_is_not_signed_and_says_which() -> None:
    fast = sign(segment("sertraline", "25", FIRST, SECOND - DAY))
    details = refused(fast, "plan-not-legal")
    assert (details["constraint"], details["day"], details["drug"]) == ("K4", "2026-12-07", "sertraline")
    assert (details["found"], details["allowed"], details["unit"]) == ("75", "50", "percent")


def test_a_plan_that_cannot_be_judged_is_not_signed() -> None:
    assert refused(replace(TAPER, freshness=p.STALE), "plan-not-checked")["reason"] == "evidence-stale"


def test_what_the_checker_wants_answered_is_answered_by_a_reason_that_fits() -> None:
    diazepam = ours("diazepam", "10")
    taper = sign(segment("diazepam", "9", FIRST))
    details = given(DECIDER, *KNOWN, diazepam).when(sign_dose_plan, taper).then_refused("plan-not-answered").details
    assert details["rule"] == "taper.benzodiazepine"
    crossing = Override(rule="taper.benzodiazepine", involves=(), reason=OverrideReason.CROSS_TAPER)
    details = refused(replace(taper, overrides=(crossing,)), "plan-not-answered", diazepam)
    assert details["why"] == "reason-does-not-fit"
    outpatient = replace(crossing, reason=OverrideReason.WILL_MONITOR, comment="outpatient, seen weekly")
    assert [one.reason for one in signed(replace(taper, overrides=(outpatient,)), diazepam).overrides] == [
        OverrideReason.WILL_MONITOR
    ]


def test_what_was_asked_before_a_taper_and_is_no_danger_needs_no_answer() -> None:
    safe = TaperAnswers(withdrawal_seizure=False, seizure_disorder=False, alcohol_or_opioids=False, pregnancy=False)
    assert signed(sign(segment("diazepam", "9", FIRST), answers=safe), ours("diazepam", "10")).overrides == ()


def test_that_two_drugs_cross_answers_that_they_are_of_one_kind() -> None:
    beside = sign(
        segment("sertraline", "50", FIRST, SECOND - DAY),
        segment("sertraline", "25", SECOND, THIRD - DAY),
        segment("venlafaxine", "37.5", SECOND),
        kind=DosePlanKind.SWITCH,
        begins=BeginningDrug(medicine=Medicine(name="venlafaxine")),
    )
    assert refused(beside, "plan-not-answered")
    crossing = Override(rule="duplicate.ssri-snri", involves=(), reason=OverrideReason.CROSS_TAPER)
    details = refused(replace(beside, overrides=(crossing,)), "plan-not-answered")
    assert details["constraint"] == "K5", "the advised gap is another question"


def test_one_plan_is_in_force_per_prescription() -> None:
    first = signed(TAPER)
    again = replace(TAPER, fact_id=fact("again"))
    assert refused(again, "plan-exists", first) == {"plan_id": str(first.fact_id)}
    decided = given(DECIDER, *KNOWN, first).when(sign_dose_plan, replace(again, replaces=first.fact_id)).decided
    ended, new = decided
    assert isinstance(ended, DosePlanEnded)
    assert isinstance(new, DosePlanSigned)
    assert (ended.plan, ended.reason) == (first.fact_id, "replaced")


@pytest.mark.parametrize(
    ("command", "slug"),
    [
        (sign(segment("sertraline", "100", FIRST)), "plan-without-step"),
        (sign(segment("sertraline", "50", TODAY - DAY)), "starts-in-the-past"),
        (sign(segment("sertralin", "50", FIRST)), "unknown-drug"),
        (sign(), "out-of-range"),
        (replace(TAPER, kind=DosePlanKind("slide")), "not-a-code"),
        (sign(segment("sertraline", "50", FIRST), segment("sertraline", "25", SECOND)), "segments-do-not-follow"),
        (sign(segment("sertraline", "50", FIRST, SECOND - 2 * DAY), segment("sertraline", "25", SECOND)),
         "segments-do-not-follow"),
        (replace(SWITCH, begins=None), "required"),
        (replace(SWITCH, begins=BeginningDrug(medicine=Medicine(name="trazodone"))), "another-medicine"),
        (replace(SWITCH, safety=True), "safety-only-down"),
        (sign(replace(segment("sertraline", "50", FIRST), regimen=Regimen(phases=(Phase(days=2),)))), "regimen-empty"),
    ],
)  # fmt: skip
def test_a_plan_that_makes_no_sense_is_refused(command: SignDosePlan, slug: str) -> None:
    refused(command, slug)


def test_a_drug_that_is_taken_and_not_prescribed_here_is_prescribed_first() -> None:
    plan = sign(segment("venlafaxine", "37.5", FIRST, SECOND - DAY))
    listed = replace(
        p.PHENELZINE_TAKEN,
        fact_id=fact("venlafaxine listed"),
        medications=(replace(p.PHENELZINE_TAKEN.medications[0], name="venlafaxine", rxcui=None),),
        occurred_at=NOON - timedelta(hours=1),
    )
    assert refused(plan, "no-prescription", listed) == {"drug": "venlafaxine"}


def test_two_prescriptions_of_a_drug_are_made_one_first() -> None:
    refused(TAPER, "several-prescriptions", replace(SERTRALINE, fact_id=fact("a second")))


def test_the_plan_says_on_what_it_was_judged() -> None:
    capsule = signed(TAPER).capsule
    assert (capsule.stream_version, capsule.as_of, capsule.reading) == (len(KNOWN), TODAY, 2)
    assert capsule.knowledge_version == "1.4.0"


def test_a_plan_that_ended_leaves_room_for_another() -> None:
    first = signed(TAPER)
    history = (*KNOWN, first)
    ended = given(DECIDER, *history).when(end_dose_plan, end(NOON)).decided
    assert given(DECIDER, *history, *ended).when(sign_dose_plan, replace(TAPER, fact_id=fact("next"))).decided


def test_days_with_other_doses_are_measured_by_their_mean() -> None:
    alternate = replace(
        segment("fluoxetine", "20", FIRST, FIRST + 13 * DAY),
        regimen=Regimen(phases=(replace(segment("fluoxetine", "20", FIRST).regimen.phases[0], every_days=2),)),
    )
    (first, last) = signed(sign(alternate), ours("fluoxetine", "20")).steps
    assert [one.doses[0].daily_dose_mg for one in (first, last)] == [Decimal(10), Decimal(0)]


def test_a_step_of_a_plan_that_is_not_there_is_not_confirmed() -> None:
    given(DECIDER, *KNOWN).when(confirm_step, confirm(1, at(FIRST))).then_refused("plan-not-known")
