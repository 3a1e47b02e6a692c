"""Prescribing over gRPC, field by field: what is asked is stored as given, and what is not given stays unknown."""

import json
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import grpc
import pytest
from care.common.v1 import common_pb2
from care.prescribing.v1 import prescribing_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp
from msgspec import UNSET

from careloop.chassis.calls.statuses import refusal_of
from careloop.chassis.events.consistency_token import ConsistencyToken
from careloop.contracts.prescribing import (
    DiscrepancyResolution,
    DiscrepancyResolved,
    Order,
    Override,
    OverrideReason,
    PrescriptionDiscontinued,
    StatusReason,
    SupplyCounted,
)
from careloop.contracts.terms import Coding, EnteredInError, Medicine
from careloop.kernel.errors import CareloopError, InvalidInput, NotAllowed, RequestIdReused, Unavailable
from services.prescribing.domain.events import DoseChanged, PrescriptionDeclined, PrescriptionIssued
from services.prescribing.domain.signing import sign_dose_plan
from services.prescribing.domain.state import DECIDER
from tests.prescribing.calling import CALLER, CORRELATION, LICENCE, PARTITION, Clinic, FreshUntil, seen
from tests.support.completeness import never_sent, places
from tests.support.controls import dose_plans as plans
from tests.support.controls import prescribing as p
from tests.support.controls.moments import NOON, PATIENT, TODAY, YESTERDAY, fact
from tests.support.histories.courses import OTHER_PATIENT
from tests.support.specification import given

TOMORROW = TODAY + timedelta(days=1)
SECOND = timedelta(seconds=1)
BASE: dict[str, Any] = {"request_id": "request", "patient_id": str(PATIENT)}


def stamp(moment: datetime) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(moment)
    return found


