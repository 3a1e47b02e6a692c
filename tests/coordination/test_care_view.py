"""What the shared view says, given what the five services told."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from careloop.chassis.consuming.handler import Unknown
from careloop.contracts.notifications import Priority
from careloop.contracts.terms import Reporter, TriageLevel
from services.coordination.domain.view.asked import Asked
from services.coordination.domain.view.caseload import headline
from services.coordination.domain.view.section_fold import evolve_source
from tests.coordination.telling import context_of, folded, received, told, view
from tests.support.controls import coordination as control
from tests.support.controls.coordination import struck, week
from tests.support.controls.moments import PRESCRIBER, fact


def test_what_nobody_asked_is_not_known_to_be_none() -> None:
    nothing = view()
    assert nothing.identity is None
    assert (nothing.allergies.asked, nothing.medications.asked, nothing.history.asked) == (Asked.NOT_ASKED,) * 3


def test_no_known_allergies_was_asked_and_answered() -> None:
    allergies = view(assessment=(control.NO_ALLERGIES,)).allergies
    assert (allergies.asked, allergies.listed) == (Asked.NONE_KNOWN, ())
    assert allergies.fact_id == control.NO_ALLERGIES.fact_id


def test_the_latest_allergy_list_counts_whenever_it_came() -> None:
    in_order = view(assessment=(control.NO_ALLERGIES, control.ALLERGIC)).allergies
    back_dated = view(assessment=(control.ALLERGIC, control.NO_ALLERGIES)).allergies
    assert in_order == back_dated
    assert (in_order.asked, in_order.listed) == (Asked.LISTED, control.ALLERGIC.allergies)


def test_a_struck_list_gives_way_to_the_one_before() -> None:
    allergies = view(assessment=(control.NO_ALLERGIES, control.ALLERGIC, struck(control.ALLERGIC))).allergies
    assert allergies.asked is Asked.NONE_KNOWN


def test_when_the_only_answer_is_struck_nobody_asked() -> None:
    allergies = view(assessment=(control.NO_ALLERGIES, struck(control.NO_ALLERGIES))).allergies
    assert allergies.asked is Asked.NOT_ASKED


def test_the_newest_word_on_a_diagnosis_replaces_the_earlier() -> None:
    (diagnosis,) = view(assessment=(control.DEPRESSION_CONFIRMED, control.DEPRESSION)).diagnoses
    assert (diagnosis.icd10, diagnosis.verification) == ("F33.1", "confirmed")


def test_medications_say_where_they_come_from() -> None:
    medications = view(assessment=(control.LISTED,), prescribing=(control.ISSUED, control.CHANGED)).medications
    assert medications.asked is Asked.LISTED
    reported, prescribed = medications.medications
    assert (reported.medicine.name, reported.source, reported.since) == (
        "lisinopril",
        "pharmacy list",
        date(2024, 1, 5),
    )
    assert (prescribed.source, prescribed.status, prescribed.daily_dose_mg) == ("prescribed", "active", Decimal(100))
    assert [change.from_daily_dose_mg for change in prescribed.dose_changes] == [Decimal(50)]


def test_a_discontinued_prescription_is_stopped_with_its_reason() -> None:
    (stopped,) = view(prescribing=(control.ISSUED, control.DISCONTINUED)).medications.medications
    assert (stopped.status, stopped.until, stopped.status_reason) == ("stopped", date(2026, 11, 20), "sintol")


def test_a_struck_discontinuation_leaves_the_prescription_active() -> None:
    facts = (control.ISSUED, control.DISCONTINUED, struck(control.DISCONTINUED))
    assert [one.status for one in view(prescribing=facts).medications.medications] == ["active"]


def test_declined_orders_and_overrides_show_their_alerts() -> None:
    shown = view(prescribing=(control.ISSUED, control.DECLINED))
    assert shown.declined_orders[0].reasons == ("contraindicated",)
    assert shown.declined_orders[0].alerts == (control.ALERT,)
    assert shown.overrides[0].overrides == (control.OVERRIDE,)
    assert shown.overrides[0].not_checked == control.CAPSULE.not_checked


def test_a_scale_has_a_course_over_both_services_that_score_it() -> None:
    (trend,) = view(assessment=(control.BASELINE,), monitoring=(control.LATEST, control.MIDWAY)).scale_trends
    assert trend.baseline is not None
    assert (trend.baseline.total, trend.last.total, trend.change, trend.count) == (18, 4, -14, 3)
    assert (trend.response, trend.remission) == (True, True)


def test_half_of_the_baseline_is_a_response_and_five_no_remission() -> None:
    half = control.phq_9("half", 9, week(12))
    (trend,) = view(assessment=(control.BASELINE,), monitoring=(half,)).scale_trends
    assert (trend.response, trend.remission) == (True, False)
    (less,) = view(assessment=(control.BASELINE,), monitoring=(replace(half, total=10),)).scale_trends
    assert less.response is False


@pytest.mark.parametrize(("days", "baseline"), [(180, 18), (181, 9)])
def test_a_baseline_lies_at_most_180_days_before_the_last_result(days: int, baseline: int) -> None:
    last = control.phq_9("last", 9, week(0) + timedelta(days=days))
    (trend,) = view(assessment=(control.phq_9("first", 18, week(0)),), monitoring=(last,)).scale_trends
    assert trend.baseline is not None
    assert (trend.baseline.total, trend.count) == (baseline, 2)


@pytest.mark.parametrize(("days", "baseline"), [(30, 18), (31, 12)])
def test_a_baseline_was_scored_while_the_client_joined_or_later(days: int, baseline: int) -> None:
    completed = replace(control.COMPLETED, occurred_at=week(4))
    before = control.phq_9("before", 18, week(4) - timedelta(days=days))
    facts = (before, control.phq_9("since", 12, week(5)), completed)
    (trend,) = view(assessment=facts, monitoring=(control.phq_9("last", 9, week(8)),)).scale_trends
    assert trend.baseline is not None
    assert (trend.baseline.total, trend.count) == (baseline, 3)


def test_one_result_is_no_course_and_an_unknown_threshold_is_not_guessed() -> None:
    (single,) = view(assessment=(control.BASELINE,)).scale_trends
    assert (single.change, single.response, single.remission) == (None, None, None)
    other = (control.phq_9("a", 12, week(0), "gad-7"), control.phq_9("b", 3, week(4), "gad-7"))
    (anxiety,) = view(monitoring=other).scale_trends
    assert (anxiety.change, anxiety.response, anxiety.remission) == (-9, None, None)


def test_a_low_baseline_cannot_respond() -> None:
    low = (control.phq_9("a", 4, week(0)), control.phq_9("b", 1, week(4)))
    (trend,) = view(monitoring=low).scale_trends
    assert (trend.response, trend.remission) == (None, True)


def test_side_effects_are_open_with_a_clock_until_somebody_closes_them() -> None:
    shown = view(monitoring=(control.NAUSEA, control.RASH, control.NAUSEA_RESOLVED))
    (rash,), (nausea,) = shown.open_side_effects, shown.closed_side_effects
    assert (rash.symptom, rash.due_at, rash.red_flags) == ("rash", control.RASH.triage.due_at, ("rash",))
    assert (nausea.outcome, nausea.resolved_at, nausea.resolved_by) == ("resolved", week(10), PRESCRIBER)


def test_a_notice_waits_with_its_running_clock_until_it_is_acknowledged() -> None:
    facts = (control.NOTICE, control.FAILED, control.ESCALATED)
    (notice,) = view(notifications=facts).unacknowledged_notices
    assert (notice.addressees, notice.failed) == ((PRESCRIBER, control.MANAGER), (PRESCRIBER,))
    assert (notice.acknowledge_by, notice.escalations) == (week(8) + timedelta(hours=3), 1)
    assert view(notifications=(*facts, control.ACKNOWLEDGED)).unacknowledged_notices == ()


def test_old_news_waits_for_nobody_and_is_shown() -> None:
    suppressed = replace(control.NOTICE, suppressed="old-news")
    shown = view(notifications=(suppressed,))
    assert shown.unacknowledged_notices == ()
    assert [entry.summary for entry in shown.timeline] == ["side effect reported (suppressed: old-news)"]


def test_the_team_keeps_who_left_it() -> None:
    therapist, prescriber = sorted(view(coordination=control.PUBLISHED_EXAMPLES).team, key=lambda one: one.role)[::-1]
    assert therapist.effective_until == control.RELEASED.effective_from
    assert prescriber.effective_until is None


def test_a_struck_message_is_gone_and_the_strike_is_told() -> None:
    shown = view(coordination=control.PUBLISHED_EXAMPLES)
    assert control.POSTED.fact_id not in {message.fact_id for message in shown.messages}
    kinds = [entry.kind for entry in shown.timeline if entry.fact_id == control.POSTED.fact_id]
    assert kinds == ["EnteredInError"]


def test_the_timeline_is_the_latest_200_whatever_order_they_came_in() -> None:
    doses = [replace(control.DOSE, fact_id=fact(f"d{n}"), occurred_at=week(0) + timedelta(hours=n)) for n in range(90)]
    scales = [control.phq_9(f"s{n}", n % 27, week(1) + timedelta(hours=n)) for n in range(150)]
    every: list[Any] = [*doses, *scales]
    latest = [each.fact_id for each in sorted(every, key=lambda each: each.occurred_at)][:-201:-1]
    for order in ((*doses, *scales), (*reversed(scales), *reversed(doses))):
        assert [entry.fact_id for entry in view(monitoring=order).timeline] == latest


def test_nothing_asks_for_attention_when_nothing_is_open() -> None:
    assert (view().urgency.rank, view().urgency.level) == (4, "none")


def test_the_most_urgent_open_thing_says_how_urgent_a_patient_is() -> None:
    emergency = control.side_effect("syncope", TriageLevel.EMERGENCY_NOW, week(9))
    urgency = view(monitoring=(control.RASH, control.NAUSEA, emergency)).urgency
    assert (urgency.rank, urgency.reason, urgency.fact_id) == (0, "side-effect", emergency.fact_id)
    assert view(monitoring=(control.NAUSEA, control.RASH)).urgency.fact_id == control.RASH.fact_id


def test_a_risk_stands_until_somebody_took_it_on() -> None:
    facts = {"monitoring": (control.RISK,), "notifications": (control.RISK_NOTICE,)}
    open_risk = view(**facts)
    assert (open_risk.risks[0].status, open_risk.urgency.reason) == ("open", "suicide-risk")
    taken = view(**(facts | {"notifications": (control.RISK_NOTICE, control.RISK_ACKNOWLEDGED)}))
    assert (taken.risks[0].status, taken.urgency.level) == ("answered", "none")


def test_a_later_screen_speaks_for_itself() -> None:
    screened = replace(control.phq_9("c-ssrs", None, week(7), "c-ssrs"), reporter=Reporter.CLINICIAN)
    assert view(monitoring=(control.RISK, screened)).risks[0].status == "answered"
    before = replace(screened, occurred_at=week(5))
    assert view(monitoring=(control.RISK, before)).risks[0].status == "open"


def test_a_notice_that_reached_nobody_says_so() -> None:
    stat = replace(control.NOTICE, priority=Priority.STAT)
    urgency = view(notifications=(stat, control.FAILED)).urgency
    assert (urgency.rank, urgency.reason) == (0, "notice-failed")


def test_what_another_service_or_build_publishes_leaves_the_view_as_it_is() -> None:
    before = folded(told())
    context = context_of(received("monitoring", control.RASH, 99).envelope)
    assert evolve_source(before, "visits", context, control.RASH) == before
    assert evolve_source(before, "monitoring", context, Unknown()) == before


def test_the_headline_counts_what_is_open() -> None:
    sections = folded(told())
    told_by = [headline(section) for section in (sections.assessment, sections.monitoring, sections.notifications)]
    joined = told_by[0].joined(told_by[1]).joined(told_by[2])
    assert (joined.name, joined.assessment_completed) == ("Alma Reyes", True)
    assert (joined.open_side_effects, joined.unacknowledged_notices) == (1, 1)


def test_the_timeline_tells_pregnancy_and_the_newest_results() -> None:
    none = replace(control.RESULTS, fact_id=fact("no-results"), results=(), none_known=True, occurred_at=week(1))
    shown = view(assessment=(control.NOT_PREGNANT, control.RESULTS, none)).timeline
    told = {entry.fact_id: entry.summary for entry in shown}
    assert told[control.NOT_PREGNANT.fact_id] == "not-pregnant"
    assert told[control.RESULTS.fact_id].startswith("Weight 66 kg, Weight 67 kg")
    assert told[control.RESULTS.fact_id].endswith("Weight 70 kg and 1 more")
    assert told[none.fact_id] == "no results known"


def test_a_planned_dose_that_a_later_change_cancelled_is_shown_so_and_never_in_force() -> None:
    planned = replace(control.CHANGED, effective_on=control.CHANGED.effective_on + timedelta(days=7))
    instead = replace(control.CHANGED, fact_id=fact("instead"), cancels=(planned.fact_id,))
    took_effect = replace(control.TOOK_EFFECT, change=planned.fact_id)
    for facts in ((planned, instead), (planned, instead, took_effect)):
        (taken,) = view(prescribing=(control.ISSUED, *facts)).medications.medications
        shown = [(one.fact_id, one.in_force, one.cancelled) for one in taken.dose_changes]
        assert shown == [(planned.fact_id, False, True), (instead.fact_id, True, False)]
