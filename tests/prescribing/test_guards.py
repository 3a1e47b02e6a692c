"""What every decision of prescribing refuses before it decides anything, command by command."""

from dataclasses import fields, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from careloop.contracts.prescribing import PrescriptionDiscontinued
from careloop.contracts.terms import EnteredInError, Medicine, Role
from careloop.kernel.credentials import Credential
from careloop.kernel.errors import CareloopError, InvalidInput, NotAllowed, NotKnown, RuleViolated
from services.prescribing.domain.decisions import DECISIONS
from services.prescribing.domain.events import Event
from services.prescribing.domain.signing import sign_dose_plan
from services.prescribing.domain.state import DECIDER
from tests.support.controls import dose_plans as plans
from tests.support.controls import prescribing as p
from tests.support.controls.moments import NOON, TODAY, YESTERDAY, fact
from tests.support.specification import given

PRESCRIBED = (*p.ASSESSED, plans.PRAZOSIN)
(TAPERING,), (STOPPING,) = (
    given(DECIDER, *PRESCRIBED).when(sign_dose_plan, command).decided for command in (plans.SIGN, plans.SIGN_STOP)
)
BY_PRESCRIBER = replace(plans.HOLD, by_client=False, credential=p.CREDENTIAL)
ENOUGH: dict[str, tuple[Any, tuple[Event, ...]]] = {
    "IssuePrescription": (p.ISSUE_SERTRALINE, p.ASSESSED),
    "ChangeDose": (p.CHANGE_TO_100, (*p.ASSESSED, p.ISSUED)),
    "DiscontinuePrescription": (p.DISCONTINUE, (*p.ASSESSED, p.ISSUED)),
    "SignDosePlan": (plans.SIGN, PRESCRIBED),
    "ConfirmStep": (plans.CONFIRM_STOP, (*PRESCRIBED, STOPPING)),
    "HoldStep": (BY_PRESCRIBER, (*PRESCRIBED, TAPERING)),
    "ChangeStep": (plans.CHANGE, (*PRESCRIBED, TAPERING)),
    "EndDosePlan": (plans.END, (*PRESCRIBED, TAPERING)),
    "CountSupply": (p.COUNT_SERTRALINE, ()),
    "ResolveDiscrepancy": (p.RESOLVE, (*p.ASSESSED, p.ISSUED, p.DISCREPANCY)),
    "AnswerConcern": (p.ANSWER_CONCERN, (*p.ASSESSED, p.ISSUED, p.RAISED)),
    "MarkEnteredInError": (p.STRIKE, (*p.ASSESSED, p.ISSUED)),
}
"""A command that is allowed, and what must have happened before."""
GUARDS = {
    "IssuePrescription": {"time", "credential", "enrolment", "repeat"},
    "ChangeDose": {"time", "credential", "prescription", "repeat"},
    "DiscontinuePrescription": {"time", "credential", "prescription", "repeat"},
    "SignDosePlan": {"time", "credential", "enrolment", "repeat"},
    "ConfirmStep": {"time", "credential", "repeat"},
    "HoldStep": {"time", "credential", "repeat"},
    "ChangeStep": {"time", "credential", "repeat"},
    "EndDosePlan": {"time", "credential", "repeat"},
    "CountSupply": {"time", "repeat"},
    "ResolveDiscrepancy": {"time", "credential", "repeat"},
    "AnswerConcern": {"time", "credential", "repeat"},
    "MarkEnteredInError": {"fact", "repeat"},
}
SECOND = timedelta(seconds=1)


def guarded(guard: str) -> list[str]:
    return [command for command, guards in GUARDS.items() if guard in guards]


def decide(command: Any, *facts: Event) -> list[Event]:
    return given(DECIDER, *facts).when(DECISIONS[type(command)], command).decided


def refusal(command: Any, *facts: Event) -> CareloopError:
    with pytest.raises(CareloopError) as refused:
        decide(command, *facts)
    assert refused.value.sentence.endswith("."), "people read a whole sentence"
    return refused.value


def struck(fact_id: Any) -> EnteredInError:
    return replace(p.STRUCK, fact_id=fact_id)


def test_every_command_has_its_guards_and_they_follow_from_what_it_names() -> None:
    assert {command.__name__ for command in DECISIONS} == set(GUARDS) == set(ENOUGH)
    for name, (command, _facts) in ENOUGH.items():
        said = {field.name for field in fields(command)}
        assert type(command).__name__ == name
        assert ("occurred_at" in said) == ("time" in GUARDS[name])
        assert ("credential" in said) == ("credential" in GUARDS[name])
        assert ("prescription" in said) == ("prescription" in GUARDS[name])


@pytest.mark.parametrize("name", GUARDS)
def test_with_enough_before_it_every_command_is_decided(name: str) -> None:
    command, facts = ENOUGH[name]
    assert len(decide(command, *facts)) == 1