ANSWER = pb.Override(
    rule="condition.antidepressant-bipolar",
    involves=["sertraline", "positive-mood-disorder-questionnaire"],
    reason="will-monitor",
    comment="weekly",
)
ORDER = pb.Order(
    medicine=common_pb2.Medicine(name="sertraline 50 MG Oral Tablet", rxcui="36437"),
    daily_dose_mg="37.5",
    sig="half a tablet in the morning",
    days_supply=28,
    starts_on=TOMORROW.isoformat(),
    indication=common_pb2.Coding(system="icd-10-cm", code="F33.1", display="Recurrent depression"),
)
TAKEN_SO = pb.Order(
    medicine=common_pb2.Medicine(name="prednisone"),
    regimen=common_pb2.Regimen(
        phases=[
            common_pb2.Phase(days=14, every_days=2, doses=[common_pb2.ScheduledDose(at="08:00", amount_mg="100")]),
            common_pb2.Phase(
                weekdays=["mon"],
                as_needed=common_pb2.AsNeeded(reason="pain", amount_mg="1", most_in_24_hours=3, hours_between=4),
            ),
        ]
    ),
)
BARE_ORDER = pb.Order(medicine=common_pb2.Medicine(name="sertraline"))
SEEN = seen("assessment", 5)
FULL: dict[str, Any] = {
    "ScreenOrder": pb.ScreenOrderRequest(patient_id=str(PATIENT), order=TAKEN_SO, at_least=[SEEN]),
    "DraftDosePlan": pb.DraftDosePlanRequest(
        patient_id=str(PATIENT),
        kind="switch",
        **{"from": pb.LoweredDrug(name="sertraline", daily_dose_mg="100")},
        to=pb.RaisedDrug(name="venlafaxine", target_daily_mg="75"),
        starts_on=TOMORROW.isoformat(),
        pace_percent="50",
        every_days=14,
        on_hand=[pb.StrengthsOnHand(name="sertraline", strengths_mg=["25"], splittable=True)],
        answers=pb.TaperAnswers(
            withdrawal_seizure=False,
            seizure_disorder=False,
            alcohol_or_opioids=True,
            pregnancy=False,
            relapse_in_24_months=False,
            used_since="2026-01-01",
            days_a_week=7,
        ),
        client_sets_pace=True,
        at_least=[SEEN],
    ),
    "IssuePrescription": pb.IssuePrescriptionRequest(
        **BASE, order=ORDER, overrides=[ANSWER], at_least=[SEEN], occurred_at=stamp(YESTERDAY)
    ),
    "ChangeDose": pb.ChangeDoseRequest(
        **BASE,
        prescription_id=str(p.ISSUED.fact_id),
        daily_dose_mg="62.5",
        effective_on=TOMORROW.isoformat(),
        reason="partial response",
        overrides=[ANSWER],
        at_least=[SEEN],
        occurred_at=stamp(YESTERDAY),
        planned_doses="cancel",
    ),
    "DiscontinuePrescription": pb.DiscontinuePrescriptionRequest(
        **BASE,
        prescription_id=str(p.ISSUED.fact_id),
        status_reason="salg",
        stopped_on=YESTERDAY.date().isoformat(),
        overrides=[ANSWER],
        occurred_at=stamp(YESTERDAY),
    ),
    "SignDosePlan": pb.SignDosePlanRequest(
        **BASE,
        kind="taper",
        segments=[
            pb.DoseSegment(
                drug="prazosin",
                from_on=TOMORROW.isoformat(),
                to_on=TOMORROW.isoformat(),
                regimen=common_pb2.Regimen(
                    phases=[common_pb2.Phase(doses=[common_pb2.ScheduledDose(at="bedtime", amount_mg="1")])]
                ),
                asks=["blood-pressure"],
            )
        ],
        begins=pb.BeginningDrug(
            medicine=common_pb2.Medicine(name="mirtazapine", rxcui="15996"),
            days_supply=30,
            sig="one at night",
            indication=common_pb2.Coding(system="icd-10-cm", code="F33.1", display="Recurrent depression"),
        ),
        on_hand=[pb.StrengthsOnHand(name="prazosin", strengths_mg=["1"], splittable=True)],
        answers=pb.TaperAnswers(
            withdrawal_seizure=False,
            seizure_disorder=False,
            alcohol_or_opioids=True,
            pregnancy=False,
            relapse_in_24_months=False,
            used_since="2026-01-01",
            days_a_week=7,
        ),
        safety=True,
        client_sets_pace=True,
        status_reason="sintol",
        replaces_plan_id=str(plans.SIGN.fact_id),
        overrides=[ANSWER],
        at_least=[SEEN],
        occurred_at=stamp(YESTERDAY),
    ),
    "ConfirmStep": pb.ConfirmStepRequest(
        **BASE,
        plan_id=str(plans.SIGN.fact_id),
        step=1,
        asked=[pb.AnsweredAsk(ask="blood-pressure", answer="fine")],
        overrides=[ANSWER],
        at_least=[SEEN],
        occurred_at=stamp(YESTERDAY),
    ),
    "HoldStep": pb.HoldStepRequest(
        **BASE,
        plan_id=str(plans.SIGN.fact_id),
        step=1,
        reason="result",
        comment="sodium 128",
        occurred_at=stamp(YESTERDAY),
    ),
    "ChangeStep": pb.ChangeStepRequest(
        **BASE,
        plan_id=str(plans.SIGN.fact_id),
        step=1,
        from_on=(TODAY + timedelta(days=9)).isoformat(),
        reason="supply",
        comment="by post",
        occurred_at=stamp(YESTERDAY),
    ),
    "EndDosePlan": pb.EndDosePlanRequest(
        **BASE, plan_id=str(plans.SIGN.fact_id), reason="relapse", comment="low again", occurred_at=stamp(YESTERDAY)
    ),
    "CountSupply": pb.CountSupplyRequest(
        **BASE,
        medicine=common_pb2.Medicine(name="sertraline", rxcui="36437"),
        units="7.5",
        unit_mg="50",
        counted_on=YESTERDAY.date().isoformat(),
        occurred_at=stamp(YESTERDAY),
    ),
    "ResolveDiscrepancy": pb.ResolveDiscrepancyRequest(
        **BASE,
        discrepancy_id=str(p.DISCREPANCY.fact_id),
        resolution="dose-changed",
        comment="halved",
        occurred_at=stamp(YESTERDAY),
    ),
    "AnswerConcern": pb.AnswerConcernRequest(
        **BASE,
        concern_id=str(p.CONCERN.concern),
        answer="dose-changed",
        by_when=TOMORROW.isoformat(),
        accepted_because="cross-taper",
        comment="in hospital",
        second="ph.ng",
        occurred_at=stamp(YESTERDAY),
    ),
    "MarkEnteredInError": pb.MarkEnteredInErrorRequest(
        **BASE, fact_id=str(p.ISSUED.fact_id), reason="another client's order"
    ),
    "GetDecisions": pb.GetDecisionsRequest(patient_id=str(PATIENT)),
}
BARE: dict[str, Any] = {
    "IssuePrescription": pb.IssuePrescriptionRequest(**BASE, order=BARE_ORDER),
    "ChangeDose": pb.ChangeDoseRequest(
        **BASE, prescription_id=str(p.ISSUED.fact_id), daily_dose_mg="100", reason="partial response"
    ),
    "DiscontinuePrescription": pb.DiscontinuePrescriptionRequest(
        **BASE, prescription_id=str(p.ISSUED.fact_id), status_reason="sintol"
    ),
    "CountSupply": pb.CountSupplyRequest(**BASE, medicine=common_pb2.Medicine(name="sertraline"), units="0"),
    "ResolveDiscrepancy": pb.ResolveDiscrepancyRequest(
        **BASE, discrepancy_id=str(p.DISCREPANCY.fact_id), resolution="list-wrong"
    ),
    "AnswerConcern": pb.AnswerConcernRequest(**BASE, concern_id=str(p.CONCERN.concern), answer="stopped"),
}
OF_PLANS = ("SignDosePlan", "ConfirmStep", "HoldStep", "ChangeStep", "EndDosePlan")
WRITES = (
    "IssuePrescription",
    "ChangeDose",
    "DiscontinuePrescription",
    *OF_PLANS,
    "CountSupply",
    "ResolveDiscrepancy",
    "AnswerConcern",
    "MarkEnteredInError",
)
WITH_CREDENTIAL = (
    "IssuePrescription",
    "ChangeDose",
    "DiscontinuePrescription",
    *OF_PLANS,
    "ResolveDiscrepancy",
    "AnswerConcern",
)
WAITING = ("ScreenOrder", "DraftDosePlan", "IssuePrescription", "ChangeDose", "SignDosePlan", "ConfirmStep")
METHODS = pb.DESCRIPTOR.services_by_name["PrescribingService"].methods_by_name
WARNED = (*p.ASSESSED, p.POSITIVE_MDQ)


