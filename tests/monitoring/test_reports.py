"""What monitoring decides between visits."""

from dataclasses import replace
from datetime import timedelta

import pytest

from careloop.contracts.terms import RiskLevel, Triage, TriageLevel
from services.monitoring.domain import events
from services.monitoring.domain.doses import DoseSaid, record_dose
from services.monitoring.domain.entered_in_error import mark_entered_in_error
from services.monitoring.domain.medicines import TakenMedicine
from services.monitoring.domain.scales import answer_scale
from services.monitoring.domain.side_effects import ReportSideEffect, report_side_effect, resolve_side_effect
from services.monitoring.domain.state import DECIDER
from tests.support.controls import monitoring as m
from tests.support.controls.moments import NOON, TODAY, fact
from tests.support.specification import given


def triage_of(*facts: events.Event, report: ReportSideEffect) -> Triage:
    (reported,) = given(DECIDER, *facts).when(report_side_effect, report).decided
    assert isinstance(reported, events.SideEffectReported)
    return reported.triage


def test_a_graded_side_effect_is_triaged_with_the_time_it_is_due() -> None:
    given(DECIDER, m.ENROLLED).when(report_side_effect, m.REPORT_NAUSEA).then(m.NAUSEA)


def test_the_clock_starts_when_it_became_known_not_when_it_was_felt() -> None:
    late = replace(m.REPORT_NAUSEA, occurred_at=NOON - timedelta(days=30))
    assert triage_of(m.ENROLLED, report=late).due_at == NOON + timedelta(hours=72)


def test_a_rash_is_an_emergency_while_lamotrigine_is_taken() -> None:
    found = triage_of(m.LISTED, report=m.REPORT_RASH)
    assert (found.level, found.red_flags) == (TriageLevel.EMERGENCY_NOW, ("aromatic-anticonvulsant-rash",))
    assert found.due_at == NOON + timedelta(minutes=15)


@pytest.mark.parametrize(
    "facts",
    [(m.LISTED_STOPPED,), (replace(m.LISTED, medicines=()),)],
    ids=["stopped more than ten weeks ago", "nothing taken"],
)
def test_a_rash_waits_for_the_next_visit_when_no_medicine_makes_it_a_red_flag(
    facts: tuple[events.Event, ...],
) -> None:
    found = triage_of(*facts, report=m.REPORT_RASH)
    assert (found.level, found.due_at) == (TriageLevel.NEXT_VISIT, None)


@pytest.mark.parametrize("facts", [(), (m.LISTED, m.LIST_STRUCK)], ids=["nothing known", "the list was struck"])
def test_a_rash_is_looked_at_the_same_day_while_nobody_knows_what_is_taken(facts: tuple[events.Event, ...]) -> None:
    found = triage_of(*facts, report=m.REPORT_RASH)
    assert (found.level, found.due_at) == (TriageLevel.SAME_DAY, NOON + timedelta(hours=12))


@pytest.mark.parametrize(("days", "level"), [(70, TriageLevel.EMERGENCY_NOW), (71, TriageLevel.NEXT_VISIT)])
def test_a_stopped_medicine_counts_for_ten_weeks(days: int, level: TriageLevel) -> None:
    stopped = TakenMedicine(medicine=m.LAMOTRIGINE, stopped_on=TODAY - timedelta(days=days))
    today = replace(m.REPORT_RASH, occurred_at=NOON)
    assert triage_of(replace(m.LISTED, medicines=(stopped,)), report=today).level is level


def test_our_own_prescription_makes_it_a_red_flag_too_and_still_does_after_it_ended() -> None:
    assert triage_of(m.PRESCRIBED, m.DISCONTINUED, report=m.REPORT_RASH).level is TriageLevel.EMERGENCY_NOW


def test_a_report_is_taken_before_the_enrolment_arrived() -> None:
    given(DECIDER).when(report_side_effect, m.REPORT_NAUSEA).then(m.NAUSEA)


def test_what_has_not_happened_yet_is_refused() -> None:
    tomorrow = replace(m.REPORT_NAUSEA, occurred_at=NOON + timedelta(seconds=1))
    given(DECIDER).when(report_side_effect, tomorrow).then_refused("in-the-future")


def test_a_side_effect_is_resolved_once() -> None:
    given(DECIDER, m.NAUSEA).when(resolve_side_effect, m.RESOLVE_NAUSEA).then(m.NAUSEA_RESOLVED)
    again = replace(m.RESOLVE_NAUSEA, fact_id=fact("another resolution"))
    given(DECIDER, m.NAUSEA, m.NAUSEA_RESOLVED).when(resolve_side_effect, again).then_refused("side-effect-resolved")


