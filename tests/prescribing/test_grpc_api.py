"""Prescribing over gRPC: every answer about an order explains what spoke against it on what was known then."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast
from uuid import uuid4

import pytest
from care.common.v1 import common_pb2
from care.prescribing.v1 import prescribing_pb2 as pb

from careloop.chassis.calls.call import Call, Caller, set_current_call
from careloop.kernel.credentials import Credential
from careloop.knowledge.chart import Medication
from services.prescribing.domain.events import Event
from services.prescribing.grpc_api import PrescribingApi
from tests.prescribing.serving import Log, served_api
from tests.support.controls import prescribing as p
from tests.support.controls.moments import NOON, PATIENT, PRESCRIBER

CONTEXT = cast(Any, None)
CALL = Call(
    method="/care.prescribing.v1.PrescribingService/Any",
    caller=Caller(
        subject=PRESCRIBER,
        role="psychiatrist",
        credential=Credential(
            kind="psychiatrist", valid_from=p.CREDENTIAL.valid_from, valid_until=p.CREDENTIAL.valid_until
        ),
    ),
    correlation_id=uuid4(),
    now=NOON,
)
TAKING = replace(p.PHENELZINE_TAKEN, medications=(Medication(name="lisinopril", daily_dose_mg=Decimal(10)),))
LITHIUM = pb.Order(medicine=common_pb2.Medicine(name="lithium carbonate"), daily_dose_mg="600", days_supply=14)
ISSUE = pb.IssuePrescriptionRequest(request_id="lithium", patient_id=str(PATIENT), order=LITHIUM)


async def api_on(*facts: Event) -> tuple[PrescribingApi, Log]:
    set_current_call(CALL)
    log = Log()
    await log.tell(PATIENT, facts)
    return served_api(log), log


def told(alerts: Sequence[common_pb2.Alert], rule: str) -> common_pb2.Alert:
    return next(alert for alert in alerts if alert.rule == rule)


def check(alerts: Sequence[common_pb2.Alert]) -> None:
    """What, why, on which facts, what to do, and the source."""
    raas = told(alerts, "ddi.lithium-raas")
    assert raas.message.startswith("lithium with lisinopril")
    assert raas.mechanism.startswith("The kidney takes lithium back")
    assert "lisinopril: 10 mg a day, still taken" in raas.evidence
    assert "lithium: ordered, 600 mg a day, from 2026-11-23" in raas.evidence
    assert raas.action
    assert raas.source


async def test_a_screen_explains_every_alert() -> None:
    api, _ = await api_on(*p.ASSESSED, TAKING)
    answer = await api.ScreenOrder(pb.ScreenOrderRequest(patient_id=str(PATIENT), order=LITHIUM), CONTEXT)
    check(answer.screening.alerts)


async def test_a_declined_order_is_explained_and_a_repeat_answers_the_same() -> None:
    api, log = await api_on(*p.ASSESSED, TAKING)
    first = await api.IssuePrescription(ISSUE, CONTEXT)
    assert first.decision == pb.DECISION_DECLINED
    check(first.screening.alerts)
    await log.tell(PATIENT, [replace(p.NOTHING_TAKEN, occurred_at=NOON)])
    again = await api.IssuePrescription(ISSUE, CONTEXT)
    assert again.receipt.repeated
    assert (again.fact_id, again.screening) == (first.fact_id, first.screening)


async def test_the_explanation_of_a_decision_is_that_of_then() -> None:
    api, log = await api_on(*p.ASSESSED, TAKING)
    await api.IssuePrescription(ISSUE, CONTEXT)
    await log.tell(PATIENT, [replace(p.STRUCK, fact_id=TAKING.fact_id)])
    answer = await api.GetDecisions(pb.GetDecisionsRequest(patient_id=str(PATIENT)), CONTEXT)
    (decision,) = answer.decisions
    assert (decision.decision, decision.reasons[0]) == ("declined", "high-alert-not-overridden")
    check(decision.screening.alerts)


@pytest.mark.parametrize(("dose", "decision"), [("100", pb.DECISION_ISSUED), ("300", pb.DECISION_DECLINED)])
async def test_a_changed_dose_is_explained_as_an_order_of_it(dose: str, decision: int) -> None:
    api, _ = await api_on(*p.ASSESSED, TAKING)
    order = pb.Order(medicine=common_pb2.Medicine(name="sertraline"), daily_dose_mg="50", days_supply=30)
    issued = await api.IssuePrescription(
        pb.IssuePrescriptionRequest(request_id="sertraline", patient_id=str(PATIENT), order=order), CONTEXT
    )
    assert issued.decision == pb.DECISION_ISSUED
    change = pb.ChangeDoseRequest(
        request_id="change",
        patient_id=str(PATIENT),
        prescription_id=issued.fact_id,
        daily_dose_mg=dose,
        reason="partial response",
    )
    answer = await api.ChangeDose(change, CONTEXT)
    assert answer.decision == decision
    assert [alert.rule for alert in answer.screening.alerts] == ["dose.max-daily"] * (dose == "300")
    for alert in answer.screening.alerts:
        assert alert.mechanism
        assert "sertraline: ordered, 300 mg a day, from 2026-11-23" in alert.evidence


async def test_decisions_are_read_with_the_question_of_then_and_how_far_it_is() -> None:
    api, log = await api_on(*p.ASSESSED, TAKING)
    await api.IssuePrescription(ISSUE, CONTEXT)
    answers = [answer async for answer in api.ReadDecisions(pb.ReadDecisionsRequest(), CONTEXT)]
    (decision,) = [answer.decision for answer in answers if answer.HasField("decision")]
    assert b'"lisinopril"' in decision.question
    head = (await log.store.head()).position
    assert (answers[-1].position, answers[-1].through) == (head, head)