PRAZOSIN = (*p.ASSESSED, plans.PRAZOSIN)
TAPERING = (*PRAZOSIN, *given(DECIDER, *PRAZOSIN).when(sign_dose_plan, plans.SIGN).decided)


def history(rpc: str) -> tuple[Any, ...]:
    if rpc in OF_PLANS:
        return TAPERING
    if rpc == "AnswerConcern":
        return (*WARNED, p.BEGUN, p.RAISED, p.SECOND_CAME)
    if rpc == "ResolveDiscrepancy":
        return (*WARNED, p.BEGUN, p.DISCREPANCY)
    return WARNED if rpc in ("IssuePrescription", "ScreenOrder") else (*WARNED, p.BEGUN)


async def clinic_for(rpc: str, heads: FreshUntil | None = None) -> Clinic:
    """With all that the call needs, and every source read up to 5."""
    clinic = await Clinic(heads or FreshUntil(NOON)).knows(*history(rpc))
    await clinic.consume("assessment", 5)
    await clinic.consume("monitoring", 5)
    return clinic


async def refusal(clinic: Clinic, rpc: str, request: Any, **told: Any) -> CareloopError:
    before = (await clinic.store.head()).position
    with pytest.raises(CareloopError) as refused:
        await clinic.call(rpc, request, **told)
    assert (await clinic.store.head()).position == before
    assert refused.value.sentence.endswith("."), "people read a whole sentence"
    return refused.value


def test_every_call_has_an_example_that_sends_every_field() -> None:
    assert set(FULL) == set(METHODS) - {"ReadDecisions", "RunStandingCheck"}
    assert never_sent(*FULL.values()) == set()
    assert [rpc for rpc, method in METHODS.items() if "request_id" in method.input_type.fields_by_name] == [*WRITES]
    assert [rpc for rpc, method in METHODS.items() if "at_least" in method.input_type.fields_by_name] == [*WAITING]


async def test_an_order_is_stored_as_given() -> None:
    clinic = await clinic_for("IssuePrescription")
    answer = await clinic.call("IssuePrescription", FULL["IssuePrescription"])
    stored = await clinic.last()
    assert stored == PrescriptionIssued(
        fact_id=stored.fact_id,
        order=Order(
            medicine=Medicine(name="sertraline 50 MG Oral Tablet", rxcui="36437"),
            daily_dose_mg=Decimal("37.5"),
            sig="half a tablet in the morning",
            days_supply=28,
            starts_on=TOMORROW,
            indication=Coding(system="icd-10-cm", code="F33.1", display="Recurrent depression"),
        ),
        ingredients=("sertraline",),
        prescriber=CALLER,
        capsule=stored.capsule,
        occurred_at=YESTERDAY,
    )
    assert stored.capsule.overrides == (
        Override(
            rule="condition.antidepressant-bipolar",
            involves=("sertraline", "positive-mood-disorder-questionnaire"),
            reason=OverrideReason.WILL_MONITOR,
            comment="weekly",
        ),
    )
    assert (answer.decision, answer.fact_id, list(answer.reasons)) == (pb.DECISION_ISSUED, str(stored.fact_id), [])


async def test_what_an_order_does_not_say_is_stored_as_unknown_and_it_starts_today() -> None:
    clinic = await clinic_for("IssuePrescription")
    await clinic.call("IssuePrescription", BARE["IssuePrescription"])
    stored = await clinic.last()
    assert stored.order == Order(
        medicine=Medicine(name="sertraline", rxcui=""), daily_dose_mg=None, sig="", days_supply=None, starts_on=TODAY
    )
    assert (stored.occurred_at, stored.capsule.overrides) == (NOON, ())


async def test_a_changed_dose_is_stored_as_given() -> None:
    clinic = await clinic_for("ChangeDose")
    answer = await clinic.call("ChangeDose", FULL["ChangeDose"])
    stored = await clinic.last()
    assert stored == DoseChanged(
        fact_id=stored.fact_id,
        prescription=p.ISSUED.fact_id,
        from_daily_dose_mg=Decimal(50),
        to_daily_dose_mg=Decimal("62.5"),
        effective_on=TOMORROW,
        reason="partial response",
        prescriber=CALLER,
        capsule=stored.capsule,
        occurred_at=YESTERDAY,
    )
    assert [one.comment for one in stored.capsule.overrides] == ["weekly"]
    assert (answer.decision, answer.fact_id, list(answer.reasons)) == (pb.DECISION_ISSUED, str(stored.fact_id), [])


async def test_a_changed_dose_is_in_force_from_today_unless_another_day_is_given() -> None:
    clinic = await Clinic().knows(*p.ASSESSED, p.BEGUN)
    await clinic.call("ChangeDose", BARE["ChangeDose"])
    stored = await clinic.last()
    assert (stored.effective_on, stored.occurred_at, stored.capsule.overrides) == (TODAY, NOON, ())


