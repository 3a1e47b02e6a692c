"""A new fact is held against what the client takes already: what it raises, what answers it, and when that ends."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from careloop.contracts.prescribing import (
    ConcernAnswerCode,
    ConcernAnswered,
    ConcernCause,
    ConcernEnded,
    ConcernsRaised,
    Override,
    OverrideReason,
)
from careloop.contracts.terms import Medicine
from careloop.kernel.ids import FactId
from careloop.knowledge import chart as known
from careloop.knowledge.pack.drugs import ingredients
from services.prescribing.domain.decisions import DECISIONS, OWN_DECISIONS
from services.prescribing.domain.events import Event, PrescriptionIssued
from services.prescribing.domain.noted import MedicationsNoted
from services.prescribing.domain.readings.reading import Asking
from services.prescribing.domain.screening import safety_check
from services.prescribing.domain.standing_check import CheckCause, CheckStanding, raised_again
from services.prescribing.domain.state import DECIDER
from tests.support.controls import prescribing as p
from tests.support.controls.care_team import LEFT_NOTED
from tests.support.controls.moments import NOON, PRESCRIBER, TODAY, event, fact
from tests.support.specification import given

DAY = timedelta(days=1)
BEGAN = NOON - 60 * DAY
PREGNANT = replace(p.NOT_PREGNANT, fact_id=fact("pregnant"), status=known.Pregnancy.PREGNANT, occurred_at=NOON)
SJS = replace(
    p.NO_ALLERGIES,
    fact_id=fact("stevens-johnson"),
    allergies=(
        known.Allergy(substance="lamotrigine", type=known.AllergyType.ALLERGY, criticality=known.Criticality.HIGH),
    ),
    occurred_at=NOON,
)


def ours(drug: str, mg: int) -> PrescriptionIssued:
    order = replace(
        p.SERTRALINE_50, medicine=Medicine(name=drug), daily_dose_mg=Decimal(mg), starts_on=TODAY - 60 * DAY
    )
    known_as = ingredients(drug, None)
    return replace(p.ISSUED, fact_id=fact(f"our {drug}"), order=order, ingredients=known_as, occurred_at=BEGAN)


def listed(*drugs: str, at: datetime = NOON) -> MedicationsNoted:
    return replace(
        p.NOTHING_TAKEN,
        fact_id=fact(f"{drugs} at {at}"),
        evidence=event(f"{drugs} at {at}"),
        medications=tuple(known.Medication(name=drug) for drug in drugs),
        occurred_at=at,
    )


LITHIUM, VALPROATE, LAMOTRIGINE = ours("lithium carbonate", 600), ours("valproate", 750), ours("lamotrigine", 100)


def check(
    *history: Event,
    fact_id: FactId,
    cause: ConcernCause = ConcernCause.FACT,
    now: datetime = NOON,
    at: datetime | None = None,
) -> Sequence[Event]:
    command = CheckStanding(because=CheckCause(cause=cause, fact=fact_id), at=at or now, now=now)
    return given(DECIDER, *p.ASSESSED, *history).when(OWN_DECISIONS[CheckStanding], command).decided


def raised(*history: Event, **why: Any) -> ConcernsRaised:
    (found,) = check(*history, **why)
    assert isinstance(found, ConcernsRaised)
    return found


def rules(found: ConcernsRaised) -> list[tuple[str, str]]:
    return [(one.alert.rule, one.alert.severity) for one in found.concerns]


def test_pregnancy_on_valproate_is_contraindicated_and_says_not_to_stop_at_once() -> None:
    found = raised(VALPROATE, PREGNANT, fact_id=PREGNANT.fact_id)
    (concern,) = found.concerns
    assert (concern.prescription, concern.alert.rule) == (VALPROATE.fact_id, "pregnancy.valproate")
    assert concern.alert.severity == "contraindicated"
    assert concern.if_stopped.startswith("Do not tell the client to stop at once: Seizures")
    assert (found.cause, found.caused_by, found.occurred_at) == ("fact", PREGNANT.fact_id, NOON)


def test_lamotrigine_in_pregnancy_is_low_and_alone_asks_for_nobody() -> None:
    assert rules(raised(LAMOTRIGINE, PREGNANT, fact_id=PREGNANT.fact_id)) == [("pregnancy.lamotrigine", "low")]


def test_three_medicines_of_one_list_against_lithium_are_one_event_with_three_concerns() -> None:
    new = listed("lisinopril", "hydrochlorothiazide", "ibuprofen")
    found = raised(LITHIUM, new, fact_id=new.fact_id)
    assert [one.alert.involves[1] for one in found.concerns] == ["ibuprofen", "lisinopril", "hydrochlorothiazide"]
    assert {one.prescription for one in found.concerns} == {LITHIUM.fact_id}


def test_an_allergy_to_what_is_taken_is_contraindicated() -> None:
    assert rules(raised(LAMOTRIGINE, SJS, fact_id=SJS.fact_id)) == [("allergy.substance", "contraindicated")]


def test_two_listed_medicines_that_are_not_ours_are_held_against_each_other() -> None:
    before, now = listed("tramadol", at=NOON - DAY), listed("tramadol", "phenelzine")
    (concern,) = raised(before, now, fact_id=now.fact_id).concerns
    assert (concern.prescription, concern.medicine.name) == (None, "tramadol")
    assert set(concern.alert.involves) == {"tramadol", "phenelzine"}


def test_what_was_there_without_the_fact_is_nothing_new() -> None:
    before, again = listed("ibuprofen", at=NOON - DAY), listed("ibuprofen", "acetaminophen")
    assert check(LITHIUM, before, again, fact_id=again.fact_id) == []


def test_what_a_prescriber_accepted_when_it_was_ordered_is_nothing_new() -> None:
    sertraline, list_ = ours("sertraline", 50), listed("tramadol")
    alerts = [one.alert for one in raised(sertraline, list_, fact_id=list_.fact_id).concerns]
    assert alerts
    answers = tuple(
        Override(rule=one.rule, involves=one.involves, reason=OverrideReason.WILL_MONITOR) for one in alerts
    )
    screening = replace(p.SCREENING, alerts=_stored(sertraline, list_))
    decided = replace(sertraline, capsule=replace(p.CAPSULE, screening=screening, overrides=answers))
    assert check(decided, list_, fact_id=list_.fact_id) == []


def _stored(issued: PrescriptionIssued, list_: MedicationsNoted) -> Any:
    """The alerts as the order's own check answers them."""
    chart = DECIDER.fold((*p.ASSESSED, issued, list_))
    asking = Asking(chart=chart, order=issued.order, as_of=TODAY, changing=issued.fact_id)
    return safety_check(asking, p.FRESH).alerts


