"""No prescription before the initial assessment is complete, unless a coded reason says why it cannot wait."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from careloop.contracts.prescribing import Override, OverrideReason
from careloop.knowledge.chart import SuicideRisk
from careloop.knowledge.screening.overriding import INCOMPLETE
from services.prescribing.domain import events
from services.prescribing.domain.assessed import missing
from services.prescribing.domain.dose_changes import change_dose
from services.prescribing.domain.orders import issue
from services.prescribing.domain.state import DECIDER
from tests.support.controls import prescribing as p
from tests.support.controls.moments import event, fact
from tests.support.specification import given

BEFORE_COMPLETION = {OverrideReason.CONTINUATION, OverrideReason.URGENT_NEED, OverrideReason.BRIDGE}
SCREENED = replace(p.PLANNED, fact_id=fact("screen"), evidence=event("screen"), part="suicide-risk-screen")
WITHOUT_COMPLETION = tuple(one for one in p.ASSESSED if one is not p.COMPLETED)
ALL_RECORDED = (*WITHOUT_COMPLETION, p.PLANNED, SCREENED)


def decide(*facts: events.Event, because: OverrideReason | None = None, **told: Any) -> Any:
    answers = () if because is None else (Override(rule=INCOMPLETE, involves=(), reason=because),)
    command = replace(p.ISSUE_SERTRALINE, overrides=answers, **told)
    (decided,) = given(DECIDER, *facts).when(issue, command).decided
    return decided


def strike(of: Any) -> events.Event:
    return replace(p.PHENELZINE_STRUCK, fact_id=of.fact_id)


def test_an_order_before_the_assessment_is_complete_is_declined_with_what_is_missing() -> None:
    declined = decide(p.PROFILE, p.HISTORY, p.DIAGNOSIS)
    assert isinstance(declined, events.PrescriptionDeclined)
    assert declined.reasons == (INCOMPLETE,)
    assert declined.capsule.missing == ("medications", "allergies", "suicide-risk-screen", "plan", "completion")


def test_where_everything_is_recorded_the_act_of_completing_is_what_is_missing() -> None:
    assert decide(*ALL_RECORDED).capsule.missing == ("completion",)


def test_a_risk_that_was_noted_is_no_screen() -> None:
    assert "suicide-risk-screen" in missing(DECIDER.fold((p.PROFILE, replace(p.NO_RISK, level=SuicideRisk.NONE))))


def test_after_the_completion_nothing_is_asked_for_whatever_was_struck_of_its_parts() -> None:
    decided = decide(*p.ASSESSED, strike(p.HISTORY))
    assert isinstance(decided, events.PrescriptionIssued)
    assert not decided.capsule.missing


def test_a_completion_that_was_entered_in_error_completes_nothing() -> None:
    assert decide(*ALL_RECORDED, p.COMPLETED, strike(p.COMPLETED)).reasons == (INCOMPLETE,)


@pytest.mark.parametrize("reason", sorted(BEFORE_COMPLETION))
def test_a_coded_reason_lets_it_go_on_and_stands_in_the_decision(reason: OverrideReason) -> None:
    issued = decide(p.PROFILE, because=reason)
    assert isinstance(issued, events.PrescriptionIssued)
    assert [(answer.rule, answer.reason) for answer in issued.capsule.overrides] == [(INCOMPLETE, reason)]
    assert issued.capsule.missing


@pytest.mark.parametrize("reason", sorted(set(OverrideReason) - BEFORE_COMPLETION))
def test_a_reason_for_an_alert_is_none_for_an_assessment_that_is_not_complete(reason: OverrideReason) -> None:
    declined = decide(p.PROFILE, because=reason)
    assert declined.reasons == (INCOMPLETE,)
    assert declined.capsule.overrides == ()
    assert [one.why for one in declined.capsule.refused_overrides] == ["reason-does-not-fit"]


def test_such_an_answer_is_no_part_of_a_decision_that_did_not_need_it() -> None:
    assert decide(*p.ASSESSED, because=OverrideReason.BRIDGE).capsule.overrides == ()


def test_a_contraindication_is_the_worse_reason_and_an_unanswered_alert_the_lesser() -> None:
    worst = decide(*WITHOUT_COMPLETION, p.PHENELZINE_TAKEN)
    assert worst.reasons[:2] == ("contraindicated", INCOMPLETE)
    lesser = decide(*WITHOUT_COMPLETION, order=replace(p.SERTRALINE_50, daily_dose_mg=Decimal(300)))
    assert lesser.reasons == (INCOMPLETE, "high-alert-not-overridden")


def test_the_dose_of_what_was_prescribed_may_change_before_the_assessment_is_complete() -> None:
    (changed,) = given(DECIDER, p.PROFILE, p.ISSUED).when(change_dose, p.CHANGE_TO_100).decided
    assert isinstance(changed, events.DoseChanged)
    assert not changed.capsule.missing
