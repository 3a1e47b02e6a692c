"""Dose plans over gRPC: what is asked is stored as given, and what cannot be read is refused by its field."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from care.prescribing.v1 import prescribing_pb2 as pb

from careloop.contracts.prescribing import (
    AnsweredAsk,
    AskAnswer,
    DosePlanEnded,
    HoldReason,
    PlanEnding,
    StatusReason,
    StepChanged,
    StepConfirmed,
    StepDay,
    StepHeld,
)
from careloop.kernel.errors import InvalidInput
from services.prescribing.domain.events import DosePlanSigned
from tests.prescribing.calling import CALLER
from tests.prescribing.test_wire import FULL, OF_PLANS, clinic_for, refusal
from tests.support.completeness import places
from tests.support.controls import dose_plans as plans
from tests.support.controls.moments import TODAY, YESTERDAY

NINTH = TODAY + timedelta(days=9)


async def stored(rpc: str) -> tuple[Any, Any]:
    """What the full request comes to, and what was answered."""
    clinic = await clinic_for(rpc)
    answer = await clinic.call(rpc, FULL[rpc])
    return await clinic.last(), answer


async def test_a_plan_is_stored_as_given() -> None:
    signed, answer = await stored("SignDosePlan")
    assert isinstance(signed, DosePlanSigned)
    assert (signed.kind, signed.safety, signed.client_sets_pace) == ("taper", True, True)
    assert (signed.status_reason, signed.replaces) == (StatusReason.INTOLERANCE, plans.SIGN.fact_id)
    assert (signed.prescriber, signed.occurred_at) == (CALLER, YESTERDAY)
    assert signed.answers.alcohol_or_opioids is True
    assert signed.answers.withdrawal_seizure is False
    assert signed.on_hand[0].splittable
    assert [(one.from_on, one.asks) for one in signed.steps] == [
        (TODAY + timedelta(days=1), ("blood-pressure",)), (TODAY + timedelta(days=2), ()),
    ]  # fmt: skip
    assert answer.fact_id == str(signed.fact_id)
    told = [(one.number, one.from_on, [dose.daily_dose_mg for dose in one.doses]) for one in answer.steps]
    assert told == [(1, "2026-11-24", ["1"]), (2, "2026-11-25", ["0"])]
    assert answer.steps[0].doses[0].regimen.phases[0].doses[0].at == "bedtime"
    assert not answer.steps[1].doses[0].HasField("regimen")


async def test_a_confirmation_is_stored_as_given_and_says_from_when_it_holds() -> None:
    confirmed, answer = await stored("ConfirmStep")
    assert isinstance(confirmed, StepConfirmed)
    assert confirmed.asked == (AnsweredAsk(ask="blood-pressure", answer=AskAnswer.FINE),)
    assert (confirmed.prescriber, confirmed.occurred_at) == (CALLER, YESTERDAY)
    assert (answer.confirmed, answer.from_on) == (True, "2026-11-24")
    assert answer.fact_id == str(confirmed.fact_id)
    assert answer.screening.knowledge_version == "1.4.0"


async def test_a_hold_a_change_and_an_end_are_stored_as_given() -> None:
    held, told = await stored("HoldStep")
    assert isinstance(held, StepHeld)
    assert (held.reason, held.comment, held.held_by, held.by_client) == (
        HoldReason.RESULT, "sodium 128", CALLER, False,
    )  # fmt: skip
    assert [(one.step, one.from_on) for one in told.moved] == [
        (one.step, one.from_on.isoformat()) for one in held.moved
    ]
    changed, told = await stored("ChangeStep")
    assert isinstance(changed, StepChanged)
    assert (changed.reason, changed.comment) == (HoldReason.SUPPLY, "by post")
    assert changed.moved[0] == StepDay(step=1, from_on=NINTH)
    assert told.moved[0].from_on == NINTH.isoformat()
    ended, _ = await stored("EndDosePlan")
    assert isinstance(ended, DosePlanEnded)
    assert (ended.reason, ended.comment, ended.ended_by) == (PlanEnding.RELAPSE, "low again", CALLER)


async def test_the_client_holds_with_their_own_token() -> None:
    clinic = await clinic_for("HoldStep")
    request = pb.HoldStepRequest()
    request.CopyFrom(FULL["HoldStep"])
    request.comment = ""
    await clinic.call("HoldStep", request, role="client", credential=None)
    assert (await clinic.last()).by_client


WRONG: dict[str, list[tuple[str, Any, str]]] = {
    "SignDosePlan": [
        ("kind", "slide", "not-a-code"),
        ("segments[0].drug", "x" * 201, "text-too-long"),
        ("segments[0].from_on", "soon", "not-a-date"),
        ("segments[0].regimen.phases[0].doses[0].amount_mg", "-1", "not-an-amount"),
        ("begins.medicine.name", "x" * 501, "text-too-long"),
        ("begins.days_supply", 0, "out-of-range"),
        ("begins.indication.code", "nonsense", "not-a-condition-code"),
        ("on_hand[0].strengths_mg[0]", "-1", "not-an-amount"),
        ("answers.days_a_week", 8, "out-of-range"),
        ("status_reason", "because", "not-a-code"),
        ("replaces_plan_id", "nonsense", "not-a-uuid"),
        ("overrides[0].reason", "because", "not-a-code"),
    ],
    "ConfirmStep": [
        ("plan_id", "nonsense", "not-a-uuid"),
        ("step", 0, "out-of-range"),
        ("step", 1000, "out-of-range"),
        ("asked[0].answer", "perhaps", "not-a-code"),
    ],
    "HoldStep": [("reason", "because", "not-a-code"), ("step", 0, "out-of-range"), ("plan_id", "", "not-a-uuid")],
    "ChangeStep": [("from_on", "", "field-required"), ("reason", "because", "not-a-code")],
    "EndDosePlan": [("reason", "because", "not-a-code"), ("comment", "x" * 2001, "text-too-long")],
}


@pytest.mark.parametrize("rpc", OF_PLANS)
async def test_what_may_not_stand_there_is_refused_by_its_field(rpc: str) -> None:
    clinic = await clinic_for(rpc)
    found = {str(place): place for place in places(FULL[rpc])}
    for field, value, slug in WRONG[rpc]:
        refused = await refusal(clinic, rpc, found[field].set_to(FULL[rpc], value))
        assert isinstance(refused, InvalidInput), field
        assert refused.slug == slug, field
        assert refused.field == field


async def test_a_strength_of_a_plan_is_a_decimal() -> None:
    signed, _ = await stored("SignDosePlan")
    assert signed.on_hand[0].strengths_mg == (Decimal(1),)
