"""Enrolment, and the facts that are recorded of a client."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from careloop.contracts.assessment import PatientEnrolled, ResultsRecorded
from services.assessment.domain import enrolment
from services.assessment.domain.allergies import record_allergies
from services.assessment.domain.diagnoses import establish_diagnosis
from services.assessment.domain.entered_in_error import mark_entered_in_error
from services.assessment.domain.history import record_history
from services.assessment.domain.list_gaps import open_gaps, record_list_gaps
from services.assessment.domain.medications import reconcile_medications
from services.assessment.domain.plans import propose_plan
from services.assessment.domain.pregnancy import record_pregnancy
from services.assessment.domain.results import record_results
from services.assessment.domain.state import DECIDER
from tests.support.controls import assessment as control
from tests.support.specification import given

RECORDING = [
    (record_history, control.RECORD_HISTORY, control.HISTORY),
    (reconcile_medications, control.RECONCILE, control.MEDICATIONS),
    (record_allergies, control.RECORD_ALLERGIES, control.ALLERGIES),
    (record_list_gaps, control.RECORD_LIST_GAPS, control.LIST_GAPS),
    (record_pregnancy, control.RECORD_PREGNANCY, control.NOT_PREGNANT),
    (record_results, control.RECORD_RESULTS, control.RESULTS),
    (establish_diagnosis, control.ESTABLISH, control.DIAGNOSIS),
    (propose_plan, control.PROPOSE, control.PLAN_PROPOSED),
]


def test_a_client_is_enrolled() -> None:
    given(DECIDER).when(enrolment.enroll, control.ENROLL).then(control.ENROLLED)


def test_the_same_identity_again_is_nothing() -> None:
    again = replace(control.ENROLL, fact_id=control.fact("again"), occurred_at=control.TUESDAY)
    given(DECIDER, control.ENROLLED).when(enrolment.enroll, again).then_nothing()


def test_a_corrected_name_is_recorded() -> None:
    corrected = control.as_of(control.ENROLL, name="Alma Reyes Ortiz")
    (recorded,) = given(DECIDER, control.ENROLLED).when(enrolment.enroll, corrected).decided
    assert isinstance(recorded, PatientEnrolled)
    assert given(DECIDER, control.ENROLLED, recorded).state.identity == recorded


def test_a_correction_counts_though_it_was_true_earlier() -> None:
    corrected = replace(control.ENROLLED, fact_id=control.fact("earlier"), name="A. Reyes", occurred_at=control.MONDAY)
    late = replace(control.ENROLLED, occurred_at=control.TUESDAY)
    assert given(DECIDER, late, corrected).state.identity == corrected


def test_another_name_and_birth_date_is_another_person() -> None:
    other = control.as_of(control.ENROLL, name="Bo Lund", birth_date=date(1971, 1, 1))
    given(DECIDER, control.ENROLLED).when(enrolment.enroll, other).then_refused("another-person")


@pytest.mark.parametrize(
    ("changes", "slug"),
    [
        ({"birth_date": date(2026, 11, 17)}, "birth-after-enrolment"),
        ({"time_zone": "Mars/Olympus"}, "time-zone-unknown"),
        ({"time_zone": "../etc/passwd"}, "time-zone-unknown"),
        ({"occurred_at": control.NOW + timedelta(seconds=1)}, "in-the-future"),
    ],
)
def test_what_cannot_be_is_not_enrolled(changes: dict[str, Any], slug: str) -> None:
    given(DECIDER).when(enrolment.enroll, replace(control.ENROLL, **changes)).then_refused(slug)


@pytest.mark.parametrize(("decide", "command", "recorded"), RECORDING)
def test_a_fact_is_recorded_of_an_enrolled_client_only(decide: Any, command: Any, recorded: Any) -> None:
    given(DECIDER, control.ENROLLED).when(decide, command).then(recorded)
    given(DECIDER).when(decide, command).then_refused("patient-not-known")


@pytest.mark.parametrize(("decide", "command", "recorded"), RECORDING)
def test_a_fact_is_recorded_after_completion_too(decide: Any, command: Any, recorded: Any) -> None:
    later = replace(command, fact_id=control.fact("later"), occurred_at=control.NOW)
    says = {"replaces": control.PLAN_PROPOSED.fact_id} if recorded == control.PLAN_PROPOSED else {}
    given(DECIDER, *control.RECORDED, control.COMPLETED).when(decide, later).then(
        replace(recorded, fact_id=later.fact_id, occurred_at=control.NOW, **says)
    )


@pytest.mark.parametrize(("decide", "command", "recorded"), RECORDING)
def test_nothing_is_recorded_from_the_future(decide: Any, command: Any, recorded: Any) -> None:
    ahead = replace(command, occurred_at=control.NOW + timedelta(minutes=1))
    given(DECIDER, control.ENROLLED).when(decide, ahead).then_refused("in-the-future")


@pytest.mark.parametrize(
    ("decide", "command", "list_field", "flag"),
    [
        (record_history, replace(control.RECORD_HISTORY, earlier_treatments=()), "conditions", "nothing_known"),
        (reconcile_medications, control.RECONCILE, "medications", "none_taken"),
        (record_allergies, control.RECORD_ALLERGIES, "allergies", "no_known_allergies"),
    ],
)
def test_none_must_be_said_and_only_when_there_is_none(decide: Any, command: Any, list_field: str, flag: str) -> None:
    enrolled = given(DECIDER, control.ENROLLED)
    refusal = enrolled.when(decide, replace(command, **{list_field: ()})).then_refused("none-not-said")
    assert refusal.field == list_field
    assert enrolled.when(decide, replace(command, **{flag: True})).then_refused("both-some-and-none").field == flag
    (recorded,) = enrolled.when(decide, replace(command, **{list_field: (), flag: True})).decided
    assert getattr(recorded, flag) is True


def test_a_medication_does_not_stop_before_it_started() -> None:
    medication = replace(control.MEDICATIONS.medications[0], stopped_on=date(2024, 1, 4))
    command = replace(control.RECONCILE, medications=(control.MEDICATIONS.medications[0], medication))
    refusal = given(DECIDER, control.ENROLLED).when(reconcile_medications, command)
    assert refusal.then_refused("stopped-before-started").field == "medications[1].stopped_on"


@pytest.mark.parametrize("code", ["F33.1", "F32.A", "C4A", "M1A.9XX0", "Z33.1", "T43.205A"])
def test_an_icd_10_cm_code_is_taken(code: str) -> None:
    command = replace(control.ESTABLISH, icd10=code)
    (recorded,) = given(DECIDER, control.ENROLLED).when(establish_diagnosis, command).decided
    assert getattr(recorded, "icd10") == code  # noqa: B009 - any event may come back


@pytest.mark.parametrize("code", ["", "depression", "F331", "f33.1", "F33.", "F33.12345", "33.1", "F33.1 ", "F33.1\n"])
def test_anything_else_is_no_diagnosis(code: str) -> None:
    command = replace(control.ESTABLISH, icd10=code)
    given(DECIDER, control.ENROLLED).when(establish_diagnosis, command).then_refused("not-icd-10-cm")


def test_a_plan_needs_something_to_do() -> None:
    command = replace(control.PROPOSE, plan=replace(control.PLAN, medications=(), therapies=()))
    given(DECIDER, control.ENROLLED).when(propose_plan, command).then_refused("plan-empty")


def test_a_fact_is_struck_once() -> None:
    recorded = given(DECIDER, control.ENROLLED, control.MEDICATIONS)
    recorded.when(mark_entered_in_error, control.STRIKE).then(control.STRUCK)
    struck = given(DECIDER, control.ENROLLED, control.MEDICATIONS, control.STRUCK)
    struck.when(mark_entered_in_error, control.STRIKE).then_nothing()


def test_with_a_scale_goes_the_risk_that_it_raised() -> None:
    strike = replace(control.STRIKE, fact_id=control.PHQ_9.fact_id)
    given(DECIDER, control.ENROLLED, control.PHQ_9, control.RISK).when(mark_entered_in_error, strike).then(
        replace(control.STRUCK, fact_id=control.PHQ_9.fact_id), replace(control.STRUCK, fact_id=control.RISK.fact_id)
    )


def test_what_was_never_recorded_is_not_struck() -> None:
    given(DECIDER, control.ENROLLED).when(mark_entered_in_error, control.STRIKE).then_refused("fact-not-known")


def test_the_only_identity_is_corrected_not_struck() -> None:
    strike = replace(control.STRIKE, fact_id=control.ENROLLED.fact_id)
    given(DECIDER, control.ENROLLED).when(mark_entered_in_error, strike).then_refused("only-enrolment")
    corrected = replace(control.ENROLLED, fact_id=control.fact("corrected"), name="Alma R.")
    given(DECIDER, control.ENROLLED, corrected).when(mark_entered_in_error, strike).then(
        replace(control.STRUCK, fact_id=control.ENROLLED.fact_id)
    )


@pytest.mark.parametrize(
    ("changes", "slug"),
    [
        ({"results": ()}, "none-not-said"),
        ({"none_known": True}, "both-some-and-none"),
        ({"results": (replace(control.RESULTS.results[0], loinc="weight"),)}, "not-loinc"),
        (
            {"results": (replace(control.RESULTS.results[0], on=control.NOW.date() + timedelta(days=1)),)},
            "in-the-future",
        ),
    ],
)
def test_results_that_cannot_be_are_refused(changes: dict[str, Any], slug: str) -> None:
    command = replace(control.RECORD_RESULTS, **changes)
    given(DECIDER, control.ENROLLED).when(record_results, command).then_refused(slug)


def test_that_there_are_no_results_can_be_said() -> None:
    command = replace(control.RECORD_RESULTS, results=(), none_known=True)
    (said,) = given(DECIDER, control.ENROLLED).when(record_results, command).decided
    assert isinstance(said, ResultsRecorded)
    assert said.none_known


def test_of_each_list_and_source_the_last_word_says_whether_entries_are_missing() -> None:
    of_another = replace(control.LIST_GAPS, fact_id=control.fact("of another"), source="another clinic")
    whole = replace(control.LIST_GAPS, fact_id=control.fact("whole"), left_out=0, occurred_at=control.TUESDAY)
    assert list(open_gaps(DECIDER.fold((control.LIST_GAPS, of_another)))) == [control.LIST_GAPS, of_another]
    assert list(open_gaps(DECIDER.fold((whole, control.LIST_GAPS, of_another)))) == [of_another]