def test_what_is_raised_and_stands_is_not_raised_twice() -> None:
    first = listed("ibuprofen", at=NOON - DAY)
    found = raised(LITHIUM, first, fact_id=first.fact_id, now=NOON - DAY)
    other = listed("ibuprofen", "lisinopril")
    assert rules(raised(LITHIUM, first, found, other, fact_id=other.fact_id)) == [("ddi.lithium-raas", "high")]
    assert check(LITHIUM, first, found, other, fact_id=first.fact_id, now=NOON - DAY) == []


def test_a_struck_cause_ends_its_concern() -> None:
    new = listed("ibuprofen")
    found = raised(LITHIUM, new, fact_id=new.fact_id)
    strike = replace(p.PHENELZINE_STRUCK, fact_id=new.fact_id)
    (end,) = check(LITHIUM, new, found, strike, fact_id=new.fact_id, cause=ConcernCause.STRIKE, now=NOON + DAY)
    assert isinstance(end, ConcernEnded)
    assert (end.concern, end.because, end.settles) == (found.concerns[0].concern, "fact-struck", found.fact_id)


def test_a_stopped_prescription_ends_its_concern_and_a_new_list_that_of_the_list() -> None:
    new = listed("ibuprofen")
    found = raised(LITHIUM, new, fact_id=new.fact_id)
    stop = replace(p.DISCONTINUED, prescription=LITHIUM.fact_id, stopped_on=TODAY)
    (end,) = check(LITHIUM, new, found, stop, fact_id=stop.fact_id, cause=ConcernCause.DECISION, now=NOON + DAY)
    assert isinstance(end, ConcernEnded)
    assert end.because == "drug-stopped"
    later = listed(at=NOON + DAY)
    assert check(LITHIUM, new, found, later, fact_id=later.fact_id, now=NOON + DAY) == [], "its last day"
    (end,) = check(LITHIUM, new, found, later, fact_id=later.fact_id, now=NOON + 2 * DAY)
    assert isinstance(end, ConcernEnded)
    assert end.because == "not-found"