async def test_an_end_is_stored_as_given() -> None:
    clinic = await clinic_for("DiscontinuePrescription")
    answer = await clinic.call("DiscontinuePrescription", FULL["DiscontinuePrescription"])
    stored = await clinic.last()
    assert stored == PrescriptionDiscontinued(
        fact_id=stored.fact_id,
        prescription=p.ISSUED.fact_id,
        status_reason=StatusReason.ALLERGY,
        stopped_on=YESTERDAY.date(),
        prescriber=CALLER,
        occurred_at=YESTERDAY,
    )
    assert answer.fact_id == str(stored.fact_id)
    other = pb.DiscontinuePrescriptionRequest()
    other.CopyFrom(FULL["DiscontinuePrescription"])
    other.request_id = "again"
    assert (await clinic.call("DiscontinuePrescription", other)).fact_id == "", "it has ended already"


async def test_an_end_is_today_unless_another_day_is_given() -> None:
    clinic = await clinic_for("DiscontinuePrescription")
    await clinic.call("DiscontinuePrescription", BARE["DiscontinuePrescription"])
    stored = await clinic.last()
    assert (stored.stopped_on, stored.occurred_at) == (TODAY, NOON)


async def test_a_count_is_stored_as_given_and_what_is_not_given_is_unknown_or_today() -> None:
    clinic = await clinic_for("CountSupply")
    answer = await clinic.call("CountSupply", FULL["CountSupply"])
    stored = await clinic.last()
    assert stored == SupplyCounted(
        fact_id=stored.fact_id,
        medicine=Medicine(name="sertraline", rxcui="36437"),
        units=Decimal("7.5"),
        unit_mg=Decimal(50),
        counted_on=YESTERDAY.date(),
        counted_by=CALLER,
        occurred_at=YESTERDAY,
    )
    assert answer.fact_id == str(stored.fact_id)
    bare = pb.CountSupplyRequest()
    bare.CopyFrom(BARE["CountSupply"])
    bare.request_id = "none left"
    await clinic.call("CountSupply", bare)
    none_left = await clinic.last()
    assert (none_left.medicine.rxcui, none_left.units, none_left.unit_mg) == ("", 0, None)
    assert (none_left.counted_on, none_left.occurred_at) == (TODAY, NOON)


async def test_an_answer_to_a_discrepancy_is_stored_as_given_or_without_a_word_as_of_now() -> None:
    clinic = await clinic_for("ResolveDiscrepancy")
    answer = await clinic.call("ResolveDiscrepancy", FULL["ResolveDiscrepancy"])
    stored = await clinic.last()
    assert stored == DiscrepancyResolved(
        fact_id=stored.fact_id,
        discrepancy=p.DISCREPANCY.fact_id,
        resolution=DiscrepancyResolution.DOSE_CHANGED,
        comment="halved",
        resolved_by=CALLER,
        occurred_at=YESTERDAY,
    )
    assert answer.fact_id == str(stored.fact_id)
    clinic = await clinic_for("ResolveDiscrepancy")
    await clinic.call("ResolveDiscrepancy", BARE["ResolveDiscrepancy"])
    bare = await clinic.last()
    assert (bare.resolution, bare.comment, bare.occurred_at) == (DiscrepancyResolution.LIST_WRONG, "", NOON)


async def test_a_strike_is_stored_as_given() -> None:
    clinic = await clinic_for("MarkEnteredInError")
    await clinic.call("MarkEnteredInError", FULL["MarkEnteredInError"])
    assert await clinic.last() == EnteredInError(
        fact_id=p.ISSUED.fact_id, reason="another client's order", marked_by=CALLER, occurred_at=NOON
    )


@pytest.mark.parametrize("rpc", WRITES)
async def test_what_is_stored_says_who_called_and_the_receipt_says_where_it_stands(rpc: str) -> None:
    clinic = await clinic_for(rpc)
    answer = await clinic.call(rpc, FULL[rpc])
    row = (await clinic.rows())[-1]
    assert (row.meta.actor, row.meta.command_id, row.meta.correlation_id) == (CALLER, "request", CORRELATION)
    assert row.meta.occurred_at == (await clinic.last()).occurred_at
    token = ConsistencyToken.parse(answer.receipt.token)
    assert token == ConsistencyToken(
        service="prescribing", partition=PARTITION, position=row.meta.position, patient_id=PATIENT
    )
    again = await clinic.call(rpc, FULL[rpc])
    assert (answer.receipt.repeated, again.receipt.repeated) == (False, True)
    again.receipt.repeated = False
    assert again == answer


@pytest.mark.parametrize("rpc", WITH_CREDENTIAL)
async def test_another_request_names_another_fact_and_so_does_another_patient(rpc: str) -> None:
    clinic, other = await clinic_for(rpc), await clinic_for(rpc)
    first = (await clinic.call(rpc, FULL[rpc])).fact_id
    request = type(FULL[rpc])()
    request.CopyFrom(FULL[rpc])
    request.request_id = "another"
    assert (await other.call(rpc, request)).fact_id not in (first, "")
    request.request_id = "request"
    request.occurred_at.CopyFrom(stamp(NOON))
    with pytest.raises(RequestIdReused):
        await clinic.call(rpc, request)


# What is said of an order.