@pytest.mark.parametrize("name", guarded("time"))
def test_nothing_is_decided_for_the_future(name: str) -> None:
    command, facts = ENOUGH[name]
    assert decide(replace(command, occurred_at=NOON, now=NOON), *facts)
    refused = refusal(replace(command, occurred_at=NOON + SECOND), *facts)
    assert isinstance(refused, InvalidInput)
    assert (refused.slug, refused.field) == ("in-the-future", "occurred_at")


@pytest.mark.parametrize("name", guarded("credential"))
@pytest.mark.parametrize("kind", [None, *Role])
def test_only_a_psychiatrist_or_a_psychiatric_nurse_practitioner_decides(name: str, kind: Role | None) -> None:
    command, facts = ENOUGH[name]
    credential = None if kind is None else replace(p.CREDENTIAL, kind=str(kind))
    asked = replace(command, credential=credential)
    if kind in (Role.PSYCHIATRIST, Role.PSYCHIATRIC_NURSE_PRACTITIONER):
        assert decide(asked, *facts)
    else:
        refused = refusal(asked, *facts)
        assert isinstance(refused, NotAllowed)
        assert refused.slug == "credential-required"


@pytest.mark.parametrize("name", guarded("credential"))
@pytest.mark.parametrize(
    ("valid_from", "valid_until", "allowed"),
    [
        (YESTERDAY, NOON, True),
        (YESTERDAY + SECOND, NOON, False),
        (YESTERDAY, NOON - SECOND, False),
        (NOON, NOON, False),
        (YESTERDAY, YESTERDAY, False),
    ],
)
def test_the_credential_is_valid_when_it_happened_and_when_it_is_recorded(
    name: str, valid_from: datetime, valid_until: datetime, allowed: bool
) -> None:
    command, facts = ENOUGH[name]
    credential = Credential(kind="psychiatrist", valid_from=valid_from, valid_until=valid_until)
    asked = replace(command, credential=credential, occurred_at=YESTERDAY, now=NOON)
    if allowed:
        assert decide(asked, *facts)
    else:
        assert refusal(asked, *facts).slug == "credential-not-valid"


@pytest.mark.parametrize("name", guarded("enrolment"))
def test_only_an_enrolled_patient_has_orders(name: str) -> None:
    command, facts = ENOUGH[name]
    others = [one for one in facts if one is not p.PROFILE]
    struck_profile = replace(p.PHENELZINE_STRUCK, fact_id=p.PROFILE.fact_id)
    for history in (others, [*others, p.PROFILE, struck_profile]):
        refused = refusal(command, *history)
        assert isinstance(refused, NotKnown)
        assert (refused.slug, refused.field) == ("patient-not-known", "patient_id")


@pytest.mark.parametrize("name", guarded("prescription"))
def test_only_a_prescription_that_stands_is_changed_or_ended(name: str) -> None:
    command, facts = ENOUGH[name]
    for asked, history in (
        (command, p.ASSESSED),
        (replace(command, prescription=fact("another")), facts),
        (replace(command, prescription=p.DECLINED.fact_id), (*facts, p.DECLINED)),
        (command, (*facts, struck(p.ISSUED.fact_id))),
    ):
        refused = refusal(asked, *history)
        assert isinstance(refused, NotKnown)
        assert (refused.slug, refused.field) == ("prescription-not-known", "prescription_id")


def test_of_two_prescriptions_the_one_named_is_changed_and_ended() -> None:
    order = replace(p.ISSUED.order, medicine=Medicine(name="lisinopril"), daily_dose_mg=Decimal(75))
    other = replace(p.ISSUED, fact_id=fact("other"), order=order)
    facts = (*p.ASSESSED, p.ISSUED, other)
    (changed,) = decide(replace(p.CHANGE_TO_100, prescription=other.fact_id), *facts)
    assert getattr(changed, "from_daily_dose_mg", None) == Decimal(75)
    ended = replace(p.DISCONTINUED, fact_id=fact("end of the other"), prescription=other.fact_id)
    assert decide(p.CHANGE_TO_100, *facts, ended)
    assert decide(p.DISCONTINUE, *facts, ended) == [p.DISCONTINUED]


def test_a_prescription_that_ended_is_neither_changed_nor_ended_again() -> None:
    facts = (*p.ASSESSED, p.ISSUED, p.DISCONTINUED)
    refused = refusal(p.CHANGE_TO_100, *facts)
    assert isinstance(refused, RuleViolated)
    assert (refused.slug, refused.field) == ("prescription-ended", "prescription_id")
    assert decide(replace(p.DISCONTINUE, fact_id=fact("again")), *facts) == []


def test_a_prescription_whose_end_was_struck_goes_on() -> None:
    facts = (*p.ASSESSED, p.ISSUED, p.DISCONTINUED, struck(p.DISCONTINUED.fact_id))
    assert decide(p.CHANGE_TO_100, *facts)
    (ended,) = decide(replace(p.DISCONTINUE, fact_id=fact("again")), *facts)
    assert ended == replace(p.DISCONTINUED, fact_id=fact("again"))


