"""Which reason answers which kind of alert, which of them want a comment, and what no reason answers."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from careloop.contracts.prescribing import Override, OverrideReason, RefusedOverride, is_overridden
from careloop.contracts.terms import Medicine
from careloop.knowledge import chart as known
from careloop.knowledge.findings import Check, Severity
from careloop.knowledge.pack.pack import current_pack
from careloop.knowledge.pack.shapes.screening import OverrideRule
from services.prescribing.domain import events
from services.prescribing.domain.orders import issue
from services.prescribing.domain.state import DECIDER
from tests.support.controls import coordination as published
from tests.support.controls import prescribing as p
from tests.support.controls.moments import TODAY
from tests.support.specification import given

TAKING = replace(p.NOTHING_TAKEN, medications=(known.Medication(name="escitalopram", daily_dose_mg=Decimal(10)),))
DUPLICATE = tuple(TAKING if one is p.NOTHING_TAKEN else one for one in p.ASSESSED)
"""Beside another SSRI sertraline is a high alert of a duplicate."""
WILL_MONITOR, CROSS_TAPER = OverrideReason.WILL_MONITOR, OverrideReason.CROSS_TAPER


def decide(*answers: Override, facts: tuple[events.Event, ...] = p.ASSESSED, mg: int = 50) -> Any:
    order = replace(p.SERTRALINE_50, medicine=Medicine(name="sertraline"), daily_dose_mg=Decimal(mg))
    command = replace(p.ISSUE_SERTRALINE, order=order, overrides=answers)
    (decided,) = given(DECIDER, *facts).when(issue, command).decided
    return decided


def answer(rule: str, reason: OverrideReason, comment: str = "") -> Override:
    return Override(rule=rule, involves=(), reason=reason, comment=comment)


@pytest.mark.parametrize("comment", ["", "the client insists"])
@pytest.mark.parametrize("reason", OverrideReason)
def test_nothing_lets_5000_milligrams_of_sertraline_pass(reason: OverrideReason, comment: str) -> None:
    answers = [answer(rule, reason, comment) for rule in ("dose.max-daily", "dose.never-above")]
    declined = decide(*answers, mg=5000)
    assert isinstance(declined, events.PrescriptionDeclined)
    assert declined.reasons[0] == "contraindicated"


def test_above_the_maximum_a_reason_without_a_word_says_nothing() -> None:
    declined = decide(answer("dose.max-daily", OverrideReason.ALERT_NOT_APPLICABLE, "  "), mg=250)
    assert declined.reasons == ("high-alert-not-overridden",)
    assert declined.capsule.overrides == ()
    assert declined.capsule.refused_overrides == (
        RefusedOverride(
            rule="dose.max-daily",
            involves=(),
            reason=OverrideReason.ALERT_NOT_APPLICABLE,
            why="comment-required",
        ),
    )
    issued = decide(answer("dose.max-daily", OverrideReason.PATIENT_HAS_TOLERATED, "250 for two years"), mg=250)
    assert isinstance(issued, events.PrescriptionIssued)
    assert not issued.capsule.refused_overrides


def test_monitoring_does_not_explain_a_duplicate_and_a_cross_taper_does() -> None:
    declined = decide(answer("duplicate.ssri-snri", WILL_MONITOR, "weekly"), facts=DUPLICATE)
    assert declined.reasons == ("high-alert-not-overridden",)
    assert [one.why for one in declined.capsule.refused_overrides] == ["reason-does-not-fit"]
    assert isinstance(decide(answer("duplicate.ssri-snri", CROSS_TAPER), facts=DUPLICATE), events.PrescriptionIssued)


def test_an_answer_that_does_not_count_beside_one_that_does_holds_nothing_up() -> None:
    both = (answer("duplicate.ssri-snri", WILL_MONITOR), answer("duplicate.ssri-snri", CROSS_TAPER))
    issued = decide(*both, facts=DUPLICATE)
    assert isinstance(issued, events.PrescriptionIssued)
    assert [one.reason for one in issued.capsule.overrides] == [CROSS_TAPER]
    (refused,) = issued.capsule.refused_overrides or ()
    assert refused.reason == WILL_MONITOR


def test_the_pack_says_of_every_kind_of_alert_what_answers_it_in_codes_that_can_be_given() -> None:
    rules = {rule.answers: rule for rule in current_pack().entries(OverrideRule) if rule.in_force(TODAY)}
    assert rules.keys() == {*map(str, Check), "not-checked", "assessment-incomplete", "abrupt-stop"}
    for rule in rules.values():
        assert set(rule.reasons) <= set(OverrideReason)
        assert set(rule.with_comment) <= set(rule.reasons)
        assert rule.reasons
    assert "alert-not-applicable" in rules["dose"].with_comment


@pytest.mark.parametrize(
    ("answers", "overridden"),
    [((), False), (("sertraline", "ibuprofen"), True), (("ibuprofen", "sertraline"), True), (("ibuprofen",), False)],
)
def test_an_alert_is_overridden_by_an_answer_to_its_rule_and_its_medicines(
    answers: tuple[str, ...], overridden: bool
) -> None:
    given_answers = (replace(published.OVERRIDE, involves=answers),) if answers else ()
    assert is_overridden(published.ALERT, given_answers) is overridden
    assert published.ALERT.severity == Severity.HIGH
    assert is_overridden(published.ALERT, (replace(published.OVERRIDE, involves=()),))
    assert not is_overridden(published.ALERT, (replace(published.OVERRIDE, rule="other"),))