def says(message: Any, value: Any) -> bool:
    """Whether a message says, field by field under the same names, what a dataclass holds."""
    if is_dataclass(value):
        return all(says(getattr(message, field.name), getattr(value, field.name)) for field in fields(value))
    if isinstance(value, tuple):
        return len(message) == len(value) and all(says(one, other) for one, other in zip(message, value, strict=True))
    return bool(message == value) or (value is UNSET and not message)


def says_screening(message: pb.Screening, screening: Any) -> bool:
    knowledge = (message.knowledge_pack, message.knowledge_version, message.knowledge_digest)
    stored = screening.knowledge
    names = {field.name for field in fields(screening)} - {"knowledge"}
    return knowledge == (stored.pack, stored.version, stored.digest) and all(
        says(getattr(message, name), getattr(screening, name)) for name in names
    )


async def test_a_declined_order_is_answered_with_its_reasons_and_the_whole_screening() -> None:
    clinic = await Clinic(FreshUntil(None)).knows(*WARNED, p.PHENELZINE_TAKEN)
    answer = await clinic.call("IssuePrescription", BARE["IssuePrescription"])
    stored = await clinic.last()
    assert isinstance(stored, PrescriptionDeclined)
    assert (answer.decision, list(answer.reasons)) == (pb.DECISION_DECLINED, list(stored.reasons))
    assert stored.reasons[0] == "contraindicated"
    assert stored.prescriber == CALLER
    assert stored.capsule.screening.not_checked
    assert says_screening(answer.screening, stored.capsule.screening)
    assert all(alert.mechanism and alert.evidence for alert in answer.screening.alerts)


async def test_a_declined_change_is_answered_with_its_reasons_and_the_whole_screening() -> None:
    clinic = await clinic_for("ChangeDose")
    request = pb.ChangeDoseRequest(
        **BASE, prescription_id=str(p.ISSUED.fact_id), daily_dose_mg="300", reason="partial response"
    )
    answer = await clinic.call("ChangeDose", request)
    stored = await clinic.last()
    assert isinstance(stored, PrescriptionDeclined)
    assert (answer.decision, answer.fact_id) == (pb.DECISION_DECLINED, str(stored.fact_id))
    assert list(answer.reasons) == list(stored.reasons) == ["high-alert-not-overridden"]
    assert says_screening(answer.screening, stored.capsule.screening)
    assert all(alert.mechanism and alert.evidence for alert in answer.screening.alerts)


async def test_a_screen_asks_about_the_order_as_given_and_stores_nothing() -> None:
    clinic = await clinic_for("ScreenOrder")
    before = await clinic.rows()
    for order, stored_order in ((ORDER, FULL["IssuePrescription"]), (BARE_ORDER, BARE["IssuePrescription"])):
        answer = await clinic.call("ScreenOrder", pb.ScreenOrderRequest(patient_id=str(PATIENT), order=order))
        assert await clinic.rows() == before
        issuing = await clinic_for("IssuePrescription")
        await issuing.call("IssuePrescription", stored_order)
        assert says_screening(answer.screening, (await issuing.last()).capsule.screening)
        assert [alert.rule for alert in answer.screening.alerts] == ["condition.antidepressant-bipolar"]
        assert all(alert.mechanism and alert.evidence for alert in answer.screening.alerts)


@pytest.mark.parametrize(("moment", "stale"), [(NOON, False), (NOON - 31 * SECOND, True), (None, True)])
async def test_a_screen_says_how_fresh_each_source_was(moment: datetime | None, stale: bool) -> None:
    clinic = await clinic_for("ScreenOrder", FreshUntil(moment))
    answer = await clinic.call("ScreenOrder", FULL["ScreenOrder"])
    assert [(one.source, one.stale, one.held) for one in answer.evidence] == [
        ("assessment", stale, False),
        ("monitoring", stale, False),
    ]
    for one in answer.evidence:
        assert one.HasField("fresh_as_of") == (moment is not None)
        assert moment is None or one.fresh_as_of.ToDatetime(tzinfo=UTC) == moment
    assert bool([gap for gap in answer.screening.not_checked if gap.reason == "evidence-stale"]) == stale


@pytest.mark.parametrize("rpc", ["IssuePrescription", "ChangeDose"])
@pytest.mark.parametrize(("age", "stale"), [(30, False), (31, True)])
async def test_an_order_is_decided_on_how_fresh_the_evidence_was(rpc: str, age: int, stale: bool) -> None:
    clinic = await clinic_for(rpc, FreshUntil(NOON - age * SECOND))
    await clinic.call(rpc, FULL[rpc])
    capsule = (await clinic.last()).capsule
    assert [(one.source, one.position, one.fresh_as_of) for one in capsule.source_positions] == [
        ("assessment", 5, NOON - age * SECOND),
        ("monitoring", 5, NOON - age * SECOND),
    ]
    found = {gap.subject for gap in capsule.screening.not_checked if gap.reason == "evidence-stale"}
    assert found == ({"assessment", "monitoring"} if stale else set())


# Who may, and what is waited for.