def test_of_several_only_the_last_end_settles_what_raised_them() -> None:
    new = listed("ibuprofen", "lisinopril")
    found = raised(LITHIUM, new, fact_id=new.fact_id)
    later = listed(at=NOON + DAY)
    ends = check(LITHIUM, new, found, later, fact_id=later.fact_id, now=NOON + 2 * DAY)
    assert [one.settles for one in ends if isinstance(one, ConcernEnded)] == [None, found.fact_id]


def test_facts_of_one_import_are_checked_together() -> None:
    first, second = listed("ibuprofen"), replace(PREGNANT, fact_id=fact("imported pregnancy"))
    found = raised(LITHIUM, VALPROATE, first, second, fact_id=first.fact_id, cause=ConcernCause.IMPORT)
    assert found.concerns[0].alert.rule == "pregnancy.valproate", "the gravest first"
    assert "ddi.lithium-nsaid" in dict(rules(found))


def test_a_prescriber_who_decided_after_the_fact_was_recorded_saw_it() -> None:
    """What was parked or noted late is no news to who ordered with it in sight."""
    late = listed("ibuprofen", at=NOON - DAY)
    issued_since = replace(LITHIUM, occurred_at=NOON)
    alerts = _stored(issued_since, late)
    assert alerts
    saw = replace(issued_since, capsule=replace(p.CAPSULE, screening=replace(p.SCREENING, alerts=alerts)))
    assert check(saw, late, fact_id=late.fact_id, now=NOON - DAY) == []


def test_a_new_prescription_is_held_against_the_others_and_what_its_order_said_is_known() -> None:
    ibuprofen = replace(ours("ibuprofen", 600), occurred_at=NOON)
    chart = (LITHIUM, ibuprofen)
    assert rules(raised(*chart, fact_id=ibuprofen.fact_id, cause=ConcernCause.DECISION)) == [
        ("ddi.lithium-nsaid", "high")
    ]
    fold = DECIDER.fold((*p.ASSESSED, *chart))
    assert fold.prescription(ibuprofen.fact_id) is not None


# Answers


def answer(code: str, *history: Event, now: datetime = NOON, **more: Any) -> ConcernAnswered:
    (found,) = when(code, *history, now=now, **more).decided
    assert isinstance(found, ConcernAnswered)
    return found


def when(code: str, *history: Event, now: datetime = NOON, **more: Any) -> Any:
    (last,) = [one for one in history if isinstance(one, ConcernsRaised)][-1:]
    command = replace(
        p.ANSWER_CONCERN,
        concern=last.concerns[0].concern,
        answer=ConcernAnswerCode(code),
        occurred_at=now,
        now=now,
        **more,
    )
    return given(DECIDER, *p.ASSESSED, *history).when(DECISIONS[type(command)], command)


NSAID = listed("ibuprofen")
HIGH = (LITHIUM, NSAID, raised(LITHIUM, NSAID, fact_id=NSAID.fact_id))
IN_HOSPITAL: dict[str, Any] = {
    "reason": OverrideReason.NO_ALTERNATIVE,
    "comment": "in hospital, desensitised",
}
FORBIDDEN = (LAMOTRIGINE, SJS, raised(LAMOTRIGINE, SJS, fact_id=SJS.fact_id))


@pytest.mark.parametrize("code", ["dose-changed", "stopped", "fact-wrong"])
def test_an_act_that_does_not_show_within_a_day_is_raised_again(code: str) -> None:
    given_ = answer(code, *HIGH)
    assert (given_.look_again_at, given_.settles) == (NOON + DAY, HIGH[-1].fact_id)
    again, end = check(*HIGH, given_, fact_id=given_.fact_id, cause=ConcernCause.ANSWER, now=NOON + DAY)
    assert isinstance(again, ConcernsRaised)
    assert isinstance(end, ConcernEnded)
    assert (rules(again), end.because) == ([("ddi.lithium-nsaid", "high")], "raised-again")


def test_an_act_that_shows_ends_it() -> None:
    given_ = answer("stopped", *HIGH)
    stop = replace(p.DISCONTINUED, prescription=LITHIUM.fact_id, stopped_on=TODAY)
    ends = check(*HIGH, given_, stop, fact_id=given_.fact_id, cause=ConcernCause.ANSWER, now=NOON + DAY)
    assert [type(one) for one in ends] == [ConcernEnded]


