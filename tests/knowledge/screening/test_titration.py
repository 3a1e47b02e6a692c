"""The ledger of lamotrigine: each step's first and last day, by what is taken beside it; doses given too soon."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloop.knowledge.pack.pack import current_pack, load
from careloop.knowledge.pack.shapes.follow_up import GapRule, Titration
from careloop.knowledge.screening.titration import (
    DayDose,
    DoseStep,
    ledger,
    restart_days,
    step_on,
    titration_of,
    too_soon,
)
from tests.support.knowledge import data_with

START = date(2026, 1, 5)


def day(number: int) -> date:
    return START + timedelta(days=number)


def beside(*drugs: str) -> Titration:
    found = titration_of("lamotrigine", drugs, START)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("drugs", "rule"),
    [
        ((), "titration.lamotrigine"),
        (("lamotrigine", "sertraline"), "titration.lamotrigine"),
        (("valproate",), "titration.lamotrigine-valproate"),
        (("carbamazepine",), "titration.lamotrigine-inducer"),
        (("phenytoin",), "titration.lamotrigine-inducer"),
        (("carbamazepine", "valproate"), "titration.lamotrigine-valproate"),
    ],
)
def test_which_way_up_goes_by_what_is_taken(drugs: tuple[str, ...], rule: str) -> None:
    assert beside(*drugs).id == rule


def test_other_drugs_have_no_fixed_way_and_old_days_no_rule() -> None:
    assert titration_of("sertraline", (), START) is None
    assert titration_of("lamotrigine", (), date(1999, 12, 31)) is None


@pytest.mark.parametrize(
    ("drugs", "number", "dose", "every"),
    [
        ((), 0, 25, 1), ((), 13, 25, 1), ((), 14, 50, 1), ((), 27, 50, 1), ((), 28, 100, 1), ((), 34, 100, 1),
        ((), 35, 200, 1), ((), 999, 200, 1),
        (("valproate",), 0, 25, 2), (("valproate",), 13, 25, 2), (("valproate",), 14, 25, 1),
        (("valproate",), 27, 25, 1), (("valproate",), 28, 50, 1), (("valproate",), 35, 100, 1),
        (("phenytoin",), 0, 50, 1), (("phenytoin",), 14, 100, 1), (("phenytoin",), 28, 200, 1),
        (("phenytoin",), 35, 300, 1), (("phenytoin",), 42, 400, 1),
    ],
)  # fmt: skip
def test_the_dose_of_each_day(drugs: tuple[str, ...], number: int, dose: int, every: int) -> None:
    step = step_on(beside(*drugs), START, day(number))
    assert step is not None
    assert (int(step.dose_mg), step.every_days) == (dose, every)


def test_before_the_start_there_is_no_step() -> None:
    assert step_on(beside(), START, day(-1)) is None


def test_the_ledger_by_date() -> None:
    assert ledger(beside(), START) == (
        DoseStep(from_on=day(0), to_on=day(13), dose_mg=Decimal(25), every_days=1),
        DoseStep(from_on=day(14), to_on=day(27), dose_mg=Decimal(50), every_days=1),
        DoseStep(from_on=day(28), to_on=day(34), dose_mg=Decimal(100), every_days=1),
        DoseStep(from_on=day(35), to_on=None, dose_mg=Decimal(200), every_days=1),
    )


def given_on(*doses: tuple[int, int]) -> list[DayDose]:
    return [DayDose(on=day(number), dose_mg=Decimal(mg)) for number, mg in doses]


@pytest.mark.parametrize(
    ("doses", "found"),
    [
        ([(13, 25), (14, 50)], []),
        ([(13, 50)], [(13, 50)]),
        ([(14, 51)], [(14, 51)]),
        ([(0, 12), (40, 201)], [(40, 201)]),
        ([(-1, 900)], []),
        ([(3, 0)], []),
        ([(3, 25), (3, 25)], [(3, 25)]),
        ([(20, 100), (5, 100)], [(5, 100), (20, 100)]),
    ],
)
def test_doses_above_their_step(doses: list[tuple[int, int]], found: list[tuple[int, int]]) -> None:
    assert list(too_soon(beside(), START, given_on(*doses))) == given_on(*found)


@pytest.mark.parametrize(
    ("doses", "found"),
    [
        ([(0, 25), (2, 25), (4, 25)], []),
        ([(0, 25), (1, 25)], [(1, 25)]),
        ([(0, 25), (1, 0), (2, 25)], []),
        ([(1, 25), (4, 25), (5, 25)], [(5, 25)]),
        ([(12, 25), (13, 25), (14, 25), (15, 25)], [(13, 25)]),
        ([(-1, 25), (0, 25)], [(0, 25)]),
    ],
)
def test_beside_valproate_every_other_day(doses: list[tuple[int, int]], found: list[tuple[int, int]]) -> None:
    assert list(too_soon(beside("valproate"), START, given_on(*doses))) == given_on(*found)


@given(st.dates(), st.lists(st.builds(DayDose, on=st.dates(), dose_mg=st.decimals(0, 900)), max_size=5))
def test_no_date_or_dose_makes_it_raise(start: date, doses: list[DayDose]) -> None:
    assert set(too_soon(beside(), start, doses)) <= set(doses)


def test_a_treatment_is_under_way_until_the_gap_that_begins_it_anew() -> None:
    assert restart_days("lamotrigine", START, current_pack()) == 5
    longer = load(data_with("gaps.yaml", "drugs: [lamotrigine], from_days: 5", "drugs: [lamotrigine], from_days: 8"))
    assert restart_days("lamotrigine", START, longer) == 8
    assert restart_days("clozapine", START, current_pack()) == 2
    assert {gap.id for gap in current_pack().entries(GapRule) if not gap.restarts_titration} == {
        "gap.clozapine-monitoring",
        "gap.lamotrigine-inducer-restart",
    }


def test_a_limit_for_a_start_says_of_a_gap_what_the_gaps_say() -> None:
    pack = current_pack()
    starts = [(rule, rule.when) for rule in pack.doses if rule.when is not None and rule.when.starting]
    judged = set()
    for rule, when in starts:
        for drug in rule.drugs:
            gaps = {gap.from_days for gap in pack.entries(GapRule) if pack.among(drug, gap.drugs)}
            assert not gaps or when.restart_days in gaps, rule.id
            judged |= {drug} if gaps else set()
    assert judged == {"clozapine", "lamotrigine"}