@pytest.mark.parametrize("rpc", WITH_CREDENTIAL)
async def test_the_last_moment_of_a_licence_still_counts_and_the_next_does_not(rpc: str) -> None:
    end = NOON
    licence = replace(LICENCE, valid_from=YESTERDAY, valid_until=end)
    clinic = await clinic_for(rpc)
    late = await refusal(clinic, rpc, FULL[rpc], now=end + SECOND, credential=licence)
    early = await refusal(clinic, rpc, FULL[rpc], credential=replace(licence, valid_from=YESTERDAY + SECOND))
    for refused in (late, early):
        assert isinstance(refused, NotAllowed)
        assert refused.slug == "credential-not-valid"
    await clinic.call(rpc, FULL[rpc], now=end, credential=licence)
    stored = await clinic.last()
    assert CALLER in [getattr(stored, field, "") for field in ("prescriber", "resolved_by", "held_by", "ended_by")]


@pytest.mark.parametrize("rpc", WITH_CREDENTIAL)
@pytest.mark.parametrize("credential", [None, replace(LICENCE, kind="therapist")])
async def test_without_a_prescribers_licence_nothing_is_decided(rpc: str, credential: Any) -> None:
    refused = await refusal(await clinic_for(rpc), rpc, FULL[rpc], credential=credential)
    assert isinstance(refused, NotAllowed)
    assert refused.slug == "credential-required"


def having_seen(rpc: str, *tokens: str) -> Any:
    request = type(FULL[rpc])()
    request.CopyFrom(FULL[rpc])
    request.at_least[:] = tokens
    return request


@pytest.mark.parametrize("rpc", WAITING)
@pytest.mark.parametrize("source", ["assessment", "monitoring"])
async def test_nothing_is_answered_before_what_the_caller_has_seen_is_here(rpc: str, source: str) -> None:
    clinic = await clinic_for(rpc)
    request = having_seen(rpc, SEEN, seen(source, 6))
    refused = await refusal(clinic, rpc, request)
    assert isinstance(refused, Unavailable)
    assert (refused.slug, refusal_of(refused).code) == ("evidence-not-yet-here", grpc.StatusCode.UNAVAILABLE)
    await clinic.consume(source, 6, last=5)
    assert await clinic.call(rpc, request)


@pytest.mark.parametrize("rpc", WAITING)
@pytest.mark.parametrize(
    ("token", "slug"),
    [
        (seen("assessment", 5, patient=OTHER_PATIENT), "token-of-another-patient"),
        (seen("notifications", 5), "token-of-another-service"),
        ("no token", "token-malformed"),
    ],
)
async def test_a_token_that_cannot_be_waited_for_is_refused(rpc: str, token: str, slug: str) -> None:
    refused = await refusal(await clinic_for(rpc), rpc, having_seen(rpc, SEEN, token))
    assert isinstance(refused, InvalidInput)
    assert (refused.slug, refused.field) == (slug, "at_least[1]")


@pytest.mark.parametrize("rpc", WAITING)
async def test_prescribings_own_token_needs_no_waiting(rpc: str) -> None:
    assert await (await clinic_for(rpc)).call(rpc, having_seen(rpc, seen("prescribing", 99)))


# What cannot be read is refused by its field.

LONGEST = {
    "request_id": 128,
    "order.medicine.name": 500,
    "order.medicine.rxcui": 20,
    "medicine.name": 500,
    "medicine.rxcui": 20,
    "order.sig": 2000,
    "order.indication.display": 500,
    "order.regimen.phases[1].as_needed.reason": 200,
    "reason": 2000,
    "comment": 2000,
    "from.name": 2000,
    "to.name": 2000,
    "on_hand[0].name": 2000,
    "overrides[0].rule": 200,
    "overrides[0].involves[0]": 2000,
    "overrides[0].involves[1]": 2000,
    "overrides[0].comment": 2000,
    "second": 200,
}
MEDICINES = {"overrides[0].involves[0]", "overrides[0].involves[1]"}
UUIDS = {"patient_id", "prescription_id", "discrepancy_id", "concern_id", "fact_id"}
DAYS = {"starts_on", "answers.used_since", "order.starts_on", "effective_on", "stopped_on", "counted_on", "by_when"}
FIRST_DOSE, AS_NEEDED = "order.regimen.phases[0].doses[0]", "order.regimen.phases[1].as_needed"
REGIMEN_AMOUNTS = {f"{FIRST_DOSE}.amount_mg", f"{AS_NEEDED}.amount_mg"}
STRENGTH = "on_hand[0].strengths_mg[0]"
PLAN_AMOUNTS = {"from.daily_dose_mg", "to.target_daily_mg", "pace_percent", STRENGTH}
AMOUNTS = {"order.daily_dose_mg", "daily_dose_mg", "units", "unit_mg", *REGIMEN_AMOUNTS, *PLAN_AMOUNTS}
TIMES, MOST = {f"{FIRST_DOSE}.at"}, {f"{AS_NEEDED}.most_in_24_hours"}
WEEKDAYS = {"order.regimen.phases[1].weekdays[0]"}
CONDITION_CODES = {"order.indication.system", "order.indication.code"}
CODES = {
    "overrides[0].reason",
    "status_reason",
    "resolution",
    "planned_doses",
    "answer",
    "accepted_because",
    "kind",
    *WEEKDAYS,
}
TOKENS = {"at_least[0]"}
COUNTS = {
    "order.days_supply": (1, 366),
    "order.regimen.phases[0].days": (1, 366),
    "order.regimen.phases[0].every_days": (1, 31),
    f"{AS_NEEDED}.hours_between": (0, 24),
    "every_days": (1, 366),
    "answers.days_a_week": (1, 7),
}
NEEDED = {
    *("request_id", "order.medicine.name", "reason", "overrides[0].rule", "daily_dose_mg"),
    *("medicine.name", "units"),
    *("from.name", "to.name", "on_hand[0].name", STRENGTH),
    *(f"{AS_NEEDED}.reason", *REGIMEN_AMOUNTS, *TIMES),
    *(*MEDICINES, *UUIDS, *(CODES - {"planned_doses", "accepted_because"}), *TOKENS, *CONDITION_CODES),
}


