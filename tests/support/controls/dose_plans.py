"""Examples of dose plans: a taper of sertraline, its steps, and what becomes of it."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from careloop.contracts.prescribing import (
    AnsweredAsk,
    AskAnswer,
    CheckCapsule,
    DosePlanEnded,
    DosePlanKind,
    HoldReason,
    Order,
    Override,
    OverrideReason,
    Phase,
    PlanEnding,
    PlannedDose,
    PlannedStep,
    Regimen,
    SafetyStepTaken,
    ScheduledDose,
    StatusReason,
    StepChanged,
    StepConfirmed,
    StepDay,
    StepDeclined,
    StepDue,
    StepHeld,
    StepOverdue,
)
from careloop.contracts.terms import Medicine
from careloop.knowledge.dosing.plan import Answers, OnHand
from services.prescribing.domain import events
from services.prescribing.domain.confirming import ConfirmStep
from services.prescribing.domain.holding import ChangeStep, HoldStep
from services.prescribing.domain.plan_endings import EndDosePlan
from services.prescribing.domain.plan_steps import DoseSegment
from services.prescribing.domain.plan_time import DrugEnd, PlanTurn, StopDrug, TurnPlan
from services.prescribing.domain.signing import SignDosePlan
from tests.support.controls import prescribing as p
from tests.support.controls.moments import CLIENT, LAST_WEEK, NOON, PRESCRIBER, TODAY, fact
from tests.support.histories.restate import as_published

DAY = timedelta(days=1)
TOMORROW, LATER, LATEST = TODAY + DAY, TODAY + 15 * DAY, TODAY + 29 * DAY


def every_day(amount: str, at: str = "morning") -> Regimen:
    return Regimen(phases=(Phase(doses=(ScheduledDose(at=at, amount_mg=Decimal(amount)),)),))


def segment(drug: str, amount: str, from_on: date, to_on: date | None = None) -> DoseSegment:
    return DoseSegment(drug=drug, from_on=from_on, to_on=to_on, regimen=every_day(amount))


SIGN = SignDosePlan(
    fact_id=fact("plan signed"),
    kind=DosePlanKind.TAPER,
    segments=(segment("prazosin", "1", TOMORROW, LATER - DAY),),
    on_hand=(OnHand(name="prazosin", strengths_mg=(Decimal(1),)),),
    overrides=(),
    prescriber=PRESCRIBER,
    credential=p.CREDENTIAL,
    freshness=p.FRESH,
    occurred_at=NOON,
    now=NOON,
)
SIGN_STOP = replace(
    SIGN,
    fact_id=fact("stop signed"),
    segments=(segment("prazosin", "2", TODAY, TODAY),),
)
PRAZOSIN = replace(
    p.ISSUED,
    fact_id=fact("prazosin"),
    order=Order(
        medicine=Medicine(name="prazosin"), daily_dose_mg=Decimal(2), days_supply=30, starts_on=LAST_WEEK.date()
    ),
    ingredients=("prazosin",),
)
ASKED = (AnsweredAsk(ask="withdrawal-symptoms", answer=AskAnswer.FINE),)
CONFIRM = ConfirmStep(
    fact_id=fact("step confirmed"),
    plan=SIGN.fact_id,
    step=1,
    overrides=(),
    prescriber=PRESCRIBER,
    credential=p.CREDENTIAL,
    freshness=p.FRESH,
    occurred_at=NOON,
    now=NOON,
)
CONFIRM_STOP = replace(CONFIRM, fact_id=fact("stop confirmed"), plan=SIGN_STOP.fact_id)
HOLD = HoldStep(
    fact_id=fact("step held"),
    plan=SIGN.fact_id,
    step=1,
    reason=HoldReason.CLIENT_WISH,
    held_by=CLIENT,
    by_client=True,
    credential=None,
    occurred_at=NOON,
    now=NOON,
)
CHANGE = ChangeStep(
    fact_id=fact("step changed"),
    plan=SIGN.fact_id,
    step=1,
    from_on=TODAY + 30 * DAY,
    reason=HoldReason.SUPPLY,
    prescriber=PRESCRIBER,
    credential=p.CREDENTIAL,
    occurred_at=NOON,
    now=NOON,
)
END = EndDosePlan(
    fact_id=fact("plan ended"),
    plan=SIGN.fact_id,
    reason=HoldReason.RELAPSE,
    comment="low again",
    prescriber=PRESCRIBER,
    credential=p.CREDENTIAL,
    occurred_at=NOON,
    now=NOON,
)
TURN = TurnPlan(turn=PlanTurn(fact=SIGN.fact_id), now=NOON)
STOP = StopDrug(
    end=DrugEnd(plan=SIGN_STOP.fact_id, step=1, prescription=PRAZOSIN.fact_id, from_on=TOMORROW), now=NOON + 2 * DAY
)
COMMANDS: tuple[object, ...] = (SIGN, TURN, CONFIRM, HOLD, CHANGE, END, SIGN_STOP, CONFIRM_STOP, STOP)
BACKGROUND: tuple[events.Event, ...] = (PRAZOSIN,)

DOWN = PlannedDose(
    drug="sertraline",
    prescription=p.ISSUED.fact_id,
    begins=False,
    down=True,
    daily_dose_mg=Decimal(25),
    regimen=every_day("25"),
)
STOPPED = replace(DOWN, daily_dose_mg=Decimal(0), regimen=None)
BEGINS = replace(DOWN, drug="mirtazapine", prescription=fact("mirtazapine"), begins=True, down=False)
STEPS = (
    PlannedStep(number=1, from_on=TOMORROW, doses=(DOWN,), asks=("withdrawal-symptoms",)),
    PlannedStep(number=2, from_on=LATER, doses=(STOPPED,), asks=()),
)
CROSSED = Override(
    rule="duplicate.ssri-snri",
    involves=("sertraline", "venlafaxine"),
    reason=OverrideReason.CROSS_TAPER,
    comment="over two weeks",
)
SIGNED = events.DosePlanSigned(
    fact_id=SIGN.fact_id,
    kind=DosePlanKind.TAPER,
    steps=STEPS,
    begins=None,
    on_hand=SIGN.on_hand,
    answers=Answers(withdrawal_seizure=False, used_since=TODAY),
    safety=False,
    client_sets_pace=True,
    status_reason=StatusReason.ALTERNATIVE_CHOICE,
    replaces=fact("earlier plan"),
    overrides=(CROSSED,),
    capsule=CheckCapsule(
        knowledge_pack="careloop-psychiatry",
        knowledge_version="1.4.0",
        knowledge_digest="sha256:00",
        stream_version=9,
        as_of=TODAY,
        reading=2,
    ),
    prescriber=PRESCRIBER,
    occurred_at=NOON,
)
SIGNED_SWITCH = replace(
    SIGNED,
    fact_id=fact("switch signed"),
    kind=DosePlanKind.SWITCH,
    steps=(replace(STEPS[0], doses=(BEGINS, DOWN)), STEPS[1]),
    safety=True,
    begins=p.SERTRALINE_50,
    on_hand=(),
    answers=Answers(),
    replaces=None,
    overrides=(),
)
WHAT = "sertraline: 25 mg a day, from 2026-11-24"
DUE = StepDue(
    fact_id=fact("step due"),
    plan=SIGNED.fact_id,
    step=1,
    from_on=TOMORROW,
    asks=("withdrawal-symptoms",),
    what=WHAT,
    prescriber=PRESCRIBER,
    occurred_at=NOON,
)
OVERDUE = StepOverdue(
    fact_id=fact("step overdue"),
    plan=SIGNED.fact_id,
    step=1,
    from_on=TOMORROW,
    what=WHAT,
    prescriber=PRESCRIBER,
    occurred_at=NOON + DAY,
)
CHANGED = replace(
    p.CHANGED,
    fact_id=fact("dose of step"),
    to_daily_dose_mg=Decimal(25),
    effective_on=TOMORROW,
    reason="step 1 of 2 of the dose plan",
    regimen=every_day("25"),
    plan=SIGNED.fact_id,
)
CONFIRMED = StepConfirmed(
    fact_id=CONFIRM.fact_id,
    plan=SIGNED.fact_id,
    step=1,
    from_on=TOMORROW,
    what=WHAT,
    decisions=(CHANGED.fact_id,),
    stops=(),
    asked=ASKED,
    moved=(StepDay(step=2, from_on=LATEST),),
    settles=OVERDUE.fact_id,
    prescriber=PRESCRIBER,
    occurred_at=NOON,
)
STOP_CONFIRMED = replace(
    CONFIRMED, fact_id=fact("stop confirmed"), step=2, decisions=(), stops=(p.ISSUED.fact_id,), moved=(), settles=None
)
TAKEN = SafetyStepTaken(
    fact_id=fact("safety step"),
    plan=SIGNED.fact_id,
    step=1,
    from_on=TOMORROW,
    what=WHAT,
    decisions=(CHANGED.fact_id,),
    stops=(p.ISSUED.fact_id,),
    occurred_at=NOON,
)
DECLINED = StepDeclined(
    fact_id=fact("step declined"),
    plan=SIGNED.fact_id,
    step=1,
    what=WHAT,
    reasons=("high-alert-not-overridden",),
    declined=p.DECLINED.fact_id,
    prescriber=PRESCRIBER,
    occurred_at=NOON,
)
ILLEGAL = replace(DECLINED, fact_id=fact("step illegal"), reasons=("plan-not-legal",), declined=None)
HELD = StepHeld(
    fact_id=HOLD.fact_id,
    plan=SIGNED.fact_id,
    step=1,
    what=WHAT,
    reason=HoldReason.CLIENT_WISH,
    comment="",
    by_client=True,
    in_a_row=2,
    held_by=CLIENT,
    cancels=(CHANGED.fact_id,),
    moved=(StepDay(step=1, from_on=LATER), StepDay(step=2, from_on=LATEST)),
    breaks=("K7 sertraline 2026-12-22",),
    settles=OVERDUE.fact_id,
    prescriber=PRESCRIBER,
    occurred_at=NOON,
)
HELD_BY_PRESCRIBER = replace(
    HELD, fact_id=fact("held by the prescriber"), reason=HoldReason.RESULT, comment="sodium 128", by_client=False,
    in_a_row=0, held_by=PRESCRIBER, cancels=(), breaks=(), settles=None,
)  # fmt: skip
MOVED = StepChanged(
    fact_id=CHANGE.fact_id,
    plan=SIGNED.fact_id,
    step=1,
    what=WHAT,
    reason=HoldReason.SUPPLY,
    comment="",
    cancels=(),
    moved=(StepDay(step=1, from_on=LATER),),
    settles=None,
    prescriber=PRESCRIBER,
    occurred_at=NOON,
)
MOVED_AFTER_ALL = replace(
    MOVED, fact_id=fact("moved after all"), comment="away", cancels=(CHANGED.fact_id,), settles=OVERDUE.fact_id
)
ENDED = DosePlanEnded(
    fact_id=END.fact_id,
    plan=SIGNED.fact_id,
    reason=PlanEnding.RELAPSE,
    comment="low again",
    cancels=(CHANGED.fact_id,),
    settles=None,
    ended_by=PRESCRIBER,
    occurred_at=NOON,
)
ENDED_OVERDUE = replace(ENDED, fact_id=fact("ended overdue"), settles=OVERDUE.fact_id, cancels=())
EXAMPLES: tuple[events.Event, ...] = (
    SIGNED,
    SIGNED_SWITCH,
    DUE,
    OVERDUE,
    CHANGED,
    CONFIRMED,
    STOP_CONFIRMED,
    TAKEN,
    DECLINED,
    ILLEGAL,
    HELD,
    HELD_BY_PRESCRIBER,
    MOVED,
    MOVED_AFTER_ALL,
    ENDED,
    ENDED_OVERDUE,
)
STORY: tuple[events.Event, ...] = (SIGNED, DUE, OVERDUE, CONFIRMED, TAKEN, DECLINED, HELD, MOVED, ENDED)
"""One of each kind."""
PUBLISHED_STORY: tuple[Any, ...] = tuple(as_published("prescribing", STORY))
PUBLISHED_EXAMPLES: tuple[object, ...] = tuple(as_published("prescribing", EXAMPLES))