def test_what_was_struck_or_never_reported_cannot_be_resolved() -> None:
    given(DECIDER).when(resolve_side_effect, m.RESOLVE_NAUSEA).then_refused("side-effect-not-known")
    before = replace(m.RESOLVE_NAUSEA, occurred_at=m.NAUSEA.occurred_at - timedelta(minutes=1))
    given(DECIDER, m.NAUSEA).when(resolve_side_effect, before).then_refused("resolved-before-reported")
    at_once = replace(before, occurred_at=m.NAUSEA.occurred_at)
    assert given(DECIDER, m.NAUSEA).when(resolve_side_effect, at_once).decided
    given(DECIDER, m.NAUSEA, m.NAUSEA_STRUCK).when(resolve_side_effect, m.RESOLVE_NAUSEA).then_refused(
        "side-effect-not-known"
    )


def test_a_scale_is_scored_and_raises_nothing_when_nothing_asks_for_contact() -> None:
    given(DECIDER).when(answer_scale, m.ANSWER_PHQ_9).then(m.PHQ_9)


@pytest.mark.parametrize("answer", [1, 2, 3])
def test_any_thought_of_being_better_off_dead_raises_a_risk_due_within_a_day(answer: int) -> None:
    items = (*m.ANSWER_PHQ_9.items[:8], answer)
    _, risk = given(DECIDER).when(answer_scale, replace(m.ANSWER_PHQ_9, items=items)).decided
    assert isinstance(risk, events.RiskRaised)
    assert (risk.level, risk.due_at, risk.scale_fact_id) == (
        RiskLevel.MODERATE,
        NOON + timedelta(hours=24),
        m.ANSWER_PHQ_9.fact_id,
    )


@pytest.mark.parametrize(
    ("items", "level"),
    [
        ((1, 1, 0, 0, 0, 0, 0), None),
        ((1, 1, 1, 0, 0, 0, 0), RiskLevel.MODERATE),
        ((0, 0, 0, 0, 0, 1, 0), RiskLevel.MODERATE),
        ((1, 1, 0, 1, 0, 0, 0), RiskLevel.HIGH),
        ((0, 0, 0, 0, 0, 1, 1), RiskLevel.HIGH),
    ],
)
def test_the_columbia_screener_raises_a_risk_from_moderate_on(items: tuple[int, ...], level: RiskLevel | None) -> None:
    screener = replace(m.ANSWER_PHQ_9, instrument="c-ssrs", items=items)
    decided = given(DECIDER).when(answer_scale, screener).decided
    assert [event.level for event in decided if isinstance(event, events.RiskRaised)] == ([level] if level else [])


def test_a_high_risk_is_due_within_the_hour() -> None:
    screener = replace(m.ANSWER_PHQ_9, instrument="c-ssrs", items=(1, 1, 0, 0, 1, 0, 0))
    _, risk = given(DECIDER).when(answer_scale, screener).decided
    assert isinstance(risk, events.RiskRaised)
    assert risk.due_at == NOON + timedelta(hours=1)


def test_answers_out_of_range_are_refused_by_item() -> None:
    wrong = replace(m.ANSWER_PHQ_9, items=(4, *m.ANSWER_PHQ_9.items[1:]))
    assert given(DECIDER).when(answer_scale, wrong).then_refused("out-of-range").field == "items[0]"


def test_a_dose_is_recorded_and_a_skipped_one_needs_a_reason() -> None:
    given(DECIDER).when(record_dose, m.RECORD_DOSE).then(m.DOSE)
    skipped = replace(m.RECORD_DOSE, status=DoseSaid.SKIPPED)
    given(DECIDER).when(record_dose, skipped).then_refused("reason-required")


def test_a_fact_is_struck_once_and_a_scale_takes_its_risk_with_it() -> None:
    given(DECIDER, m.NAUSEA).when(mark_entered_in_error, m.STRIKE_NAUSEA).then(m.NAUSEA_STRUCK)
    given(DECIDER, m.NAUSEA, m.NAUSEA_STRUCK).when(mark_entered_in_error, m.STRIKE_NAUSEA).then_nothing()
    given(DECIDER).when(mark_entered_in_error, m.STRIKE_NAUSEA).then_refused("fact-not-known")
    asked = replace(m.ANSWER_PHQ_9, items=(*m.ANSWER_PHQ_9.items[:8], 1))
    scored = given(DECIDER).when(answer_scale, asked).decided
    strike = replace(m.STRIKE_NAUSEA, fact_id=asked.fact_id)
    struck = given(DECIDER, *scored).when(mark_entered_in_error, strike).decided
    assert [event.fact_id for event in struck] == [event.fact_id for event in scored]
