"""What an order is for: named by the prescriber, or to be found among the diagnoses."""

from dataclasses import replace
from typing import Any

import pytest

from careloop.contracts.terms import Coding
from careloop.knowledge.chart import Condition
from services.prescribing.domain import events
from services.prescribing.domain.dose_changes import change_dose
from services.prescribing.domain.orders import issue
from services.prescribing.domain.past import as_decided, check_again
from services.prescribing.domain.state import DECIDER
from tests.support.controls import prescribing as p
from tests.support.controls.moments import TODAY
from tests.support.histories.courses import decisions, issued
from tests.support.specification import given

OTHER = Coding(system="icd-10-cm", code="I10", display="Hypertension")
HYPERTENSION_ALONE = tuple(replace(one, icd10="I10") if one is p.DIAGNOSIS else one for one in p.ASSESSED)
UNDIAGNOSED = tuple(one for one in p.ASSESSED if one is not p.DIAGNOSIS)


def decided(*facts: events.Event, indication: Coding | None = None) -> Any:
    order = p.SERTRALINE_50 if indication is None else replace(p.SERTRALINE_50, indication=indication)
    (event,) = given(DECIDER, *facts).when(issue, replace(p.ISSUE_SERTRALINE, order=order)).decided
    return event


def rules(event: Any) -> list[str]:
    return [alert.rule for alert in event.capsule.screening.alerts if alert.rule.startswith("no-indication")]


def test_an_order_that_no_standing_diagnosis_explains_is_issued_with_a_low_alert() -> None:
    event = decided(*HYPERTENSION_ALONE)
    assert isinstance(event, events.PrescriptionIssued)
    assert rules(event) == ["no-indication"]
    assert rules(decided(*p.ASSESSED)) == []


def test_the_indication_is_stored_with_the_order_and_answers_the_alert() -> None:
    event = decided(*HYPERTENSION_ALONE, indication=p.DEPRESSION)
    assert event.order.indication == p.DEPRESSION
    assert rules(event) == []


def test_an_indication_that_the_drug_is_not_given_for_is_an_alert_of_its_own() -> None:
    assert rules(decided(*p.ASSESSED, indication=OTHER)) == ["no-indication.named"]


def test_without_a_diagnosis_nothing_is_said_whatever_the_scales_make_likely() -> None:
    assert rules(decided(*UNDIAGNOSED)) == []
    assert rules(decided(*UNDIAGNOSED, p.POSITIVE_MDQ)) == []


@pytest.mark.parametrize(
    ("named", "field"),
    [
        (Coding(system="local", code="F33.1"), "order.indication.system"),
        (Coding(system="icd-10-cm", code="depression"), "order.indication.code"),
        (Coding(system="icd-10-cm", code="f33.1"), "order.indication.code"),
        (Coding(system="snomed", code="F33.1"), "order.indication.code"),
    ],
)
def test_what_is_no_code_of_a_condition_is_refused(named: Coding, field: str) -> None:
    order = replace(p.SERTRALINE_50, indication=named)
    outcome = given(DECIDER, *p.ASSESSED).when(issue, replace(p.ISSUE_SERTRALINE, order=order))
    assert outcome.then_refused("not-a-condition-code").field == field


def test_a_change_of_dose_is_for_what_its_prescription_is_for() -> None:
    begun = replace(p.BEGUN, order=replace(p.BEGUN.order, indication=p.DEPRESSION))
    (event,) = given(DECIDER, *HYPERTENSION_ALONE, begun).when(change_dose, p.CHANGE_TO_100).decided
    assert rules(event) == []
    (unnamed,) = given(DECIDER, *HYPERTENSION_ALONE, p.BEGUN).when(change_dose, p.CHANGE_TO_100).decided
    assert rules(unnamed) == ["no-indication"]


@pytest.mark.parametrize("named", [p.DEPRESSION, OTHER, Coding(system="snomed", code="370143000")])
def test_a_past_decision_on_an_order_with_an_indication_is_answered_as_it_was(named: Coding) -> None:
    stream = issued(*HYPERTENSION_ALONE, order=replace(p.SERTRALINE_50, indication=named))
    (event,) = decisions(stream)
    past = as_decided(event, stream, TODAY)
    assert check_again(past) == event.capsule.screening
    asked = past.reading.question(past.asking).order.indication
    coded = {"icd10": named.code} if named.system == "icd-10-cm" else {"snomed": named.code}
    assert asked == Condition(**coded, text=named.display or None)
