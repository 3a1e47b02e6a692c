"""What prescribing publishes of its decisions, field by field in the published words."""

from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest
from msgspec import UNSET

from careloop.chassis.events.codec import ENCODER
from careloop.contracts import prescribing as contract
from careloop.contracts import terms
from careloop.contracts.prescribing import Override, OverrideReason, StatusReason
from services.prescribing.domain.noted import Noted
from tests.support.completeness import never_set
from tests.support.controls import dose_plans as plans
from tests.support.controls import prescribing as p
from tests.support.controls.moments import NOON, PRESCRIBER, TODAY, YESTERDAY, event, fact
from tests.support.histories.restate import published_of, restate

PUBLISHED = published_of("prescribing")
CAPSULE = replace(
    p.CAPSULE,
    screening=replace(p.SCREENING, alerts=(replace(p.ALERT, reviewed=True), p.ALERT)),
    overrides=(p.OVERRIDE, replace(p.OVERRIDE, rule="not-checked:lab", involves=(), comment="")),
    evidence=(event("one"), event("two")),
    as_of=TODAY,
    changing=fact("changing"),
    missing=("plan", "completion"),
)
ALERT = contract.Alert(
    rule="ddi.maoi-serotonergic",
    version=1,
    kind="drug-drug",
    severity="contraindicated",
    involves=("sertraline", "phenelzine"),
    message="May cause serotonin syndrome.",
    action="Do not combine.",
    source="ONC high-priority list, 4 [V]",
    reviewed=False,
)
PUBLISHED_CAPSULE = contract.DecisionCapsule(
    knowledge_pack="careloop-psychiatry",
    knowledge_version="1.0.0",
    knowledge_digest="sha256:00",
    outcome="alerts",
    alerts=(replace(ALERT, reviewed=True), ALERT),
    not_checked=(contract.NotChecked(check="dose", reason="dose-missing", subject="phenelzine"),),
    checked=("drug-drug",),
    overrides=(
        contract.Override(
            rule="ddi.bleeding",
            involves=("sertraline", "ibuprofen"),
            reason=contract.OverrideReason.WILL_MONITOR,
            comment="short course",
        ),
        contract.Override(rule="not-checked:lab", involves=(), reason=contract.OverrideReason.WILL_MONITOR, comment=""),
    ),
    evidence=(event("one"), event("two")),
    stream_version=6,
    source_positions=(
        contract.SourcePosition(source="assessment", partition=3, position=12, fresh_as_of=NOON),
        contract.SourcePosition(source="monitoring", partition=3, position=0, fresh_as_of=None),
    ),
    missing=("plan", "completion"),
    as_of=TODAY,
)
ORDER = contract.Order(
    medicine=terms.Medicine(name="sertraline 50 MG Oral Tablet", rxcui="36437"),
    daily_dose_mg=Decimal(50),
    sig="one tablet in the morning",
    days_supply=30,
    starts_on=TODAY,
)
LITTLE = replace(p.SERTRALINE_50, daily_dose_mg=None, days_supply=None, sig="")
LITTLE_PUBLISHED = replace(ORDER, daily_dose_mg=None, days_supply=None, sig="")