def test_every_place_of_every_request_is_known_by_its_kind() -> None:
    kinds = [set(LONGEST), UUIDS, DAYS, AMOUNTS, CODES, CONDITION_CODES, TOKENS, set(COUNTS), TIMES, MOST]
    requests = (FULL[rpc] for rpc in FULL if rpc not in OF_PLANS)
    assert {str(place) for request in requests for place in places(request)} == set().union(*kinds)
    assert sum(map(len, kinds)) == len(set().union(*kinds))


def wrong(place: Any) -> list[tuple[Any, str]]:
    """What may not stand there, and the reason it is refused with."""
    name = str(place)
    if name in LONGEST:
        return [("x" * (LONGEST[name] + 1), "request-id-too-long" if name == "request_id" else "text-too-long")]
    if name in COUNTS:
        least, most = COUNTS[name]
        return [(least - 1, "out-of-range"), (most + 1, "out-of-range")]
    if name in MOST:
        return [(0, "as-needed-without-maximum"), (13, "out-of-range")]
    if name in TIMES:
        return [("noonish", "out-of-range"), ("x" * 11, "text-too-long")]
    if name in DAYS:
        return [("tomorrow", "not-a-date"), ("1899-12-31", "date-too-early")]
    if name in AMOUNTS:
        return [("NaN", "not-an-amount"), ("-1", "not-an-amount"), ("1000000", "not-an-amount")]
    if name in CONDITION_CODES:
        return [("nonsense", "not-a-condition-code"), ("x" * 61, "text-too-long")]
    slug = "not-a-uuid" if name in UUIDS else "not-a-code" if name in CODES else "token-malformed"
    return [("nonsense", slug)]


@pytest.mark.parametrize("rpc", [rpc for rpc in FULL if rpc not in OF_PLANS])
async def test_what_may_not_stand_there_is_refused_by_its_field(rpc: str) -> None:
    clinic = await clinic_for(rpc)
    for place in places(FULL[rpc]):
        for value, slug in wrong(place):
            refused = await refusal(clinic, rpc, place.set_to(FULL[rpc], value))
            assert isinstance(refused, InvalidInput), place
            assert (refused.slug, refused.field) == (slug, str(place))


@pytest.mark.parametrize("rpc", [rpc for rpc in FULL if rpc not in OF_PLANS])
async def test_what_is_needed_is_refused_when_it_is_left_out_and_the_rest_is_not(rpc: str) -> None:
    for place in (one for one in places(FULL[rpc]) if one.kind is str):
        clinic, without = await clinic_for(rpc), place.set_to(FULL[rpc], "")
        if str(place) in NEEDED:
            refused = await refusal(clinic, rpc, without)
            assert isinstance(refused, InvalidInput), place
            assert refused.field == str(place)
        else:
            assert await clinic.call(rpc, without), place


@pytest.mark.parametrize("rpc", ["ScreenOrder", *(rpc for rpc in WRITES if rpc not in OF_PLANS)])
async def test_the_longest_text_and_the_least_and_most_days_are_taken(rpc: str) -> None:
    for place in (one for one in places(FULL[rpc]) if str(one) in {*LONGEST, *COUNTS}):
        for value in COUNTS.get(str(place), ("x" * LONGEST.get(str(place), 0),)):
            assert await (await clinic_for(rpc)).call(rpc, place.set_to(FULL[rpc], value)), place


@pytest.mark.parametrize("rpc", WITH_CREDENTIAL)
async def test_the_future_and_the_distant_past_are_refused(rpc: str) -> None:
    clinic = await clinic_for(rpc)
    for moment, slug in ((NOON + SECOND, "in-the-future"), (datetime(1899, 12, 31, tzinfo=UTC), "time-too-early")):
        request = type(FULL[rpc])()
        request.CopyFrom(FULL[rpc])
        request.occurred_at.CopyFrom(stamp(moment))
        refused = await refusal(clinic, rpc, request)
        assert isinstance(refused, InvalidInput)
        assert (refused.slug, refused.field) == (slug, "occurred_at")


# Past decisions.


async def decisions(clinic: Clinic) -> list[pb.PastDecision]:
    answer = await clinic.call("GetDecisions", FULL["GetDecisions"])
    return list(answer.decisions)


