"""What a completion and an amendment rest on: which facts count by when, and what they then say."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from careloop.contracts.assessment import (
    AllergiesRecorded,
    AssessmentAmended,
    AssessmentCompleted,
    HistoryRecorded,
    MedicationsReconciled,
    PatientEnrolled,
    Plan,
    PlanProposed,
)
from careloop.contracts.terms import EnteredInError, RiskLevel, Role
from services.assessment.domain.completeness import Part, missing
from services.assessment.domain.decisions import DECISIONS
from services.assessment.domain.events import Event
from services.assessment.domain.state import DECIDER, Assessment
from tests.support.controls import assessment as control
from tests.support.specification import given

WHEN = control.COMPLETE.occurred_at
BEFORE, AFTER = WHEN - timedelta(hours=1), WHEN + timedelta(seconds=1)
PARTS: dict[Part, Any] = {
    Part.HISTORY: control.HISTORY,
    Part.MEDICATIONS: control.MEDICATIONS,
    Part.ALLERGIES: control.ALLERGIES,
    Part.DIAGNOSIS: control.DIAGNOSIS,
    Part.SUICIDE_RISK_SCREEN: control.SCREENER,
    Part.PLAN: control.PLAN_PROPOSED,
}


def decide(command: Any, *facts: Event) -> list[Event]:
    return given(DECIDER, *facts).when(DECISIONS[type(command)], command).decided


def completed(*facts: Event) -> AssessmentCompleted:
    (said,) = decide(control.COMPLETE, *control.RECORDED, *facts)
    assert isinstance(said, AssessmentCompleted)
    return said


def refused(command: Any, slug: str, *facts: Event) -> None:
    given(DECIDER, *facts).when(DECISIONS[type(command)], command).then_refused(slug)


def struck(of: Any) -> EnteredInError:
    return replace(control.STRUCK, fact_id=of.fact_id)


def another(fact: Any, name: str = "another", at: datetime = BEFORE, **changes: Any) -> Any:
    return replace(fact, fact_id=control.fact(f"{name} {type(fact).__name__}"), occurred_at=at, **changes)


def without(part: Part) -> list[Event]:
    return [fact for fact in control.RECORDED if fact is not PARTS[part]]


@pytest.mark.parametrize("part", list(Part))
def test_a_fact_counts_from_the_moment_it_was_true(part: Part) -> None:
    for at, counts in ((BEFORE, True), (WHEN, True), (AFTER, False)):
        facts = [*without(part), replace(PARTS[part], occurred_at=at)]
        state = DECIDER.fold(facts)
        assert missing(state, WHEN) == ([] if counts else [part])
        if counts:
            assert decide(control.COMPLETE, *facts)
        else:
            refused(control.COMPLETE, "assessment-incomplete", *facts)


@pytest.mark.parametrize("part", list(Part))
def test_a_fact_that_was_struck_fills_no_part_and_another_does(part: Part) -> None:
    facts: list[Event] = [*control.RECORDED, struck(PARTS[part])]
    refused(control.COMPLETE, "assessment-incomplete", *facts)
    instead = another(PARTS[part])
    (said,) = decide(control.COMPLETE, *facts, instead)
    assert isinstance(said, AssessmentCompleted)
    assert set(said.rests_on) == {one.fact_id for one in (*control.RECORDED[1:], instead)} - {PARTS[part].fact_id}


def test_a_completion_rests_on_its_parts_and_on_nothing_else() -> None:
    assert completed(control.NOT_PREGNANT, control.RESULTS).rests_on == control.COMPLETED.rests_on


@pytest.mark.parametrize("part", [Part.MEDICATIONS, Part.ALLERGIES, Part.PLAN, Part.DIAGNOSIS])
def test_of_whole_lists_plans_and_one_code_only_the_latest_counts(part: Part) -> None:
    newer, older = another(PARTS[part]), another(PARTS[part], "older", at=control.MONDAY - timedelta(days=1))
    rests_on = completed(newer, older).rests_on
    assert newer.fact_id in rests_on
    assert PARTS[part].fact_id not in rests_on
    assert older.fact_id not in rests_on
    back = completed(newer, older, struck(newer)).rests_on
    assert PARTS[part].fact_id in back
    assert newer.fact_id not in back
    same_moment = another(PARTS[part], "same moment", at=control.MONDAY)
    assert same_moment.fact_id in completed(same_moment).rests_on, "of two at the same moment the one recorded later"


def test_histories_and_diagnoses_of_other_codes_add_up_in_the_order_they_were_true() -> None:
    early = another(control.HISTORY, "early", at=control.MONDAY - timedelta(days=1))
    anxiety = another(control.DIAGNOSIS, icd10="F41.1")
    said = completed(early, anxiety)
    assert said.rests_on[:2] == (early.fact_id, control.HISTORY.fact_id)
    assert said.diagnoses == ("F33.1", "F41.1")
    assert {control.DIAGNOSIS.fact_id, anxiety.fact_id} <= set(said.rests_on)


def test_a_completion_says_the_latest_plan() -> None:
    plan = Plan(therapies=("couples therapy",))
    assert completed(another(control.PLAN_PROPOSED, plan=plan)).plan == plan
    assert completed(another(control.PLAN_PROPOSED, plan=plan, at=AFTER)).plan == control.PLAN


# Which screens of suicide risk count.

EARLIER, LATER, LATEST = (control.MONDAY + timedelta(hours=hours) for hours in (-1, 1, 2))
POSITIVE = (0, 0, 0, 0, 0, 0, 0, 0, 2)
NEGATIVE = (3, 3, 3, 3, 3, 3, 3, 3, 0)


def screener(name: str, at: datetime, band: str) -> Any:
    return another(control.SCREENER, name, at, band=band)


def phq_9(name: str, at: datetime, items: Any) -> Any:
    return another(control.PHQ_9, name, at, items=items)


SCREENS = [
    ("one screener", [screener("a", LATER, "moderate")], RiskLevel.MODERATE, ["a"]),
    ("a later screener alone", [screener("a", EARLIER, "high"), screener("b", LATER, "none")], RiskLevel.NONE, ["b"]),
    (
        "the last of three",
        [screener("a", EARLIER, "none"), screener("b", LATER, "high"), screener("c", LATEST, "low")],
        RiskLevel.LOW,
        ["c"],
    ),
    (
        "item 9 since the screener raises the level",
        [screener("a", EARLIER, "low"), phq_9("b", LATER, POSITIVE)],
        RiskLevel.MODERATE,
        ["a", "b"],
    ),
    (
        "no item 9 lowers the level of a screener",
        [screener("a", EARLIER, "high"), phq_9("b", LATER, NEGATIVE)],
        RiskLevel.HIGH,
        ["a", "b"],
    ),
    (
        "item 9 before the screener is settled by it",
        [phq_9("a", EARLIER, POSITIVE), screener("b", LATER, "none")],
        RiskLevel.NONE,
        ["b"],
    ),
    (
        "every item 9 since the screener counts",
        [screener("a", EARLIER, "none"), phq_9("b", LATER, POSITIVE), phq_9("c", LATEST, NEGATIVE)],
        RiskLevel.MODERATE,
        ["a", "b", "c"],
    ),
    (
        "without a screener the last item 9",
        [phq_9("a", EARLIER, POSITIVE), phq_9("b", LATER, NEGATIVE)],
        RiskLevel.NONE,
        ["b"],
    ),
    (
        "an unanswered item 9 is no screen",
        [phq_9("a", EARLIER, POSITIVE), phq_9("b", LATER, (*NEGATIVE[:8], None))],
        RiskLevel.MODERATE,
        ["a"],
    ),
]


@pytest.mark.parametrize(
    ("screens", "level", "rests_on"), [case[1:] for case in SCREENS], ids=[case[0] for case in SCREENS]
)
def test_which_screens_say_how_high_the_risk_is(screens: list[Any], level: RiskLevel, rests_on: list[str]) -> None:
    ids = {name: control.fact(f"{name} ScaleScored") for name in "abc"}
    for order in (screens, screens[::-1]):
        (said,) = decide(control.COMPLETE, *without(Part.SUICIDE_RISK_SCREEN), *order)
        assert isinstance(said, AssessmentCompleted)
        assert said.suicide_risk is level
        assert set(said.rests_on) & set(ids.values()) == {ids[name] for name in rests_on}


def test_a_screener_that_was_struck_settles_nothing() -> None:
    late = screener("late", LATER, "none")
    high = screener("high", EARLIER, "high")
    facts = [*without(Part.SUICIDE_RISK_SCREEN), high, late, struck(late)]
    (said,) = decide(control.COMPLETE, *facts)
    assert isinstance(said, AssessmentCompleted)
    assert said.suicide_risk is RiskLevel.HIGH


# Amendments.

DONE = (*control.RECORDED, control.COMPLETED)


def amended(*facts: Event, **changes: Any) -> AssessmentAmended:
    command = replace(control.AMEND, fact_id=control.fact("now amended"), **changes)
    (said,) = decide(command, *facts)
    assert isinstance(said, AssessmentAmended)
    return said


def test_an_amendment_says_what_stood_at_its_own_moment_by_whom_and_why() -> None:
    anxiety = another(control.DIAGNOSIS, icd10="F41.1", at=AFTER)
    plan = Plan(therapies=("couples therapy",))
    replan = another(control.PLAN_PROPOSED, plan=plan, at=AFTER)
    high = another(control.SCREENER, band="high", at=AFTER)
    too_late = another(control.DIAGNOSIS, "too late", icd10="F50.2", at=AFTER + timedelta(seconds=1))
    credential = replace(control.CREDENTIAL, kind="psychiatric-nurse-practitioner")
    said = amended(
        *DONE, anxiety, replan, high, too_late, occurred_at=AFTER, actor=control.NURSE, credential=credential
    )
    assert said == AssessmentAmended(
        fact_id=control.fact("now amended"),
        amends=control.COMPLETED.fact_id,
        amended_by=control.NURSE,
        credential=Role.PSYCHIATRIC_NURSE_PRACTITIONER,
        reason=control.AMEND.reason,
        diagnoses=("F33.1", "F41.1"),
        suicide_risk=RiskLevel.HIGH,
        plan=plan,
        rests_on=(
            control.HISTORY.fact_id,
            control.DIAGNOSIS.fact_id,
            anxiety.fact_id,
            high.fact_id,
            control.MEDICATIONS.fact_id,
            control.ALLERGIES.fact_id,
            replan.fact_id,
        ),
        occurred_at=AFTER,
    )


def test_a_completion_says_by_whom() -> None:
    credential = replace(control.CREDENTIAL, kind="psychiatric-nurse-practitioner")
    asked = replace(control.COMPLETE, actor=control.NURSE, credential=credential)
    assert decide(asked, *control.RECORDED) == [
        replace(control.COMPLETED, completed_by=control.NURSE, credential=Role.PSYCHIATRIC_NURSE_PRACTITIONER)
    ]


def test_an_amendment_lies_at_or_after_what_it_amends() -> None:
    first = another(control.AMENDED, "first", at=AFTER)
    for facts, moment in ((DONE, WHEN), ((*DONE, first), AFTER)):
        assert amended(*facts, occurred_at=moment).amends == control.COMPLETED.fact_id
        early = replace(control.AMEND, fact_id=control.fact("early"), occurred_at=moment - timedelta(seconds=1))
        refused(early, "amendment-too-early", *facts)
    assert amended(*DONE, first, struck(first), occurred_at=WHEN), "the amendment between was struck"


def test_only_what_is_complete_and_was_not_struck_is_amended() -> None:
    again = replace(control.AMEND, fact_id=control.fact("now amended"))
    refused(again, "not-completed", *control.RECORDED)
    refused(again, "not-completed", *DONE, struck(control.COMPLETED))
    refused(again, "not-completed", *DONE, control.AMENDED, struck(control.COMPLETED))
    assert amended(*DONE, control.AMENDED, struck(control.AMENDED))
    refused(again, "assessment-incomplete", *DONE, struck(control.HISTORY))


def test_what_is_complete_is_not_completed_again_until_that_was_struck() -> None:
    again = replace(control.COMPLETE, fact_id=control.fact("again"))
    refused(again, "already-completed", *DONE)
    refused(again, "already-completed", *DONE, control.AMENDED, struck(control.AMENDED))
    assert decide(again, *DONE, struck(control.COMPLETED))
    assert decide(again, *DONE, control.AMENDED, struck(control.COMPLETED))


# What the state says.


def state(*facts: Event) -> Assessment:
    return DECIDER.fold(facts)


def test_the_completion_is_the_last_amendment_of_the_standing_completion() -> None:
    second = another(control.COMPLETED, "second", at=control.NOW)
    of_second = another(control.AMENDED, "of second", at=control.NOW, amends=second.fact_id)
    early = another(control.AMENDED, "early", at=WHEN)
    assert state(control.RECORDED[0]).completion is None
    assert state(control.COMPLETED).completion == control.COMPLETED
    assert state(control.COMPLETED, control.AMENDED, early).completion == control.AMENDED
    assert state(control.COMPLETED, control.AMENDED, early, struck(control.AMENDED)).completion == early
    assert state(control.COMPLETED, control.AMENDED, struck(control.COMPLETED), second).completion == second
    assert state(second, of_second, control.COMPLETED, struck(second)).completion == control.COMPLETED


def test_every_fact_stays_in_the_order_recorded_and_what_was_struck_is_marked() -> None:
    facts = (control.ENROLLED, control.PLAN_PROPOSED, control.HISTORY)
    found = state(*facts, struck(control.HISTORY))
    assert tuple(found.facts.values()) == facts
    assert found.struck == {control.HISTORY.fact_id}
    assert [found.knows(one.fact_id) for one in (*facts, control.ALLERGIES)] == [True, True, True, False]
    assert found.standing(HistoryRecorded) == []
    assert found.standing(PlanProposed) == [control.PLAN_PROPOSED]
    assert found.enrolments == (control.ENROLLED.fact_id,)


def test_what_is_recorded_under_a_known_id_replaces_that_record() -> None:
    corrected = replace(control.ENROLLED, name="Alma R.")
    found = state(control.ENROLLED, control.HISTORY, corrected)
    assert found.enrolments == (control.ENROLLED.fact_id,)
    assert found.identity == corrected
    assert found.standing(PatientEnrolled) == [corrected]


def test_the_identity_is_the_one_recorded_last_that_stands() -> None:
    later = another(control.ENROLLED, "later", at=control.MONDAY - timedelta(days=9), phone="1")
    assert state().identity is None
    assert state(control.ENROLLED).identity == control.ENROLLED
    assert state(control.ENROLLED, later).identity == later
    assert state(control.ENROLLED, later, struck(later)).identity == control.ENROLLED
    assert state(control.ENROLLED, struck(control.ENROLLED)).identity is None


@pytest.mark.parametrize(
    "fact", [control.MEDICATIONS, control.ALLERGIES, control.PLAN_PROPOSED], ids=lambda one: type(one).__name__
)
def test_the_latest_of_a_kind_is_the_one_that_was_true_last(fact: Any) -> None:
    kind: type[MedicationsReconciled | AllergiesRecorded | PlanProposed] = type(fact)
    newer = another(fact, at=AFTER)
    found = state(newer, fact)
    assert found.latest(kind) == newer
    assert found.latest(kind, AFTER) == newer
    assert found.latest(kind, WHEN) == fact
    assert found.latest(kind, control.MONDAY - timedelta(seconds=1)) is None
    assert found.standing(kind) == [fact, newer]
