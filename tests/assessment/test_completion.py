"""Who completes the initial assessment, on what, and what an amendment says."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from careloop.contracts.assessment import AssessmentAmended, AssessmentCompleted
from careloop.contracts.terms import EnteredInError, RiskLevel
from careloop.kernel.credentials import Credential
from services.assessment.domain.completeness import Part, missing
from services.assessment.domain.completion import amend, complete
from services.assessment.domain.entered_in_error import mark_entered_in_error
from services.assessment.domain.events import Event
from services.assessment.domain.state import DECIDER
from tests.support.controls import assessment as control
from tests.support.specification import given

PART_OF: dict[Part, Event] = {
    Part.HISTORY: control.HISTORY,
    Part.MEDICATIONS: control.MEDICATIONS,
    Part.ALLERGIES: control.ALLERGIES,
    Part.DIAGNOSIS: control.DIAGNOSIS,
    Part.SUICIDE_RISK_SCREEN: control.SCREENER,
    Part.PLAN: control.PLAN_PROPOSED,
}


def completed_on(*facts: Event, **changes: Any) -> AssessmentCompleted:
    (said,) = given(DECIDER, *facts).when(complete, replace(control.COMPLETE, **changes)).decided
    assert isinstance(said, AssessmentCompleted)
    return said


def test_a_psychiatrist_completes_it_on_all_that_it_needs() -> None:
    given(DECIDER, *control.RECORDED).when(complete, control.COMPLETE).then(control.COMPLETED)


def test_a_psychiatric_nurse_practitioner_may_too() -> None:
    credential = replace(control.CREDENTIAL, kind="psychiatric-nurse-practitioner")
    assert completed_on(*control.RECORDED, credential=credential).credential == "psychiatric-nurse-practitioner"


@pytest.mark.parametrize("part", list(Part))
def test_each_part_is_needed(part: Part) -> None:
    without = [fact for fact in control.RECORDED if fact != PART_OF[part]]
    refusal = given(DECIDER, *without).when(complete, control.COMPLETE).then_refused("assessment-incomplete")
    assert refusal.sentence == f"The assessment still needs: {part}."


def test_the_refusal_lists_everything_missing() -> None:
    refusal = given(DECIDER, control.ENROLLED).when(complete, control.COMPLETE).then_refused("assessment-incomplete")
    assert all(part in refusal.sentence for part in Part)


@pytest.mark.parametrize("part", list(Part))
def test_a_struck_fact_does_not_count(part: Part) -> None:
    struck = EnteredInError(
        fact_id=PART_OF[part].fact_id, reason="wrong client", marked_by="nurse", occurred_at=control.NOW
    )
    state = given(DECIDER, *control.RECORDED, struck).state
    assert missing(state, control.NOW) == [part]


def test_what_was_true_only_later_does_not_count() -> None:
    later = [fact for fact in control.RECORDED if fact != control.PLAN_PROPOSED]
    plan = replace(control.PLAN_PROPOSED, occurred_at=control.COMPLETE.occurred_at + timedelta(seconds=1))
    given(DECIDER, *later, plan).when(complete, control.COMPLETE).then_refused("assessment-incomplete")


@pytest.mark.parametrize(
    ("credential", "slug"),
    [
        (None, "credential-required"),
        (replace(control.CREDENTIAL, kind="therapist"), "credential-required"),
        (replace(control.CREDENTIAL, valid_from=control.TUESDAY + timedelta(hours=1)), "credential-not-valid"),
        (replace(control.CREDENTIAL, valid_until=control.NOW - timedelta(seconds=1)), "credential-not-valid"),
    ],
)
def test_the_credential_holds_then_and_now(credential: Credential | None, slug: str) -> None:
    recorded = given(DECIDER, *control.RECORDED)
    recorded.when(complete, replace(control.COMPLETE, credential=credential)).then_refused(slug)
    done = given(DECIDER, *control.RECORDED, control.COMPLETED)
    done.when(amend, replace(control.AMEND, credential=credential, occurred_at=control.TUESDAY)).then_refused(slug)


def test_a_completed_assessment_is_amended_not_completed_again() -> None:
    again = replace(control.COMPLETE, fact_id=control.fact("again"))
    given(DECIDER, *control.RECORDED, control.COMPLETED).when(complete, again).then_refused("already-completed")


def test_a_phq_9_with_item_9_is_a_screen_and_one_without_it_is_not() -> None:
    without = [fact for fact in control.RECORDED if fact != control.SCREENER]
    assert completed_on(*without, control.PHQ_9).suicide_risk is RiskLevel.MODERATE
    unanswered = replace(control.PHQ_9, items=(2, 1, 3, 0, 1, 2, 1, 0, None))
    for no_screen in (unanswered, replace(control.PHQ_9, items=None)):
        given(DECIDER, *without, no_screen).when(complete, control.COMPLETE).then_refused("assessment-incomplete")


def test_a_screener_without_a_band_is_no_screen() -> None:
    facts = [replace(fact, band="") if fact == control.SCREENER else fact for fact in control.RECORDED]
    given(DECIDER, *facts).when(complete, control.COMPLETE).then_refused("assessment-incomplete")


def test_a_positive_item_9_after_the_screener_raises_the_level_and_a_negative_one_does_not_lower_it() -> None:
    assert completed_on(*control.RECORDED, control.PHQ_9).suicide_risk is RiskLevel.MODERATE
    high = replace(control.SCREENER, fact_id=control.fact("high"), band="high", occurred_at=control.TUESDAY)
    calm = replace(control.PHQ_9, items=(0,) * 9, occurred_at=control.TUESDAY)
    assert completed_on(*control.RECORDED, high, calm).suicide_risk is RiskLevel.HIGH


def test_a_later_screener_replaces_what_came_before() -> None:
    early = replace(control.PHQ_9, occurred_at=control.MONDAY - timedelta(days=1))
    said = completed_on(*control.RECORDED, early)
    assert said.suicide_risk is RiskLevel.LOW
    assert early.fact_id not in said.rests_on


def test_of_one_code_the_later_diagnosis_stands() -> None:
    revised = replace(control.DIAGNOSIS, fact_id=control.fact("revised"), occurred_at=control.TUESDAY)
    said = completed_on(*control.RECORDED, revised)
    assert said.diagnoses == ("F33.1",)
    assert revised.fact_id in said.rests_on
    assert control.DIAGNOSIS.fact_id not in said.rests_on


def test_an_amendment_says_anew_what_now_stands() -> None:
    given(DECIDER, *control.RECORDED, control.COMPLETED).when(amend, control.AMEND).then(control.AMENDED)


def test_every_amendment_names_the_completion() -> None:
    again = replace(control.AMEND, fact_id=control.fact("again"))
    amended = given(DECIDER, *control.RECORDED, control.COMPLETED, control.AMENDED).when(amend, again).decided
    assert [event.amends for event in amended if isinstance(event, AssessmentAmended)] == [control.COMPLETED.fact_id]


def test_only_a_completed_assessment_is_amended() -> None:
    given(DECIDER, *control.RECORDED).when(amend, control.AMEND).then_refused("not-completed")


def test_an_amendment_does_not_lie_before_what_it_amends() -> None:
    early = replace(control.AMEND, occurred_at=control.MONDAY)
    given(DECIDER, *control.RECORDED, control.COMPLETED).when(amend, early).then_refused("amendment-too-early")


def test_with_the_completion_go_its_amendments_and_it_can_be_completed_again() -> None:
    done = given(DECIDER, *control.RECORDED, control.COMPLETED, control.AMENDED)
    struck = done.when(mark_entered_in_error, replace(control.STRIKE, fact_id=control.COMPLETED.fact_id)).decided
    assert [event.fact_id for event in struck] == [control.COMPLETED.fact_id, control.AMENDED.fact_id]
    again = replace(control.COMPLETE, fact_id=control.fact("again"))
    reopened = given(DECIDER, *control.RECORDED, control.COMPLETED, control.AMENDED, *struck)
    reopened.when(complete, again).then(replace(control.COMPLETED, fact_id=again.fact_id))