ISSUED = contract.PrescriptionIssued(
    fact_id=fact("sertraline"),
    order=ORDER,
    ingredients=("sertraline",),
    prescriber=PRESCRIBER,
    capsule=PUBLISHED_CAPSULE,
    occurred_at=YESTERDAY,
)
DECLINED = contract.PrescriptionDeclined(
    fact_id=fact("declined"),
    order=ORDER,
    prescriber=PRESCRIBER,
    reasons=("contraindicated",),
    capsule=PUBLISHED_CAPSULE,
    occurred_at=NOON,
)
CHANGED = contract.DoseChanged(
    fact_id=fact("to 100"),
    prescription=fact("sertraline"),
    from_daily_dose_mg=Decimal(50),
    to_daily_dose_mg=Decimal(100),
    effective_on=TODAY,
    reason="partial response",
    prescriber=PRESCRIBER,
    capsule=PUBLISHED_CAPSULE,
    occurred_at=NOON,
)
DISCONTINUED = contract.PrescriptionDiscontinued(
    fact_id=fact("end"),
    prescription=fact("sertraline"),
    status_reason=contract.StatusReason.INTOLERANCE,
    stopped_on=TODAY,
    prescriber=PRESCRIBER,
    occurred_at=NOON,
)
STRUCK = terms.EnteredInError(
    fact_id=fact("sertraline"), reason="another client's order", marked_by=PRESCRIBER, occurred_at=NOON
)
ABRUPT = replace(DISCONTINUED, alerts=(ALERT,), overrides=PUBLISHED_CAPSULE.overrides)
CANCELS = (fact("planned"),)
EXAMPLES: list[tuple[Any, Any]] = [
    (replace(p.ISSUED, capsule=CAPSULE), ISSUED),
    (replace(p.ISSUED, order=LITTLE, capsule=CAPSULE), replace(ISSUED, order=LITTLE_PUBLISHED)),
    (replace(p.ISSUED_FOR, capsule=CAPSULE), replace(ISSUED, order=p.ISSUED_FOR.order)),
    (replace(p.ISSUED, order=p.PREDNISONE, capsule=CAPSULE), replace(ISSUED, order=p.PREDNISONE)),
    (replace(p.DECLINED, capsule=CAPSULE), DECLINED),
    (replace(p.DECLINED, order=LITTLE, capsule=CAPSULE), replace(DECLINED, order=LITTLE_PUBLISHED)),
    (replace(p.CHANGED, capsule=CAPSULE), CHANGED),
    (replace(p.CHANGED, from_daily_dose_mg=None, capsule=CAPSULE), replace(CHANGED, from_daily_dose_mg=None)),
    (replace(p.CHANGED, cancels=CANCELS, capsule=CAPSULE), replace(CHANGED, cancels=CANCELS)),
    (
        replace(p.CHANGED, plan=fact("plan"), regimen=p.REGIMEN, capsule=CAPSULE),
        replace(CHANGED, plan=fact("plan"), regimen=p.REGIMEN),
    ),
    *zip(plans.EXAMPLES, plans.PUBLISHED_EXAMPLES, strict=True),
    (p.DISCONTINUED, DISCONTINUED),
    (p.TOOK_EFFECT, p.TOOK_EFFECT),
    (ABRUPT, ABRUPT),
    (p.SERTRALINE_COUNTED, p.SERTRALINE_COUNTED),
    (p.COMPARED, p.COMPARED),
    (p.DISCREPANCY, p.DISCREPANCY),
    (replace(p.DISCREPANCY, listed_stopped_on=TODAY), replace(p.DISCREPANCY, listed_stopped_on=TODAY)),
    (replace(p.DISCREPANCY, answer_by=UNSET), replace(p.DISCREPANCY, answer_by=UNSET)),
    (p.OVERDUE, p.OVERDUE),
    (p.RESOLVED, p.RESOLVED),
    (p.RAISED, p.RAISED),
    (p.CONCERN_ANSWERED, p.CONCERN_ANSWERED),
    (p.CONCERN_ENDED, p.CONCERN_ENDED),
    (p.STRUCK, STRUCK),
]


def published(stored: Any) -> Any:
    """As the form that a stored fact is published in; what is sent as it is stored has the contract's bytes."""
    found = restate(stored, PUBLISHED[type(stored)])
    if isinstance(PUBLISHED[type(stored)], type):
        assert ENCODER.encode(found) == ENCODER.encode(stored)
    return found


@pytest.mark.parametrize(("stored", "expected"), EXAMPLES)
def test_what_is_published_says_what_was_stored(stored: Any, expected: Any) -> None:
    assert published(stored) == expected
    assert type(published(stored)) is type(expected)


def test_every_published_type_has_an_example_and_every_field_a_value() -> None:
    assert {type(stored) for stored, _published in EXAMPLES} == set(PUBLISHED)
    assert {type(expected) for _stored, expected in EXAMPLES} == set(contract.TYPES.values())
    assert never_set(*(expected for _stored, expected in EXAMPLES)) == set()


def test_no_note_of_another_services_fact_is_published() -> None:
    assert not set(PUBLISHED) & set(Noted.__args__)


@pytest.mark.parametrize("reason", OverrideReason)
def test_every_coded_answer_is_published(reason: OverrideReason) -> None:
    answered = Override(rule="r", involves=(), reason=reason)
    told = published(replace(p.ISSUED, capsule=replace(CAPSULE, overrides=(answered,))))
    assert told.capsule.overrides[0].reason == contract.OverrideReason(str(reason))


@pytest.mark.parametrize("reason", StatusReason)
def test_every_reason_to_end_is_published(reason: StatusReason) -> None:
    told = published(replace(p.DISCONTINUED, status_reason=reason))
    assert told.status_reason == contract.StatusReason(str(reason))


def test_the_published_capsule_leaves_out_only_what_the_stored_one_alone_needs() -> None:
    stored = {field.name for field in fields(p.CAPSULE)} | {field.name for field in fields(p.SCREENING)}
    flat = {field.name for field in fields(PUBLISHED_CAPSULE)}
    knowledge = {"knowledge_pack", "knowledge_version", "knowledge_digest"}
    assert stored - flat == {"screening", "knowledge", "changing", "reading", "refused_overrides"}
    assert flat - stored == knowledge


def test_what_was_asked_before_a_taper_stays_in_prescribing() -> None:
    told = {field.name for field in fields(contract.DosePlanSigned)}
    assert not told & {"answers", "on_hand", "begins"}