async def test_every_past_decision_is_told_field_by_field() -> None:
    clinic = await clinic_for("IssuePrescription", FreshUntil(None))
    await clinic.call("IssuePrescription", FULL["IssuePrescription"])
    issued = await clinic.last()
    change = pb.ChangeDoseRequest()
    change.CopyFrom(FULL["ChangeDose"])
    change.request_id, change.prescription_id, change.daily_dose_mg = "change", str(issued.fact_id), "75"
    await clinic.call("ChangeDose", change)
    changed = await clinic.last()
    change.request_id, change.daily_dose_mg = "too much", "900"
    await clinic.call("ChangeDose", change)
    declined = await clinic.last()
    strike = pb.MarkEnteredInErrorRequest(
        request_id="strike", patient_id=str(PATIENT), fact_id=str(changed.fact_id), reason="wrong dose"
    )
    await clinic.call("MarkEnteredInError", strike)
    rows = {row.meta.command_id: row for row in await clinic.rows()}
    told = await decisions(clinic)
    assert [one.decision for one in told] == ["issued", "dose-changed", "declined"]
    assert [one.fact_id for one in told] == [str(one.fact_id) for one in (issued, changed, declined)]
    assert [list(one.reasons) for one in told] == [[], [], list(declined.reasons)]
    assert [one.entered_in_error for one in told] == [False, True, False]
    for one, stored, command in zip(told, (issued, changed, declined), ("request", "change", "too much"), strict=True):
        assert one.patient_id == str(PATIENT)
        assert says_screening(one.screening, stored.capsule.screening)
        assert says(one.overrides, stored.capsule.overrides)
        assert all(alert.mechanism and alert.evidence for alert in one.screening.alerts)
        assert {gap.reason for gap in one.evidence_gaps} == {"evidence-stale"}
        assert len(one.evidence_gaps) == 10
        assert one.occurred_at.ToDatetime(tzinfo=UTC) == YESTERDAY
        assert one.recorded_at.ToDatetime(tzinfo=UTC) == rows[command].meta.recorded_at
    first, second, third = (one.order for one in told)
    assert first == ORDER
    new_dose = pb.Order()
    new_dose.CopyFrom(ORDER)
    new_dose.daily_dose_mg = "75"
    assert second == new_dose
    new_dose.daily_dose_mg = "900"
    assert third == new_dose


async def test_what_an_order_did_not_say_is_not_told_of_it() -> None:
    clinic = await clinic_for("IssuePrescription")
    await clinic.call("IssuePrescription", BARE["IssuePrescription"])
    (told,) = await decisions(clinic)
    assert told.order == pb.Order(medicine=common_pb2.Medicine(name="sertraline"), starts_on=TODAY.isoformat())
    assert not told.order.HasField("days_supply")
    assert not told.evidence_gaps


async def test_the_question_of_then_holds_all_that_was_known_and_nothing_that_was_not() -> None:
    clinic = await Clinic().knows(p.PROFILE, p.HISTORY_TOLD, p.PHENELZINE_TAKEN)
    await clinic.consume("assessment", 5)
    await clinic.call("IssuePrescription", FULL["IssuePrescription"])
    await clinic.knows(p.NO_ALLERGIES)
    (told,) = await decisions(clinic)
    assert json.loads(told.question) == {
        "as_of": TODAY.isoformat(),
        "order": {
            "name": "sertraline 50 MG Oral Tablet",
            "rxcui": "36437",
            "daily_dose_mg": "37.5",
            "days_supply": 28,
            "starts_on": TOMORROW.isoformat(),
            "indication": {"icd10": "F33.1", "text": "Recurrent depression"},
        },
        "patient": {
            "birth_date": "1990-01-01",
            "sex": "male",
            "conditions": [{"icd10": "I10", "text": "hypertension"}],
        },
        "medications": [{"name": "phenelzine", "rxcui": "8123", "daily_dose_mg": "45"}],
        "trials": [
            {
                "name": "fluoxetine",
                "rxcui": "4493",
                "daily_dose_mg": "40",
                "weeks": "8",
                "response": "none",
                "stopped_for": "inefficacy",
            }
        ],
    }


async def test_the_question_of_a_changed_dose_leaves_out_the_prescription_and_says_since_when_it_is_taken() -> None:
    clinic = await clinic_for("ChangeDose")
    await clinic.call("ChangeDose", FULL["ChangeDose"])
    told = (await decisions(clinic))[-1]
    question = json.loads(told.question)
    assert question["order"]["taken_since"] == p.BEGUN.order.starts_on.isoformat()
    assert question["order"]["starts_on"] == TOMORROW.isoformat()
    assert question["medications"] == []


async def test_all_decisions_are_read_with_the_question_and_without_explanations() -> None:
    clinic = await clinic_for("IssuePrescription")
    await clinic.call("IssuePrescription", FULL["IssuePrescription"])
    (of_patient,) = await decisions(clinic)
    read = [one async for one in clinic.api.ReadDecisions(pb.ReadDecisionsRequest(), None)]
    head = (await clinic.store.head()).position
    decision, progress = read
    assert (progress.position, progress.through, progress.HasField("decision")) == (head, head, False)
    assert decision.decision.question == of_patient.question
    assert not any(alert.mechanism for alert in decision.decision.screening.alerts)
    for alert in of_patient.screening.alerts:
        alert.ClearField("mechanism")
        alert.ClearField("evidence")
    assert decision.decision == of_patient


async def test_of_another_patient_there_are_no_decisions() -> None:
    clinic = await clinic_for("IssuePrescription")
    await clinic.call("IssuePrescription", FULL["IssuePrescription"])
    answer = await clinic.call("GetDecisions", pb.GetDecisionsRequest(patient_id=str(fact("nobody"))))
    assert not answer.decisions
