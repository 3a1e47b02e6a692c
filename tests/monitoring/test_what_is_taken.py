"""What the client takes on a day, and what of it makes a side effect a red flag."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from careloop.contracts.terms import Medicine, Triage, TriageLevel
from careloop.kernel.ids import FactId
from services.monitoring.domain import events, noted
from services.monitoring.domain.events import Event
from services.monitoring.domain.medicines import TakenMedicine
from services.monitoring.domain.side_effects import ReportSideEffect, report_side_effect
from services.monitoring.domain.state import DECIDER
from tests.support.controls import monitoring as m
from tests.support.controls.moments import LAST_WEEK, NOON, TODAY, YESTERDAY, event, fact
from tests.support.specification import given

REPORT_TODAY = replace(m.REPORT_RASH, occurred_at=NOON)


def triaged(*facts: Event, report: ReportSideEffect = REPORT_TODAY) -> Triage:
    (reported,) = given(DECIDER, *facts).when(report_side_effect, report).decided
    assert isinstance(reported, events.SideEffectReported)
    return reported.triage


def level(*facts: Event, report: ReportSideEffect = REPORT_TODAY) -> TriageLevel:
    return triaged(*facts, report=report).level


def strike_of(wrong: FactId) -> noted.StrikeNoted:
    return noted.StrikeNoted(fact_id=wrong, evidence=event(f"strike {wrong}"), occurred_at=NOON)


def listed(name: str, *medicines: TakenMedicine, occurred_at: object = YESTERDAY) -> noted.MedicationsNoted:
    return replace(m.LISTED, fact_id=fact(name), evidence=event(name), medicines=medicines, occurred_at=occurred_at)  # type: ignore[arg-type]


def discontinued(name: str, stopped_on: date) -> noted.DiscontinuationNoted:
    return replace(m.DISCONTINUED, fact_id=fact(name), evidence=event(name), stopped_on=stopped_on)


SERTRALINE_LIST = listed("sertraline only", TakenMedicine(medicine=m.SERTRALINE))
LAMOTRIGINE_LIST = listed("with lamotrigine", TakenMedicine(medicine=m.LAMOTRIGINE))
LONG_AGO = TODAY - timedelta(days=71)


@pytest.mark.parametrize(
    ("starts_on", "expected"),
    [
        (TODAY - timedelta(days=1), TriageLevel.EMERGENCY_NOW),
        (TODAY, TriageLevel.EMERGENCY_NOW),
        (TODAY + timedelta(days=1), TriageLevel.NEXT_VISIT),
    ],
)
def test_a_prescription_counts_from_the_very_day_on_which_it_starts(starts_on: date, expected: TriageLevel) -> None:
    assert level(SERTRALINE_LIST, replace(m.PRESCRIBED, starts_on=starts_on)) is expected


@pytest.mark.parametrize(("days", "expected"), [(70, TriageLevel.EMERGENCY_NOW), (71, TriageLevel.NEXT_VISIT)])
def test_a_discontinued_prescription_counts_for_ten_weeks_after_its_last_dose(days: int, expected: TriageLevel) -> None:
    early = replace(m.PRESCRIBED, starts_on=TODAY - timedelta(days=200))
    ended = discontinued("ended", TODAY - timedelta(days=days))
    assert level(SERTRALINE_LIST, early, ended) is expected


def test_only_its_own_discontinuation_ends_a_prescription() -> None:
    early = replace(m.PRESCRIBED, starts_on=TODAY - timedelta(days=200))
    of_another = replace(discontinued("ended", LONG_AGO), prescription=fact("another prescription"))
    assert level(SERTRALINE_LIST, early, of_another) is TriageLevel.EMERGENCY_NOW


def test_a_struck_discontinuation_no_longer_ends_a_prescription() -> None:
    early = replace(m.PRESCRIBED, starts_on=TODAY - timedelta(days=200))
    ended = discontinued("ended", LONG_AGO)
    assert level(SERTRALINE_LIST, early, ended) is TriageLevel.NEXT_VISIT
    assert level(SERTRALINE_LIST, early, ended, strike_of(ended.fact_id)) is TriageLevel.EMERGENCY_NOW
    corrected = discontinued("corrected", TODAY)
    history = (early, ended, strike_of(ended.fact_id), corrected)
    assert level(SERTRALINE_LIST, *history) is TriageLevel.EMERGENCY_NOW


def test_a_struck_prescription_no_longer_counts() -> None:
    assert level(SERTRALINE_LIST, m.PRESCRIBED) is TriageLevel.EMERGENCY_NOW
    struck = strike_of(m.PRESCRIBED.fact_id)
    assert level(SERTRALINE_LIST, m.PRESCRIBED, struck) is TriageLevel.NEXT_VISIT


def test_where_the_only_prescription_was_struck_nobody_knows_what_is_taken() -> None:
    found = triaged(m.PRESCRIBED, strike_of(m.PRESCRIBED.fact_id))
    assert (found.level, found.due_at) == (TriageLevel.SAME_DAY, NOON + timedelta(hours=12))


def test_a_struck_list_gives_way_to_the_one_before() -> None:
    newer = replace(SERTRALINE_LIST, occurred_at=NOON)
    assert level(LAMOTRIGINE_LIST, newer) is TriageLevel.NEXT_VISIT
    assert level(LAMOTRIGINE_LIST, newer, strike_of(newer.fact_id)) is TriageLevel.EMERGENCY_NOW
    assert level(LAMOTRIGINE_LIST, strike_of(LAMOTRIGINE_LIST.fact_id), newer) is TriageLevel.NEXT_VISIT


def test_a_fact_that_was_struck_before_it_arrived_counts_for_nothing() -> None:
    struck = strike_of(LAMOTRIGINE_LIST.fact_id)
    assert level(struck, SERTRALINE_LIST, LAMOTRIGINE_LIST) is TriageLevel.NEXT_VISIT


def test_the_list_of_the_latest_day_counts_in_whatever_order_lists_arrive() -> None:
    last_week = replace(SERTRALINE_LIST, occurred_at=LAST_WEEK)
    assert level(LAMOTRIGINE_LIST, last_week) is TriageLevel.EMERGENCY_NOW
    assert level(last_week, LAMOTRIGINE_LIST) is TriageLevel.EMERGENCY_NOW
    stopped_taking = replace(SERTRALINE_LIST, occurred_at=NOON)
    assert level(LAMOTRIGINE_LIST, stopped_taking) is TriageLevel.NEXT_VISIT


def test_the_day_on_which_it_was_felt_counts_not_the_day_on_which_it_was_told() -> None:
    stopped = listed("stopped", TakenMedicine(medicine=m.LAMOTRIGINE, stopped_on=TODAY - timedelta(days=71)))
    assert level(stopped, report=REPORT_TODAY) is TriageLevel.NEXT_VISIT
    assert level(stopped, report=replace(REPORT_TODAY, occurred_at=YESTERDAY)) is TriageLevel.EMERGENCY_NOW


def test_what_is_stopped_on_a_later_day_is_still_taken() -> None:
    planned = listed("planned", TakenMedicine(medicine=m.LAMOTRIGINE, stopped_on=TODAY + timedelta(days=14)))
    assert level(planned) is TriageLevel.EMERGENCY_NOW


def test_every_medicine_of_the_list_and_every_prescription_counts_once() -> None:
    twice = replace(m.PRESCRIBED, fact_id=fact("again"), evidence=event("again"))
    lithium = replace(
        m.PRESCRIBED,
        fact_id=fact("lithium"),
        evidence=event("lithium"),
        medicine=Medicine(name="lithium", rxcui="6448"),
    )
    both = listed("both", *(TakenMedicine(medicine=one) for one in (m.SERTRALINE, m.LAMOTRIGINE)))
    watch = DECIDER.fold([both, m.PRESCRIBED, twice, lithium])
    assert watch.taken_on(TODAY) == (m.SERTRALINE, m.LAMOTRIGINE, lithium.medicine)


def test_nobody_knows_what_is_taken_until_a_list_or_a_prescription_says_so() -> None:
    assert DECIDER.initial.taken_on(TODAY) is None
    assert DECIDER.fold([listed("nothing")]).taken_on(TODAY) == ()
    assert DECIDER.fold([m.PRESCRIBED]).taken_on(TODAY) == (m.LAMOTRIGINE,)


@pytest.mark.parametrize(
    ("grade", "burden", "rule", "hours"),
    [
        (None, None, "triage.ungraded", None),
        (1, None, "triage.ctcae-1", None),
        (2, None, "triage.ctcae-2", 72),
        (3, None, "triage.ctcae-3", 12),
        (4, None, "triage.ctcae-4", 0.25),
        (5, None, "triage.ctcae-4", 0.25),
        (None, 0, "triage.fibser-burden-0", None),
        (None, 2, "triage.fibser-burden-0", None),
        (None, 3, "triage.fibser-burden-3", 72),
        (None, 4, "triage.fibser-burden-3", 72),
        (None, 5, "triage.fibser-burden-5", 12),
        (None, 6, "triage.fibser-burden-5", 12),
        (1, 5, "triage.fibser-burden-5", 12),
        (3, 0, "triage.ctcae-3", 12),
    ],
)
def test_grade_and_burden_say_by_when_somebody_looks(
    grade: int | None, burden: int | None, rule: str, hours: float | None
) -> None:
    report = replace(m.REPORT_NAUSEA, ctcae_grade=grade, fibser_burden=burden)
    found = triaged(SERTRALINE_LIST, report=report)
    due_at = None if hours is None else NOON + timedelta(hours=hours)
    assert (found.rule, found.rule_version, found.due_at, found.red_flags) == (rule, 1, due_at, ())


@pytest.mark.parametrize("answer", ["fibser_frequency", "fibser_intensity"])
def test_how_often_and_how_strong_it_is_sets_no_clock(answer: str) -> None:
    given: dict[str, Any] = {answer: 6}
    report = replace(m.REPORT_NAUSEA, ctcae_grade=None, **given)
    assert triaged(SERTRALINE_LIST, report=report).rule == "triage.ungraded"


def test_a_suspected_medicine_makes_it_a_red_flag_though_no_list_has_it() -> None:
    suspected = replace(REPORT_TODAY, suspected_medicine=m.LAMOTRIGINE)
    assert triaged(SERTRALINE_LIST, report=suspected).red_flags == ("aromatic-anticonvulsant-rash",)


def test_the_clients_own_words_are_read_beside_the_symptom() -> None:
    told = replace(REPORT_TODAY, symptom="itching", own_words="a rash on both arms")
    assert level(LAMOTRIGINE_LIST, report=told) is TriageLevel.EMERGENCY_NOW
    assert level(LAMOTRIGINE_LIST, report=replace(told, own_words="")) is TriageLevel.NEXT_VISIT