@pytest.mark.parametrize("code", ["plan", "monitoring"])
@pytest.mark.parametrize(("days", "refused"), [(None, True), (-1, True), (0, False), (366, False), (367, True)])
def test_a_plan_or_monitoring_says_until_when(code: str, days: int | None, refused: bool) -> None:
    by_when = None if days is None else TODAY + timedelta(days=days)
    outcome = when(code, *HIGH, by_when=by_when, comment="level in a week")
    if refused:
        assert outcome.then_refused("by-when-required").field == "by_when"
    else:
        assert by_when is not None
        (found,) = outcome.decided
        assert found.look_again_at.date() == by_when + DAY, "midnight of the next day, in UTC"


def test_what_is_accepted_needs_a_reason_that_fits_and_stays_accepted() -> None:
    when("accepted", *HIGH).then_refused("reason-required")
    found = answer("accepted", *HIGH, reason=OverrideReason.WILL_MONITOR, comment="levels weekly")
    assert found.look_again_at is None
    other = listed("ibuprofen", "acetaminophen", at=NOON + DAY)
    assert check(*HIGH, found, other, fact_id=other.fact_id, now=NOON + DAY) == []


@pytest.mark.parametrize(
    ("second", "slug"), [("", "second-needed"), (PRESCRIBER, "second-needed"), ("stranger", "second-not-in-team")]
)
def test_a_contraindication_is_accepted_by_two(second: str, slug: str) -> None:
    reason = IN_HOSPITAL
    when("accepted", *FORBIDDEN, p.SECOND_CAME, second=second, **reason).then_refused(slug)
    found = answer("accepted", *FORBIDDEN, p.SECOND_CAME, second="ph.ng", **reason)
    assert (found.second, found.look_again_at) == ("ph.ng", NOON + 30 * DAY)


def test_who_left_the_team_is_no_second() -> None:
    left = replace(LEFT_NOTED, person="ph.ng", role=p.SECOND_CAME.role, effective_from=NOON - DAY)
    reason: dict[str, Any] = {
        "reason": OverrideReason.NO_ALTERNATIVE,
        "comment": "in hospital, desensitised",
        "second": "ph.ng",
    }
    when("accepted", *FORBIDDEN, p.SECOND_CAME, left, **reason).then_refused("second-not-in-team")


def test_an_accepted_contraindication_returns_after_thirty_days() -> None:
    reason: dict[str, Any] = {
        "reason": OverrideReason.NO_ALTERNATIVE,
        "comment": "in hospital, desensitised",
        "second": "ph.ng",
    }
    history = (*FORBIDDEN, p.SECOND_CAME)
    given_ = answer("accepted", *history, **reason)
    again, _end = check(*history, given_, fact_id=given_.fact_id, cause=ConcernCause.ANSWER, now=NOON + 30 * DAY)
    assert isinstance(again, ConcernsRaised)


def test_monitoring_is_no_answer_to_a_contraindication() -> None:
    when("monitoring", *FORBIDDEN, by_when=TODAY + DAY).then_refused("answer-does-not-fit")


def test_what_is_answered_ended_or_unknown_is_not_answered_again() -> None:
    given_ = answer("stopped", *HIGH)
    command = replace(p.ANSWER_CONCERN, fact_id=fact("another"), concern=HIGH[-1].concerns[0].concern)
    asked = given(DECIDER, *p.ASSESSED, *HIGH, given_).when(DECISIONS[type(command)], command)
    asked.then_refused("concern-answered")
    unknown = given(DECIDER, *p.ASSESSED).when(DECISIONS[type(command)], command)
    unknown.then_refused("concern-not-known")


def test_a_struck_answer_lets_the_concern_be_open_again() -> None:
    given_ = answer("stopped", *HIGH)
    chart = DECIDER.fold((*p.ASSESSED, *HIGH, given_, replace(p.STRUCK, fact_id=given_.fact_id)))
    assert chart.concerns.answer(HIGH[-1].concerns[0].concern, chart.struck) is None


@pytest.mark.parametrize("history", [HIGH, FORBIDDEN], ids=["high", "contraindicated"])
def test_what_was_raised_is_raised_again_on_what_was_known_then(history: tuple[Any, ...]) -> None:
    *facts, found = history
    stream = (*p.ASSESSED, *facts)
    assert found.capsule.stream_version == len(stream)
    later = [*stream, found, listed(at=NOON + DAY)]
    again = raised_again(found, DECIDER.fold(later[: found.capsule.stream_version]))
    assert [(one.prescription, one.medicine, one.alert) for one in again] == [
        (one.prescription, one.medicine, one.alert) for one in found.concerns
    ]
