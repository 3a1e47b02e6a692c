"""What a decision says and stands on, field by field; and which answer lets an order go on in spite of what."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec import UNSET

from careloop.contracts.prescribing import Order, Override, OverrideReason, PrescriptionDiscontinued
from careloop.contracts.terms import Medicine
from careloop.knowledge.chart import SuicideRisk
from careloop.knowledge.findings import Alert, Check, NotChecked, Reason, Screening, ScreeningOutcome, Severity
from services.prescribing.domain.decision_capsule import DecisionCapsule
from services.prescribing.domain.decisions import DECISIONS
from services.prescribing.domain.dose_changes import PlannedDoses
from services.prescribing.domain.events import DoseChanged, Event, PrescriptionDeclined, PrescriptionIssued
from services.prescribing.domain.readings.numbered import LATEST
from services.prescribing.domain.readings.reading import Asking
from services.prescribing.domain.screening import Freshness, safety_check
from services.prescribing.domain.state import DECIDER
from tests.support.completeness import never_set
from tests.support.controls import prescribing as p
from tests.support.controls.moments import NOON, TODAY, YESTERDAY, fact
from tests.support.specification import given

TOMORROW = TODAY + timedelta(days=1)


def decide(command: Any, *facts: Event) -> Event:
    (decided,) = given(DECIDER, *facts).when(DECISIONS[type(command)], command).decided
    return decided


def screened(facts: Sequence[Event], order: Order, freshness: Freshness = p.FRESH, **told: Any) -> Screening:
    return safety_check(Asking(chart=DECIDER.fold(facts), order=order, as_of=TODAY, **told), freshness)


def reasons_of(order: Order, screening: Screening, answers: tuple[Override, ...]) -> tuple[str, ...]:
    asking = Asking(chart=DECIDER.fold(p.ASSESSED), order=order, as_of=TODAY)
    return LATEST.reasons(asking, screening, answers)


def capsule(facts: Sequence[Any], screening: Screening, **changes: Any) -> DecisionCapsule:
    """What a decision on these facts, asked with fresh evidence and no overrides, stands on."""
    usual = DecisionCapsule(
        screening=screening,
        overrides=(),
        evidence=tuple(one.evidence for one in facts if hasattr(one, "evidence")),
        stream_version=len(facts),
        source_positions=p.FRESH.positions,
        as_of=TODAY,
        changing=UNSET,
        reading=LATEST.number,
    )
    return replace(usual, **changes)


FULL_ORDER = Order(
    medicine=Medicine(name="sertraline 50 MG Oral Tablet", rxcui="36437"),
    daily_dose_mg=Decimal(50),
    sig="one tablet in the morning",
    days_supply=28,
    starts_on=TOMORROW,
    indication=p.DEPRESSION,
)
ASKED = replace(p.ISSUE_SERTRALINE, order=FULL_ORDER, occurred_at=YESTERDAY)
WARNED = (*p.ASSESSED, p.POSITIVE_MDQ)


def answer(alert: Any, **changes: Any) -> Override:
    reason = OverrideReason.WILL_MONITOR
    return replace(Override(rule=alert.rule, involves=alert.involves, reason=reason, comment="weekly"), **changes)


def test_an_issued_prescription_says_what_was_ordered_by_whom_and_on_what_it_stood() -> None:
    facts = (*WARNED, p.SEVERE_NAUSEA, replace(p.PHENELZINE_STRUCK, fact_id=p.SEVERE_NAUSEA.fact_id))
    found = screened(facts, FULL_ORDER)
    answers = tuple(answer(alert) for alert in found.alerts)
    assert answers
    issued = decide(replace(ASKED, overrides=answers), *facts)
    standing = tuple(one.evidence for one in WARNED)
    assert issued == PrescriptionIssued(
        fact_id=p.ISSUE_SERTRALINE.fact_id,
        order=FULL_ORDER,
        ingredients=("sertraline",),
        prescriber=p.ISSUE_SERTRALINE.prescriber,
        capsule=capsule(facts, found, overrides=answers, evidence=standing),
        occurred_at=YESTERDAY,
    )


def test_a_declined_order_says_why_and_on_what_it_stood() -> None:
    facts = (*p.ASSESSED, p.PHENELZINE_TAKEN)
    found = screened(facts, FULL_ORDER)
    answers = tuple(answer(alert) for alert in found.alerts)
    declined = decide(replace(ASKED, overrides=(*answers, p.OVERRIDE)), *facts)
    assert declined == PrescriptionDeclined(
        fact_id=p.ISSUE_SERTRALINE.fact_id,
        order=FULL_ORDER,
        prescriber=p.ISSUE_SERTRALINE.prescriber,
        reasons=("contraindicated",),
        capsule=capsule(facts, found, overrides=answers),
        occurred_at=YESTERDAY,
    )


CHANGE = replace(p.CHANGE_TO_100, effective_on=TOMORROW, occurred_at=YESTERDAY)


def order_of(command: Any) -> Order:
    return replace(p.ISSUED.order, daily_dose_mg=command.daily_dose_mg, starts_on=command.effective_on)


def test_a_changed_dose_says_from_what_to_what_from_when_and_why() -> None:
    facts = (*p.ASSESSED, p.ISSUED)
    found = screened(facts, order_of(CHANGE), changing=p.ISSUED.fact_id)
    assert decide(CHANGE, *facts) == DoseChanged(
        fact_id=CHANGE.fact_id,
        prescription=p.ISSUED.fact_id,
        from_daily_dose_mg=Decimal(50),
        to_daily_dose_mg=Decimal(100),
        effective_on=TOMORROW,
        reason="partial response",
        prescriber=CHANGE.prescriber,
        capsule=capsule(facts, found, changing=p.ISSUED.fact_id),
        occurred_at=YESTERDAY,
    )


def test_a_declined_change_is_an_order_of_the_new_dose_and_names_the_prescription() -> None:
    facts = (*p.ASSESSED, p.ISSUED, p.CHANGED)
    asked = replace(CHANGE, fact_id=fact("too much"), daily_dose_mg=Decimal(300))
    found = screened(facts, order_of(asked), changing=p.ISSUED.fact_id)
    assert decide(asked, *facts) == PrescriptionDeclined(
        fact_id=asked.fact_id,
        order=order_of(asked),
        prescriber=asked.prescriber,
        reasons=("high-alert-not-overridden",),
        capsule=capsule(facts, found, changing=p.ISSUED.fact_id),
        occurred_at=YESTERDAY,
    )
    answers = tuple(answer(alert) for alert in found.alerts if alert.severity is Severity.HIGH)
    gone_on_with = decide(replace(asked, overrides=answers), *facts)
    assert isinstance(gone_on_with, DoseChanged)
    assert gone_on_with.from_daily_dose_mg == Decimal(100)
    assert gone_on_with.capsule.overrides == answers


def test_an_end_says_why_when_and_by_whom() -> None:
    asked = replace(p.DISCONTINUE, stopped_on=YESTERDAY.date(), occurred_at=YESTERDAY)
    assert decide(asked, p.BEGUN) == PrescriptionDiscontinued(
        fact_id=asked.fact_id,
        prescription=p.ISSUED.fact_id,
        status_reason=asked.status_reason,
        stopped_on=YESTERDAY.date(),
        prescriber=asked.prescriber,
        occurred_at=YESTERDAY,
    )


def test_the_check_is_made_as_of_the_day_of_the_call_and_not_of_the_day_it_was_true() -> None:
    tomorrow = replace(ASKED, now=NOON + timedelta(days=1))
    change = replace(CHANGE, now=NOON + timedelta(days=1))
    for decided in (decide(tomorrow, *p.ASSESSED), decide(change, *p.ASSESSED, p.ISSUED)):
        assert isinstance(decided, PrescriptionIssued | DoseChanged)
        assert decided.capsule.as_of == TOMORROW


def test_what_was_stale_when_it_was_decided_stands_in_the_decision() -> None:
    asked = replace(ASKED, freshness=p.STALE)
    decided = decide(asked, *p.ASSESSED)
    assert isinstance(decided, PrescriptionIssued)
    found = screened(p.ASSESSED, FULL_ORDER, p.STALE)
    assert decided.capsule == capsule(p.ASSESSED, found, source_positions=p.STALE.positions)


def test_a_new_dose_at_high_suicide_risk_is_checked_with_the_supply_of_the_prescription() -> None:
    at_risk = [replace(one, level=SuicideRisk.HIGH) if one is p.NO_RISK else one for one in p.ASSESSED]
    medicine = Medicine(name="amitriptyline")
    ample = replace(p.ISSUED, order=replace(p.ISSUED.order, medicine=medicine, days_supply=90))
    little = replace(p.ISSUED, order=replace(p.ISSUED.order, medicine=medicine, days_supply=3))
    kinds = []
    for issued in (ample, little):
        decided = decide(replace(CHANGE, daily_dose_mg=Decimal(75)), *at_risk, issued)
        assert isinstance(decided, DoseChanged | PrescriptionDeclined)
        kinds.append({alert.kind for alert in decided.capsule.screening.alerts} & {Check.SUPPLY})
        gaps = {gap.reason for gap in decided.capsule.screening.not_checked}
        assert Reason.DAYS_SUPPLY_MISSING not in gaps
    assert kinds == [{Check.SUPPLY}, set()]


HIGH = Alert(
    rule="ddi.bleeding",
    version=1,
    kind=Check.DRUG_DRUG,
    severity=Severity.HIGH,
    involves=("sertraline", "ibuprofen"),
    message="May bleed.",
    action="Avoid.",
    source="ours",
    reviewed=False,
)
SECOND_HIGH = replace(HIGH, involves=("sertraline", "naproxen"))
OTHER_RULE = replace(HIGH, rule="ddi.qt")
MODERATE = replace(HIGH, severity=Severity.MODERATE)
LOW = replace(HIGH, severity=Severity.LOW)
WORST = replace(HIGH, rule="ddi.maoi", severity=Severity.CONTRAINDICATED)
GAP = NotChecked(check=Check.ALLERGY, reason=Reason.ALLERGIES_NOT_ASKED)
SECOND_GAP = NotChecked(check=Check.LAB, reason=Reason.LABS_NOT_RECORDED)
ORDINARY = p.SERTRALINE_50
HIGH_RISK = replace(p.SERTRALINE_50, medicine=Medicine(name="clozapine"))
HIGH_RISK_BY_CODE = replace(p.SERTRALINE_50, medicine=Medicine(name="", rxcui="2626"))
NOBODY_KNOWS = replace(p.SERTRALINE_50, medicine=Medicine(name="xyzmab"))


def found(*alerts: Alert, gaps: tuple[NotChecked, ...] = ()) -> Screening:
    return replace(p.CLEAR, outcome=ScreeningOutcome.ALERTS, alerts=alerts, not_checked=gaps)


def override(rule: str, *involves: str) -> Override:
    return Override(rule=rule, involves=involves, reason=OverrideReason.WILL_MONITOR)


EXACT = override("ddi.bleeding", "sertraline", "ibuprofen")
TURNED = override("ddi.bleeding", "ibuprofen", "sertraline")
UNNAMED = override("ddi.bleeding")
NOT_OVERRIDDEN, NOT_CHECKED = "high-alert-not-overridden", "high-risk-not-checked"


@pytest.mark.parametrize(
    ("screening", "answers", "reasons"),
    [
        (found(), (), ()),
        (found(LOW), (), ()),
        (found(MODERATE), (), ()),
        (found(HIGH), (), (NOT_OVERRIDDEN,)),
        (found(HIGH), (EXACT,), ()),
        (found(HIGH), (TURNED,), ()),
        (found(HIGH), (UNNAMED,), ()),
        (found(HIGH), (override("ddi.qt", "sertraline", "ibuprofen"),), (NOT_OVERRIDDEN,)),
        (found(HIGH), (override("ddi.bleeding", "sertraline"),), (NOT_OVERRIDDEN,)),
        (found(HIGH), (override("ddi.bleeding", "sertraline", "ibuprofen", "aspirin"),), (NOT_OVERRIDDEN,)),
        (found(HIGH), (override("ddi.bleeding", "sertraline", "naproxen"),), (NOT_OVERRIDDEN,)),
        (found(HIGH, SECOND_HIGH), (UNNAMED,), (NOT_OVERRIDDEN,)),
        (found(HIGH, SECOND_HIGH), (EXACT,), (NOT_OVERRIDDEN,)),
        (found(HIGH, SECOND_HIGH), (EXACT, UNNAMED), (NOT_OVERRIDDEN,)),
        (found(HIGH, SECOND_HIGH), (EXACT, override("ddi.bleeding", "sertraline", "naproxen")), ()),
        (found(HIGH, MODERATE), (UNNAMED,), (NOT_OVERRIDDEN,)),
        (found(HIGH, OTHER_RULE), (UNNAMED,), (NOT_OVERRIDDEN,)),
        (found(HIGH, OTHER_RULE), (UNNAMED, override("ddi.qt")), ()),
        (found(WORST), (), ("contraindicated",)),
        (found(WORST), (override("ddi.maoi", *WORST.involves),), ("contraindicated",)),
        (found(HIGH, WORST), (), ("contraindicated", NOT_OVERRIDDEN)),
        (found(HIGH, WORST), (EXACT,), ("contraindicated",)),
    ],
)
def test_which_answer_lets_an_order_go_on_in_spite_of_which_alert(
    screening: Screening, answers: tuple[Override, ...], reasons: tuple[str, ...]
) -> None:
    assert reasons_of(ORDINARY, screening, answers) == reasons


@pytest.mark.parametrize(
    ("order", "gaps", "answers", "reasons"),
    [
        (ORDINARY, (GAP,), (), ()),
        (HIGH_RISK, (), (), ()),
        (HIGH_RISK, (GAP,), (), (NOT_CHECKED,)),
        (HIGH_RISK_BY_CODE, (GAP,), (), (NOT_CHECKED,)),
        (NOBODY_KNOWS, (GAP,), (), (NOT_CHECKED,)),
        (HIGH_RISK, (GAP,), (override("not-checked:allergy"),), ()),
        (HIGH_RISK, (GAP,), (override("allergy"),), (NOT_CHECKED,)),
        (HIGH_RISK, (GAP,), (override("not-checked:lab"),), (NOT_CHECKED,)),
        (HIGH_RISK, (GAP, SECOND_GAP), (override("not-checked:allergy"),), (NOT_CHECKED,)),
        (HIGH_RISK, (GAP, SECOND_GAP), (override("not-checked:lab"),), (NOT_CHECKED,)),
        (HIGH_RISK, (GAP, SECOND_GAP), (override("not-checked:lab"), override("not-checked:allergy")), ()),
        (HIGH_RISK, (GAP, replace(GAP, subject="penicillin")), (override("not-checked:allergy"),), ()),
    ],
)
def test_which_answer_lets_an_order_go_on_in_spite_of_what_was_not_checked(
    order: Order, gaps: tuple[NotChecked, ...], answers: tuple[Override, ...], reasons: tuple[str, ...]
) -> None:
    assert reasons_of(order, found(gaps=gaps), answers) == reasons


def test_all_reasons_are_given_worst_first() -> None:
    everything = found(HIGH, WORST, gaps=(GAP,))
    assert reasons_of(HIGH_RISK, everything, ()) == ("contraindicated", NOT_OVERRIDDEN, NOT_CHECKED)


def answers_that_count(*answers: Override, order: Order = FULL_ORDER, facts: Sequence[Event] = WARNED) -> Any:
    decided = decide(replace(ASKED, order=order, overrides=answers), *facts)
    assert isinstance(decided, PrescriptionIssued | PrescriptionDeclined)
    return decided.capsule.overrides


def test_only_answers_to_what_this_check_found_are_part_of_the_decision_in_the_order_given() -> None:
    facts = (p.PROFILE, p.NOTHING_TAKEN, p.DIAGNOSIS, p.NO_RISK, p.POSITIVE_MDQ)
    screening = screened(facts, FULL_ORDER)
    (alert,) = screening.alerts
    gaps = list(dict.fromkeys(f"not-checked:{gap.check}" for gap in screening.not_checked))
    assert "not-checked:allergy" in gaps
    of_gaps = tuple(override(gap) for gap in gaps)
    others = (
        override("not-checked:dose"),
        override("not-checked:controlled-substance"),
        override(f"not-checked:{alert.rule}"),
        answer(alert, rule="condition.other"),
        answer(alert, involves=(*alert.involves, "another")),
    )
    given_answers = (*others[:2], *of_gaps, answer(alert), *others[2:])
    assert answers_that_count(*given_answers, facts=facts) == (*of_gaps, answer(alert))
    assert answers_that_count(answer(alert, involves=())) == (answer(alert, involves=()),)


def test_the_examples_of_decisions_leave_no_field_without_a_value() -> None:
    facts = (*p.ASSESSED, p.ISSUED, p.CHANGED)
    declined = decide(replace(CHANGE, fact_id=fact("too much"), daily_dose_mg=Decimal(300)), *facts)
    planned = replace(p.CHANGED, fact_id=fact("planned"), effective_on=TOMORROW + timedelta(days=1))
    changed = decide(replace(CHANGE, planned_doses=PlannedDoses.CANCEL), *p.ASSESSED, p.ISSUED, planned)
    needing = replace(FULL_ORDER, medicine=Medicine(name="tetrabenazine"), daily_dose_mg=Decimal(75))
    thin = replace(FULL_ORDER, medicine=Medicine(name="abacavir"))
    orders = (needing, thin, replace(p.PREDNISONE, sig="as agreed", indication=p.DEPRESSION))
    others = (replace(ASKED, freshness=p.STALE), *(replace(ASKED, order=one) for one in orders))
    unset = never_set(declined, changed, *(decide(one, *p.ASSESSED) for one in others))
    of_others = {f"DecisionCapsule.{field}" for field in ("overrides", "missing", "refused_overrides")}
    of_others |= {"DoseChanged.regimen", "DoseChanged.plan"}
    assert unset <= of_others | {"Alert.reviewed"}
