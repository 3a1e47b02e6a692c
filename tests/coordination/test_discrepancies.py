"""Where the client's list and a prescription differ, until somebody answered or the prescription follows."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec import UNSET

from careloop.contracts.assessment import CurrentMedication
from careloop.contracts.prescribing import DiscrepancyKind
from careloop.contracts.terms import Medicine
from services.coordination.domain.view.discrepancies import Discrepancy
from tests.coordination.telling import view
from tests.support.controls import coordination as control
from tests.support.controls.coordination import week
from tests.support.controls.moments import fact
from tests.support.whole import unsaid

ZOLOFT = CurrentMedication(medicine=Medicine(name="Zoloft"), daily_dose_mg=Decimal(25), source="client")
LISTED = replace(control.LISTED, medications=(*control.LISTED.medications, ZOLOFT), occurred_at=week(2))
FOUND = (control.ISSUED, control.LIST_COMPARED, control.DISCREPANCY)


def shown(*told: Any, listed: Any = LISTED, more: tuple[Any, ...] = ()) -> tuple[Discrepancy, ...]:
    return view(assessment=(listed, *more), prescribing=told).discrepancies


def test_a_discrepancy_of_the_newest_list_says_all_of_it() -> None:
    expected = Discrepancy(
        fact_id=fact("discrepancy"),
        prescription=fact("issued"),
        kind="dose",
        medicine=control.SERTRALINE,
        prescribed_daily_dose_mg=Decimal(50),
        listed_daily_dose_mg=Decimal(25),
        listed_stopped_on=None,
        occurred_at=week(2),
        answer_by=week(2) + timedelta(hours=72),
        overdue=False,
    )
    assert shown(*FOUND) == (expected,)
    assert unsaid(expected) == ["listed_stopped_on", "overdue"]


def test_it_is_overdue_once_nobody_answered_in_time_and_has_no_time_where_none_was_said() -> None:
    (late,) = shown(*FOUND, control.DISCREPANCY_OVERDUE)
    assert late.overdue
    (struck,) = shown(*FOUND, control.DISCREPANCY_OVERDUE, control.struck(control.DISCREPANCY_OVERDUE))
    assert not struck.overdue
    (earlier,) = shown(*FOUND[:-1], replace(control.DISCREPANCY, answer_by=UNSET))
    assert (earlier.answer_by, earlier.overdue) == (None, False)


def test_what_the_list_says_of_our_prescription_is_no_second_medicine() -> None:
    told = view(assessment=(LISTED,), prescribing=(control.ISSUED, control.LIST_COMPARED)).medications.medications
    assert [one.medicine.name for one in told if one.source != "prescribed"] == [
        one.medicine.name for one in control.LISTED.medications
    ]
    alone = view(assessment=(LISTED,), prescribing=(control.ISSUED,)).medications.medications
    assert len(alone) == len(told) + 1, "until the list was compared"
    struck = (control.ISSUED, control.LIST_COMPARED, control.struck(control.ISSUED))
    left = view(assessment=(LISTED,), prescribing=struck).medications.medications
    assert "Zoloft" in [one.medicine.name for one in left]


@pytest.mark.parametrize(
    "then",
    [
        control.DISCREPANCY_RESOLVED,
        control.DISCONTINUED,
        control.struck(control.ISSUED),
        control.struck(control.DISCREPANCY),
        replace(control.CHANGED, to_daily_dose_mg=Decimal(25)),
    ],
)
def test_it_is_gone_once_it_is_answered_or_the_prescription_follows(then: Any) -> None:
    assert shown(*FOUND, then) == ()


def test_another_dose_than_the_list_has_does_not_settle_it_nor_does_a_struck_answer() -> None:
    assert shown(*FOUND, control.CHANGED)
    assert shown(*FOUND, control.DISCREPANCY_RESOLVED, control.struck(control.DISCREPANCY_RESOLVED))


def test_a_newer_list_speaks_for_itself_and_a_struck_one_for_nobody() -> None:
    newer = replace(LISTED, fact_id=fact("newer list"), occurred_at=week(3))
    assert shown(*FOUND, more=(newer,)) == ()
    assert shown(*FOUND, more=(control.struck(LISTED),)) == ()


def test_a_medicine_that_was_stopped_by_the_list_is_settled_by_its_end_alone() -> None:
    stopped = replace(
        control.DISCREPANCY,
        kind=DiscrepancyKind.STOPPED,
        listed_daily_dose_mg=None,
        listed_stopped_on=date(2026, 9, 13),
    )
    (found,) = shown(control.ISSUED, control.LIST_COMPARED, stopped, control.CHANGED)
    assert found.listed_stopped_on == date(2026, 9, 13)
    assert shown(control.ISSUED, control.LIST_COMPARED, stopped, control.DISCONTINUED) == ()
