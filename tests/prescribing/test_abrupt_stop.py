"""Stopping a drug from one day to the next, where that is dangerous, is an alert to answer."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from careloop.contracts.prescribing import Override, OverrideReason, StatusReason
from careloop.contracts.terms import Medicine
from careloop.knowledge.pack.pack import load
from careloop.knowledge.supply.stopping import DoseFrom, abrupt_stop
from services.prescribing.domain import events
from services.prescribing.domain.discontinuing import discontinue
from services.prescribing.domain.state import DECIDER
from tests.support.controls import prescribing as p
from tests.support.controls.moments import NOON, TODAY, fact
from tests.support.knowledge import released
from tests.support.specification import given

WILL_MONITOR, NO_ALTERNATIVE = OverrideReason.WILL_MONITOR, OverrideReason.NO_ALTERNATIVE


def taking(drug: str, days: int, mg: int = 4) -> events.PrescriptionIssued:
    order = replace(
        p.SERTRALINE_50,
        medicine=Medicine(name=drug),
        daily_dose_mg=Decimal(mg),
        starts_on=TODAY - timedelta(days=days),
    )
    return replace(p.ISSUED, order=order, ingredients=(drug,), occurred_at=NOON - timedelta(days=days))


def lowered(mg: str, days_ago: int) -> events.DoseChanged:
    return replace(
        p.CHANGED,
        fact_id=fact(f"to {mg}"),
        to_daily_dose_mg=Decimal(mg),
        effective_on=TODAY - timedelta(days=days_ago),
        occurred_at=NOON - timedelta(days=days_ago),
    )


def stop(*facts: events.Event, answers: tuple[Override, ...] = ()) -> Any:
    command = replace(p.DISCONTINUE, status_reason=StatusReason.WASHOUT, overrides=answers)
    return given(DECIDER, *p.ASSESSED, *facts).when(discontinue, command)


def answer(rule: str, reason: OverrideReason, comment: str = "") -> Override:
    return Override(rule=rule, involves=(), reason=reason, comment=comment)


@pytest.mark.parametrize(
    ("drug", "rule"),
    [
        ("clonazepam", "stop.benzodiazepine"),
        ("lithium", "stop.lithium"),
        ("clozapine", "stop.clozapine"),
        ("venlafaxine", "stop.snri"),
        ("paroxetine", "stop.paroxetine"),
        ("propranolol", "stop.beta-blocker"),
    ],
)
def test_what_is_dangerous_to_stop_at_once_is_not_stopped_without_an_answer(drug: str, rule: str) -> None:
    refusal = stop(taking(drug, 90)).then_refused("abrupt-stop-not-answered")
    assert refusal.details == {"rule": rule, "severity": "high", "drug": drug}
    assert refusal.field == "overrides"
    (ended,) = stop(taking(drug, 90), answers=(answer(rule, WILL_MONITOR),)).decided
    assert [alert.rule for alert in ended.alerts] == [rule]
    assert [one.reason for one in ended.overrides] == [WILL_MONITOR]


def test_an_answer_that_does_not_count_is_refused_with_why() -> None:
    silent = stop(taking("clonazepam", 90), answers=(answer("stop.benzodiazepine", NO_ALTERNATIVE),))
    assert silent.then_refused("abrupt-stop-not-answered").details["why"] == "comment-required"
    unfit = stop(taking("clonazepam", 90), answers=(answer("stop.benzodiazepine", OverrideReason.BRIDGE, "x"),))
    assert unfit.then_refused("abrupt-stop-not-answered").details["why"] == "reason-does-not-fit"
    other = stop(taking("clonazepam", 90), answers=(answer("stop.lithium", WILL_MONITOR),))
    assert "why" not in other.then_refused("abrupt-stop-not-answered").details


@pytest.mark.parametrize(("days", "abrupt"), [(27, False), (28, True)])
def test_what_was_taken_for_a_short_while_may_be_stopped(days: int, abrupt: bool) -> None:
    outcome = stop(taking("clonazepam", days))
    if abrupt:
        outcome.then_refused("abrupt-stop-not-answered")
    else:
        (ended,) = outcome.decided
        assert not ended.alerts


@pytest.mark.parametrize(("last", "abrupt"), [("1", False), ("1.01", True)])
def test_a_last_dose_of_a_quarter_of_the_highest_one_was_tapered(last: str, abrupt: bool) -> None:
    outcome = stop(taking("clonazepam", 200), lowered("2", 40), lowered(last, 14))
    if abrupt:
        outcome.then_refused("abrupt-stop-not-answered")
    else:
        assert outcome.decided


def test_a_taper_that_was_struck_was_none() -> None:
    tapered = lowered("1", 14)
    struck = replace(p.STRUCK, fact_id=tapered.fact_id)
    stop(taking("clonazepam", 200), tapered, struck).then_refused("abrupt-stop-not-answered")


def test_what_is_only_unpleasant_is_stopped_and_said() -> None:
    (ended,) = stop(taking("sertraline", 90)).decided
    assert [(alert.rule, alert.severity) for alert in ended.alerts] == [("stop.ssri", "moderate")]
    assert not ended.overrides


def test_of_a_drug_that_no_rule_names_nothing_is_said() -> None:
    (ended,) = stop(taking("buspirone", 90)).decided
    assert not ended.alerts


def test_doses_of_more_than_twelve_weeks_ago_do_not_count() -> None:
    doses = [
        DoseFrom(on=TODAY - timedelta(days=400), daily_dose_mg=Decimal(4)),
        DoseFrom(on=TODAY - timedelta(days=100), daily_dose_mg=Decimal(1)),
    ]
    assert abrupt_stop(["clonazepam"], doses, TODAY), "1 mg is all there was in the last twelve weeks"
    unknown = [doses[0], replace(doses[1], daily_dose_mg=None, on=TODAY - timedelta(days=10))]
    assert abrupt_stop(["clonazepam"], unknown, TODAY), "what is not stated was not tapered"


def test_a_pack_from_before_these_rules_lets_every_stop_pass() -> None:
    doses = [DoseFrom(on=TODAY - timedelta(days=400), daily_dose_mg=Decimal(4))]
    assert abrupt_stop(["clonazepam"], doses, TODAY, load(released("1.2.0"))) is None