def test_an_end_that_was_struck_leaves_another_end_standing() -> None:
    again = replace(p.DISCONTINUED, fact_id=fact("again"))
    facts = (*p.ASSESSED, p.ISSUED, p.DISCONTINUED, again, struck(p.DISCONTINUED.fact_id))
    assert refusal(p.CHANGE_TO_100, *facts).slug == "prescription-ended"


@pytest.mark.parametrize(("days_ahead", "allowed"), [(-1, True), (0, True), (1, False)])
def test_a_prescription_does_not_end_in_the_future(days_ahead: int, allowed: bool) -> None:
    asked = replace(p.DISCONTINUE, stopped_on=TODAY + timedelta(days=days_ahead))
    if allowed:
        (ended,) = decide(asked, p.BEGUN)
        assert isinstance(ended, PrescriptionDiscontinued)
        assert ended.stopped_on == asked.stopped_on
    else:
        refused = refusal(asked, p.BEGUN)
        assert (refused.slug, refused.field) == ("stopped-in-the-future", "stopped_on")


def test_a_dose_is_changed_only_to_another_one_than_is_in_force() -> None:
    facts = (*p.ASSESSED, p.ISSUED, p.CHANGED)
    again = replace(p.CHANGE_TO_100, fact_id=fact("again"))
    refused = refusal(again, *facts)
    assert isinstance(refused, RuleViolated)
    assert (refused.slug, refused.field) == ("dose-unchanged", "daily_dose_mg")
    assert decide(again, *facts, struck(p.CHANGED.fact_id)), "the change to this dose was struck"
    (back,) = decide(replace(again, daily_dose_mg=Decimal(50)), *facts)
    assert getattr(back, "from_daily_dose_mg", None) == Decimal(100)


@pytest.mark.parametrize("name", guarded("fact"))
def test_only_what_was_decided_here_is_struck(name: str) -> None:
    command, _facts = ENOUGH[name]
    for fact_id in (fact("another"), p.PROFILE.fact_id):
        refused = refusal(replace(command, fact_id=fact_id), *p.ASSESSED, p.ISSUED)
        assert isinstance(refused, NotKnown)
        assert (refused.slug, refused.field) == ("fact-not-known", "fact_id")


@pytest.mark.parametrize(
    "decided", [p.ISSUED, p.DECLINED, p.CHANGED, p.DISCONTINUED], ids=lambda one: type(one).__name__
)
def test_everything_decided_here_can_be_struck_once(decided: Any) -> None:
    strike = replace(p.STRIKE, fact_id=decided.fact_id)
    facts = (*p.ASSESSED, p.ISSUED, decided)
    expected = EnteredInError(
        fact_id=decided.fact_id, reason=strike.reason, marked_by=strike.actor, occurred_at=strike.now
    )
    assert decide(strike, *facts) == [expected]
    assert decide(strike, *facts, expected) == []


@pytest.mark.parametrize("name", guarded("repeat"))
def test_a_repeat_changes_nothing_even_when_what_it_recorded_was_struck(name: str) -> None:
    command, facts = ENOUGH[name]
    done = [*facts, *decide(command, *facts)]
    assert decide(command, *done) == []
    if name != "DiscontinuePrescription":
        assert decide(command, *done, struck(command.fact_id)) == []


def test_a_repeat_of_what_was_declined_changes_nothing() -> None:
    taking = (*p.ASSESSED, p.PHENELZINE_TAKEN)
    declined = decide(p.ISSUE_SERTRALINE, *taking)
    assert decide(p.ISSUE_SERTRALINE, *taking, *declined) == []
    change = replace(p.CHANGE_TO_100, daily_dose_mg=Decimal(900))
    declined = decide(change, *p.ASSESSED, p.ISSUED)
    assert decide(change, *p.ASSESSED, p.ISSUED, *declined) == []


def test_a_repeat_of_an_end_that_was_struck_changes_nothing() -> None:
    facts = (*p.ASSESSED, p.ISSUED, p.DISCONTINUED, struck(p.DISCONTINUED.fact_id))
    assert decide(p.DISCONTINUE, *facts) == []


@pytest.mark.parametrize(("days_ahead", "refused"), [(-400, False), (0, False), (1, True)])
def test_a_count_is_of_today_or_of_an_earlier_day(days_ahead: int, refused: bool) -> None:
    asked = replace(p.COUNT_SERTRALINE, counted_on=TODAY + timedelta(days=days_ahead))
    if refused:
        assert (refusal(asked).slug, refusal(asked).field) == ("counted-in-the-future", "counted_on")
    else:
        assert decide(asked) == [replace(p.SERTRALINE_COUNTED, counted_on=asked.counted_on)]
