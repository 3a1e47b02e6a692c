"""A list is not silently replaced: what would drop out is asked about, and one entry more has a call of its own."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from msgspec import UNSET

from careloop.contracts.assessment import (
    AllergiesRecorded,
    Allergy,
    AllergyType,
    Criticality,
    CurrentMedication,
    MedicationsReconciled,
    Plan,
    PlanProposed,
    ProposedMedication,
)
from careloop.contracts.terms import Medicine
from careloop.kernel.errors import NeedsConfirmation
from services.assessment.domain.decisions import DECISIONS
from services.assessment.domain.state import DECIDER
from tests.support.controls import assessment as a
from tests.support.specification import given


def allergy(name: str, kind: AllergyType = AllergyType.ALLERGY) -> Allergy:
    return Allergy(substance=Medicine(name=name), type=kind, criticality=Criticality.HIGH)


def takes(name: str, **days: Any) -> CurrentMedication:
    return CurrentMedication(medicine=Medicine(name=name), source="client", **days)


LAMOTRIGINE = replace(a.ALLERGIES, allergies=(allergy("lamotrigine"),))
LISTED = replace(a.MEDICATIONS, medications=(takes("phenelzine"), takes("lisinopril", stopped_on=a.MONDAY.date())))
PLANNED = replace(
    a.PLAN_PROPOSED,
    plan=Plan(
        medications=(ProposedMedication(medicine=Medicine(name="sertraline")),),
        therapies=("individual therapy",),
        goals=("to sleep",),
    ),
)


def when(command: Any, *facts: Any) -> Any:
    later = replace(command, fact_id=a.fact("the new one"), occurred_at=a.TUESDAY)
    return given(DECIDER, a.ENROLLED, *facts).when(DECISIONS[type(command)], later)


def dropping(command: Any, *facts: Any) -> tuple[str, ...]:
    """What the list would drop; the same list is recorded once that is confirmed."""
    refusal = when(command, *facts).then_refused("needs-confirmation")
    assert isinstance(refusal, NeedsConfirmation)
    assert when(replace(command, confirm_removal=True), *facts).decided
    return refusal.entries


def test_peanut_does_not_replace_lamotrigine() -> None:
    peanut = replace(a.RECORD_ALLERGIES, allergies=(allergy("peanut"),))
    assert dropping(peanut, LAMOTRIGINE) == ("lamotrigine (allergy)",)
    none = replace(a.RECORD_ALLERGIES, allergies=(), no_known_allergies=True)
    assert dropping(none, LAMOTRIGINE) == ("lamotrigine (allergy)",)


def test_an_allergy_that_becomes_an_intolerance_is_asked_about() -> None:
    weaker = replace(a.RECORD_ALLERGIES, allergies=(allergy("lamotrigine", AllergyType.INTOLERANCE),))
    assert dropping(weaker, LAMOTRIGINE) == ("lamotrigine (allergy)",)


@pytest.mark.parametrize("name", ["Lamotrigine", "lamotrigine 25 MG Oral Tablet", "Lamictal"])
def test_a_list_that_names_all_of_it_is_recorded_however_it_is_written(name: str) -> None:
    command = replace(a.RECORD_ALLERGIES, allergies=(allergy("peanut"), allergy(name)))
    (recorded,) = when(command, LAMOTRIGINE).decided
    assert recorded.allergies == command.allergies


def test_a_medicine_still_taken_does_not_drop_out_but_one_that_was_stopped_may() -> None:
    other = replace(a.RECONCILE, medications=(takes("ibuprofen"),))
    assert dropping(other, LISTED) == ("phenelzine",)
    ended = replace(other, medications=(takes("phenelzine", stopped_on=a.MONDAY.date()),))
    assert when(ended, LISTED).decided, "the list says when it was stopped"
    assert dropping(replace(a.RECONCILE, medications=(), none_taken=True), LISTED) == ("phenelzine",)


def test_a_plan_keeps_what_nobody_took_out() -> None:
    other = replace(a.PROPOSE, plan=Plan(therapies=("Individual therapy", "group")))
    assert dropping(other, PLANNED) == ("sertraline", "to sleep")
    (changed,) = when(replace(other, confirm_removal=True), PLANNED).decided
    assert changed.replaces == PLANNED.fact_id
    (first,) = when(other).decided
    assert first.replaces is UNSET


def test_a_list_of_an_earlier_day_replaces_nothing_and_is_recorded() -> None:
    for command, fact in (
        (replace(a.RECORD_ALLERGIES, allergies=(allergy("peanut"),)), LAMOTRIGINE),
        (replace(a.RECONCILE, medications=(takes("ibuprofen"),)), LISTED),
        (replace(a.PROPOSE, plan=Plan(therapies=("group",))), PLANNED),
    ):
        earlier = replace(command, fact_id=a.fact("earlier"), occurred_at=fact.occurred_at - timedelta(days=1))
        (recorded,) = given(DECIDER, a.ENROLLED, fact).when(DECISIONS[type(command)], earlier).decided
        assert getattr(recorded, "replaces", UNSET) is UNSET


def test_a_list_that_was_struck_is_not_asked_about() -> None:
    struck = replace(a.STRUCK, fact_id=LAMOTRIGINE.fact_id)
    assert when(replace(a.RECORD_ALLERGIES, allergies=(allergy("peanut"),)), LAMOTRIGINE, struck).decided


def test_one_allergy_more_leaves_the_others_where_they_are() -> None:
    (recorded,) = when(a.ADD_ALLERGY, a.ALLERGIES).decided
    assert isinstance(recorded, AllergiesRecorded)
    assert recorded.allergies == (*a.ALLERGIES.allergies, a.ADD_ALLERGY.allergy)
    again = replace(a.ADD_ALLERGY, allergy=replace(allergy("Lamictal"), reaction="blisters"))
    (corrected,) = when(again, LAMOTRIGINE).decided
    assert [one.reaction for one in corrected.allergies] == ["blisters"]
    none = replace(a.ALLERGIES, allergies=(), no_known_allergies=True)
    (first,) = when(a.ADD_ALLERGY, none).decided
    assert (first.allergies, first.no_known_allergies) == ((a.ADD_ALLERGY.allergy,), False)


def test_one_medicine_more_leaves_the_others_where_they_are() -> None:
    (recorded,) = when(a.ADD_MEDICATION, LISTED).decided
    assert isinstance(recorded, MedicationsReconciled)
    assert recorded.medications == (*LISTED.medications, a.ADD_MEDICATION.medication)
    ended = replace(a.ADD_MEDICATION, medication=takes("Nardil", stopped_on=a.TUESDAY.date()))
    (corrected,) = when(ended, LISTED).decided
    assert [one.medicine.name for one in corrected.medications] == ["lisinopril", "Nardil"]
    impossible = replace(ended, medication=takes("Nardil", stopped_on=a.NOW.date() + timedelta(days=1)))
    assert when(impossible, LISTED).then_refused("in-the-future").field == "medication.stopped_on"


def test_more_of_a_plan_leaves_the_rest_where_it_is() -> None:
    more = Plan(medications=(ProposedMedication(medicine=Medicine(name="Zoloft")),), therapies=("group",))
    (recorded,) = when(replace(a.ADD_TO_PLAN, plan=more), PLANNED).decided
    assert isinstance(recorded, PlanProposed)
    assert recorded.plan == Plan(
        medications=more.medications, therapies=("individual therapy", "group"), goals=("to sleep",)
    )
    assert recorded.replaces == PLANNED.fact_id
    when(replace(a.ADD_TO_PLAN, plan=Plan()), PLANNED).then_refused("plan-empty")


@pytest.mark.parametrize(
    ("command", "slug"),
    [(a.ADD_ALLERGY, "no-list-yet"), (a.ADD_MEDICATION, "no-list-yet"), (a.ADD_TO_PLAN, "no-plan-yet")],
)
def test_an_entry_alone_is_no_list(command: Any, slug: str) -> None:
    when(command).then_refused(slug)


def test_an_entry_of_an_earlier_moment_comes_to_the_list_as_it_is() -> None:
    """Otherwise the list of the later moment would go on without it."""
    for command, fact in ((a.ADD_ALLERGY, a.ALLERGIES), (a.ADD_MEDICATION, LISTED), (a.ADD_TO_PLAN, PLANNED)):
        newest = replace(fact, occurred_at=a.TUESDAY)
        earlier = replace(command, occurred_at=a.MONDAY)
        (recorded,) = given(DECIDER, a.ENROLLED, newest).when(DECISIONS[type(command)], earlier).decided
        assert recorded.occurred_at == a.TUESDAY
