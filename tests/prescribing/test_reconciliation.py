"""A reconciled list knows what we prescribed: the same medicine is one, and a difference is one to be answered."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from careloop.contracts.assessment import CurrentMedication, MedicationsReconciled
from careloop.contracts.prescribing import DiscrepancyKind
from careloop.contracts.terms import Medicine
from careloop.knowledge import chart as known
from services.prescribing.consumers import ComparingConsumer
from services.prescribing.domain import events
from services.prescribing.domain.dose_changes import change_dose
from services.prescribing.domain.orders import issue
from services.prescribing.domain.reconciliation import compare_list, resolve_discrepancy
from services.prescribing.domain.state import DECIDER
from tests.prescribing.serving import Log
from tests.support.charts import read
from tests.support.controls import prescribing as p
from tests.support.controls.moments import NOON, PATIENT, TODAY, YESTERDAY, event, fact
from tests.support.noting import received
from tests.support.specification import given

OURS = (*p.ASSESSED, p.BEGUN)


def takes(name: str, mg: str | None = None, **days: Any) -> CurrentMedication:
    return CurrentMedication(
        medicine=Medicine(name=name), daily_dose_mg=None if mg is None else Decimal(mg), source="client", **days
    )


def compared(*listed: CurrentMedication, facts: tuple[events.Event, ...] = OURS) -> list[Any]:
    return given(DECIDER, *facts).when(compare_list, replace(p.COMPARE, medications=listed)).decided


def noted(*medications: known.Medication) -> events.Event:
    return replace(
        p.NOTHING_TAKEN, fact_id=fact("newer"), evidence=event("newer"), medications=medications, occurred_at=YESTERDAY
    )


@pytest.mark.parametrize("name", ["sertraline", "Zoloft", "sertraline 50 MG Oral Tablet"])
def test_a_list_that_rightly_names_ours_is_matched_and_differs_in_nothing(name: str) -> None:
    (comparison,) = compared(takes(name, "50"), takes("ibuprofen", "400"))
    assert isinstance(comparison, events.ListCompared)
    assert [(one.prescription, one.medicine.name) for one in comparison.matched] == [(p.BEGUN.fact_id, name)]


@pytest.mark.parametrize(
    ("listed", "kind"),
    [
        ((takes("Zoloft", "25"),), DiscrepancyKind.DOSE),
        ((takes("Zoloft", "25"), takes("sertraline", "25")), None),
        ((takes("Zoloft", "25"), takes("sertraline")), None),
        ((takes("Zoloft"),), None),
        ((takes("Zoloft", "0"),), DiscrepancyKind.NOT_TAKING),
        ((takes("Zoloft", "50", stopped_on=TODAY),), DiscrepancyKind.STOPPED),
        ((takes("ibuprofen"),), DiscrepancyKind.NOT_LISTED),
        ((takes("Zoloft", stopped_on=TODAY - timedelta(days=60)), takes("ibuprofen")), DiscrepancyKind.NOT_LISTED),
        ((), DiscrepancyKind.NOT_TAKING),
    ],
)
def test_a_difference_is_a_discrepancy_of_its_kind(
    listed: tuple[CurrentMedication, ...], kind: DiscrepancyKind | None
) -> None:
    _comparison, *found = compared(*listed)
    assert [one.kind for one in found] == ([kind] if kind else [])


def test_a_discrepancy_says_what_was_prescribed_and_what_is_listed() -> None:
    assert given(DECIDER, *p.ASSESSED, p.ISSUED).when(compare_list, p.COMPARE).decided == [p.COMPARED, p.DISCREPANCY]
    (_, stopped) = compared(takes("Zoloft", "50", stopped_on=TODAY))
    assert (stopped.listed_stopped_on, stopped.listed_daily_dose_mg) == (TODAY, None)


@pytest.mark.parametrize(
    "facts",
    [
        (*OURS, replace(p.DISCONTINUED, stopped_on=TODAY)),
        (*OURS, replace(p.STRUCK, fact_id=p.BEGUN.fact_id)),
        (*p.ASSESSED, replace(p.BEGUN, occurred_at=NOON + timedelta(seconds=1))),
        (*p.ASSESSED, replace(p.BEGUN, order=replace(p.SERTRALINE_50, starts_on=TODAY + timedelta(days=1)))),
        p.ASSESSED,
    ],
)
def test_what_is_not_in_force_on_the_day_of_the_list_is_not_missed_there(facts: tuple[events.Event, ...]) -> None:
    (comparison,) = compared(takes("ibuprofen"), facts=facts)
    assert comparison.matched == ()


def test_a_list_is_compared_once_and_not_when_a_newer_one_or_a_strike_came_first() -> None:
    newer = replace(noted(), occurred_at=NOON + timedelta(hours=1))
    struck = replace(p.PHENELZINE_STRUCK, fact_id=p.LIST)
    for facts in ((*OURS, p.COMPARED), (*OURS, newer), (*OURS, struck)):
        assert compared(takes("ibuprofen"), facts=facts) == []


def test_our_own_medicine_on_a_list_is_no_second_one_for_the_check() -> None:
    facts = (*OURS, noted(known.Medication(name="Zoloft", daily_dose_mg=Decimal(50))))
    assert [one.name for one in read(facts).medications or ()] == [p.SERTRALINE_50.medicine.name]
    (changed,) = given(DECIDER, *facts).when(change_dose, p.CHANGE_TO_100).decided
    assert isinstance(changed, events.DoseChanged), "it is no duplicate of itself"


def test_a_list_that_says_it_was_stopped_does_not_end_it_for_the_check() -> None:
    facts = (*OURS, noted(known.Medication(name="Zoloft", stopped_on=YESTERDAY.date())))
    (taken,) = read(facts).medications or ()
    assert taken.stopped_on is None


def test_what_a_list_names_after_ours_had_ended_is_taken_from_elsewhere() -> None:
    ended = replace(p.DISCONTINUED, stopped_on=TODAY - timedelta(days=5))
    facts = (*OURS, ended, noted(known.Medication(name="Zoloft", daily_dose_mg=Decimal(50))))
    assert [(one.name, one.stopped_on) for one in read(facts).medications or ()] == [
        (p.SERTRALINE_50.medicine.name, TODAY - timedelta(days=5)),
        ("Zoloft", None),
    ]
    (decided,) = given(DECIDER, *facts).when(issue, replace(p.ISSUE_SERTRALINE, fact_id=fact("again"))).decided
    assert isinstance(decided, events.PrescriptionDeclined)


def test_a_prescriber_answers_a_discrepancy_once() -> None:
    facts = (*OURS, p.COMPARED, p.DISCREPANCY)
    given(DECIDER, *facts).when(resolve_discrepancy, p.RESOLVE).then(p.RESOLVED)
    again = replace(p.RESOLVE, fact_id=fact("again"))
    given(DECIDER, *facts, p.RESOLVED).when(resolve_discrepancy, again).then_refused("discrepancy-resolved")
    struck = replace(p.STRUCK, fact_id=p.RESOLVED.fact_id)
    assert given(DECIDER, *facts, p.RESOLVED, struck).when(resolve_discrepancy, again).decided
    given(DECIDER, *OURS).when(resolve_discrepancy, p.RESOLVE).then_refused("discrepancy-not-known")


async def test_every_list_is_compared_on_the_prescriptions_of_its_patient_in_the_order_they_come() -> None:
    log = Log()
    await log.tell(PATIENT, list(OURS))
    lists = [
        MedicationsReconciled(
            fact_id=fact(f"list {mg}"), medications=(takes("Zoloft", mg),), none_taken=False, occurred_at=NOON
        )
        for mg in ("25", "50")
    ]
    consumer = ComparingConsumer("prescribing.reconciliation", log.streams)
    wire_type = "care.assessment.MedicationsReconciled.v1"
    effects = await consumer.handle([received(wire_type, one, str(place)) for place, one in enumerate(lists)])
    stored = [log.streams.codec.decode(new.topic, new.state) for write in effects.writes for new in write.events]
    assert [type(one) for one in stored] == [events.ListCompared, events.DiscrepancyFound, events.ListCompared]
    assert [write.expected_version for write in effects.writes] == [len(OURS), len(OURS) + 2]
