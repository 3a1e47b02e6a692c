"""What failed here, was not tolerated here, or is over, is remembered by the next order."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from careloop.contracts.prescribing import StatusReason
from careloop.contracts.terms import Medicine
from careloop.knowledge import chart as known
from careloop.knowledge.findings import Check, Reason, Severity
from services.prescribing.domain import events
from services.prescribing.domain.noted import ConditionStatusNoted, DiagnosisSeverityNoted
from services.prescribing.domain.orders import issue
from services.prescribing.domain.readings.numbered import LATEST
from services.prescribing.domain.state import DECIDER
from tests.support.charts import asking, read
from tests.support.controls import prescribing as p
from tests.support.controls.moments import LAST_WEEK, NOON, TODAY, event, fact
from tests.support.specification import given

SEIZURES = known.Condition(text="seizure disorder")
WITH_SEIZURES = tuple(replace(one, conditions=(SEIZURES,)) if one is p.HISTORY else one for one in p.ASSESSED)


def status(condition: known.Condition, said: str) -> events.Event:
    told = (replace(condition, clinical_status=said),)
    return ConditionStatusNoted(
        fact_id=p.HISTORY.fact_id, evidence=event("status"), conditions=told, occurred_at=LAST_WEEK
    )


def alerts(*facts: events.Event, order: str, mg: int = 50) -> dict[str, Severity]:
    ordered = replace(p.SERTRALINE_50, medicine=Medicine(name=order), daily_dose_mg=Decimal(mg))
    command = replace(p.ISSUE_SERTRALINE, fact_id=fact("the next"), order=ordered)
    (decided,) = given(DECIDER, *facts).when(issue, command).decided
    found: Any = decided
    return {alert.rule: alert.severity for alert in found.capsule.screening.alerts}


def tried(days: int, mg: int, reason: StatusReason = StatusReason.INEFFICACY) -> tuple[events.Event, ...]:
    begun = TODAY - timedelta(days=days + 1)
    order = replace(p.SERTRALINE_50, daily_dose_mg=Decimal(mg), starts_on=begun)
    issued = replace(p.ISSUED, order=order, occurred_at=NOON - timedelta(days=days + 1))
    ended = replace(p.DISCONTINUED, status_reason=reason, stopped_on=TODAY - timedelta(days=1))
    return (*p.ASSESSED, issued, ended)


@pytest.mark.parametrize(("days", "mg", "failed"), [(28, 50, True), (27, 50, False), (56, 25, False), (56, 100, True)])
def test_what_did_not_help_here_in_a_fair_trial_speaks_against_it(days: int, mg: int, failed: bool) -> None:
    assert ("trial.failed" in alerts(*tried(days, mg), order="sertraline")) is failed
    assert "trial.failed" not in alerts(*tried(days, mg), order="mirtazapine", mg=15)


def test_our_own_code_for_it_is_another_choice_in_fhir_and_every_other_is_fhirs_own() -> None:
    assert StatusReason.INEFFICACY.fhir == "altchoice"
    assert {reason.fhir for reason in StatusReason} == {str(one) for one in StatusReason} - {"inefficacy"}


@pytest.mark.parametrize(("grade", "rules"), [(1, set()), (2, {"trial.not-tolerated"})])
def test_a_moderate_side_effect_here_is_an_intolerance(grade: int, rules: set[str]) -> None:
    effect = replace(p.SEVERE_NAUSEA, ctcae_grade=grade)
    assert set(alerts(*p.ASSESSED, effect, order="sertraline")) == rules


def test_a_severe_reaction_here_is_on_the_chart_as_an_allergy_list_would_have_it() -> None:
    reaction = replace(p.SEVERE_NAUSEA, suspected_medicine="carbamazepine", ctcae_grade=3)
    assert read((*p.ASSESSED, reaction)).patient.allergies == (
        known.Allergy(
            substance="carbamazepine", type=known.AllergyType.INTOLERANCE, criticality=known.Criticality.HIGH
        ),
    )
    found = alerts(*p.ASSESSED, reaction, order="carbamazepine", mg=200)
    assert "intolerance.substance" in found
    worst = replace(reaction, ctcae_grade=4)
    assert alerts(*p.ASSESSED, worst, order="carbamazepine", mg=200)["allergy.substance"] is Severity.CONTRAINDICATED
    mild = replace(reaction, ctcae_grade=2)
    assert read((*p.ASSESSED, mild)).patient.allergies == ()


def test_what_ended_here_for_an_allergy_concerns_its_relatives() -> None:
    facts = tried(30, 50, StatusReason.ALLERGY)
    issued, ended = facts[-2:]
    assert isinstance(issued, events.PrescriptionIssued)
    carbamazepine = replace(issued, order=replace(issued.order, medicine=Medicine(name="carbamazepine")))
    found = alerts(*p.ASSESSED, carbamazepine, ended, order="oxcarbazepine", mg=300)
    assert [rule for rule in found if rule.startswith("allergy.")]


def test_a_reaction_here_is_no_answer_to_the_question_for_allergies() -> None:
    facts = [one for one in (*p.ASSESSED, p.SEVERE_NAUSEA) if one is not p.NO_ALLERGIES]
    question = asking(facts)
    gaps = LATEST.not_recorded(question)
    assert [(gap.check, gap.reason) for gap in gaps] == [(Check.ALLERGY, Reason.ALLERGIES_NOT_ASKED)]


@pytest.mark.parametrize(
    ("said", "severity"),
    [
        ("active", Severity.CONTRAINDICATED),
        ("remission", Severity.CONTRAINDICATED),
        ("inactive", Severity.CONTRAINDICATED),
        ("unknown", Severity.CONTRAINDICATED),
        ("resolved", Severity.HIGH),
    ],
)
def test_a_condition_that_is_resolved_is_no_hard_stop(said: str, severity: Severity) -> None:
    found = alerts(*WITH_SEIZURES, status(SEIZURES, said), order="bupropion", mg=150)
    assert found["condition.bupropion-seizure"] is severity


def test_a_condition_that_stands_by_another_record_stays_one() -> None:
    again = replace(p.HISTORY, fact_id=fact("again"), conditions=(SEIZURES,))
    found = alerts(*WITH_SEIZURES, status(SEIZURES, "resolved"), again, order="bupropion", mg=150)
    assert found["condition.bupropion-seizure"] is Severity.CONTRAINDICATED


def test_the_status_of_a_struck_history_is_struck_with_it() -> None:
    struck = replace(p.PHENELZINE_STRUCK, fact_id=p.HISTORY.fact_id)
    assert "condition.bupropion-seizure" not in alerts(
        *WITH_SEIZURES, status(SEIZURES, "active"), struck, order="bupropion", mg=150
    )


def test_how_severe_a_diagnosis_is_stands_on_the_chart() -> None:
    severe = DiagnosisSeverityNoted(
        fact_id=p.DIAGNOSIS.fact_id, evidence=event("severity"), severity="severe", occurred_at=LAST_WEEK
    )
    assert read((*p.ASSESSED, severe)).patient.conditions == (known.Condition(icd10="F33.1", severity="severe"),)
