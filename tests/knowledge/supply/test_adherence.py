"""Days covered: shifted overlaps, classes, hospital days, the edges of the period, and laws that hold for any fills."""

import json
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from careloop.cli.main import app
from careloop.kernel.errors import InvalidInput
from careloop.knowledge.supply.adherence import Adherence, CoveredPeriod, Fill, adherence, covered_days, supply_spans
from tests.support.refusals import refused_field

YEAR = CoveredPeriod(start=date(2018, 1, 1), end=date(2018, 12, 31))
RUN = CliRunner()


def fill(month: int, day: int, days: int = 30, drug: str = "sertraline", year: int = 2018) -> Fill:
    return Fill(drug=drug, on=date(year, month, day), days_supply=days)


def stay(month: int, day: int, to: int) -> CoveredPeriod:
    return CoveredPeriod(start=date(2018, month, day), end=date(2018, month, to))


def test_a_fill_while_supply_is_left_starts_when_it_ends() -> None:
    # The worked example of the Pharmacy Quality Alliance: 90 days filled on 25 March are taken from 1 April.
    spans = supply_spans([fill(1, 1, 90), fill(3, 25, 90)])
    assert spans == [(date(2018, 1, 1), date(2018, 3, 31)), (date(2018, 4, 1), date(2018, 6, 29))]


def test_a_fill_after_a_gap_starts_on_its_own_day() -> None:
    assert supply_spans([fill(1, 1, 30), fill(1, 31, 30), fill(3, 3, 1)]) == [
        (date(2018, 1, 1), date(2018, 1, 30)),
        (date(2018, 1, 31), date(2018, 3, 1)),
        (date(2018, 3, 3), date(2018, 3, 3)),
    ]


def test_the_period_counted_starts_at_its_first_fill() -> None:
    found = adherence(YEAR, [fill(1, 10, 30)])
    assert (found.days_in_period, found.days_covered) == (356, 30)
    assert found.pdc == Fraction(30, 356)


@pytest.mark.parametrize(
    ("fills", "covered", "days", "mpr", "run_out"),
    [
        ([fill(12, 31, 1)], 1, 1, Fraction(1), date(2018, 12, 31)),
        ([fill(12, 31, 30)], 1, 1, Fraction(30), date(2019, 1, 29)),
        ([fill(1, 1, 365)], 365, 365, Fraction(1), date(2018, 12, 31)),
        ([fill(1, 1, 30), fill(1, 1, 30)], 60, 365, Fraction(60, 365), date(2018, 3, 1)),
        ([fill(1, 1, 30), fill(1, 1, 30, "bupropion")], 30, 365, Fraction(60, 365), date(2018, 1, 30)),
        ([fill(1, 1, 30), fill(1, 20, 30, "bupropion")], 49, 365, Fraction(60, 365), date(2018, 2, 18)),
        ([fill(12, 31, 30, year=2017), fill(1, 2, 30)], 30, 364, Fraction(30, 364), date(2018, 1, 31)),
        ([fill(12, 31, 5), fill(1, 1, 30, year=2019)], 1, 1, Fraction(5), date(2019, 1, 4)),
        ([fill(6, 1, 0)], 0, 214, Fraction(0), None),
    ],
)
def test_what_fills_cover(fills: list[Fill], covered: int, days: int, mpr: Fraction, run_out: date | None) -> None:
    assert adherence(YEAR, fills) == Adherence(
        pdc=Fraction(covered, days), days_covered=covered, days_in_period=days, mpr=mpr, run_out_on=run_out
    )


def test_without_a_fill_in_the_period_nothing_is_counted() -> None:
    nothing = Adherence(pdc=None, days_covered=0, days_in_period=0, mpr=None, run_out_on=None)
    assert adherence(YEAR, []) == nothing
    assert adherence(YEAR, [fill(12, 31, 30, year=2017), fill(1, 1, 30, year=2019)]) == nothing
    assert nothing.adherent is None


@pytest.mark.parametrize(
    ("stays", "covered", "days"),
    [
        ((stay(1, 10, 14),), 25, 360),
        ((stay(1, 10, 14), stay(1, 12, 16)), 23, 358),
        ((stay(1, 30, 31),), 29, 363),
        ((CoveredPeriod(start=date(2017, 12, 1), end=date(2018, 1, 1)),), 29, 364),
        ((CoveredPeriod(start=date(2018, 12, 31), end=date(2019, 2, 1)),), 30, 364),
        ((CoveredPeriod(start=date(2019, 1, 1), end=date(2019, 2, 1)),), 30, 365),
    ],
)
def test_days_in_hospital_count_neither_as_covered_nor_as_days(
    stays: tuple[CoveredPeriod, ...], covered: int, days: int
) -> None:
    found = adherence(YEAR, [fill(1, 1, 30)], stays)
    assert (found.days_covered, found.days_in_period) == (covered, days)
    assert found.mpr == Fraction(30, days)
    assert found.run_out_on == date(2018, 1, 30)


def test_a_period_wholly_in_hospital_has_no_share() -> None:
    found = adherence(YEAR, [fill(1, 1, 30)], [YEAR])
    assert (found.pdc, found.mpr, found.days_in_period, found.adherent) == (None, None, 0, None)


@pytest.mark.parametrize(("days", "adherent"), [(79, False), (80, True), (81, True)])
def test_adherent_means_four_days_in_five(days: int, adherent: bool) -> None:
    hundred = CoveredPeriod(start=date(2018, 1, 1), end=date(2018, 4, 10))
    assert adherence(hundred, [fill(1, 1, days)]).adherent is adherent


@pytest.mark.parametrize(
    ("period", "fills", "stays", "slug", "field"),
    [
        (CoveredPeriod(start=date(2018, 1, 2), end=date(2018, 1, 1)), [], [], "period-out-of-range", "period.end"),
        (CoveredPeriod(start=date(1899, 12, 31), end=date(2018, 1, 1)), [], [], "period-out-of-range", "period.end"),
        (CoveredPeriod(start=date(2018, 1, 1), end=date(2200, 1, 1)), [], [], "period-out-of-range", "period.end"),
        (YEAR, [], [YEAR, stay(1, 2, 1)], "period-out-of-range", "inpatient[1].end"),
        (YEAR, [fill(1, 1, -1)], [], "out-of-range", "fills[0].days_supply"),
        (YEAR, [fill(1, 1), fill(1, 1, 1001)], [], "out-of-range", "fills[1].days_supply"),
        (YEAR, [fill(1, 1, 1000)] * 101, [], "out-of-range", "fills"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(
    period: CoveredPeriod, fills: list[Fill], stays: list[CoveredPeriod], slug: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        adherence(period, fills, stays)
    assert (refused.value.slug, refused.value.field) == (slug, field)
    assert field in refused.value.sentence


def test_the_widest_believable_input_is_answered() -> None:
    century = CoveredPeriod(start=date(1900, 1, 1), end=date(2199, 12, 31))
    assert adherence(century, [fill(1, 1, 1000)] * 100).days_covered > 66_000
    assert adherence(CoveredPeriod(start=YEAR.start, end=YEAR.start), [fill(1, 1, 1)]).pdc == 1


FILLS = st.lists(
    st.builds(
        Fill,
        drug=st.sampled_from("ab"),
        on=st.dates(date(2017, 11, 1), date(2019, 2, 1)),
        days_supply=st.integers(0, 100),
    ),
    max_size=8,
)
STAYS = st.lists(
    st.builds(
        lambda start, days: CoveredPeriod(start=start, end=start + timedelta(days=days)),
        st.dates(date(2017, 11, 1), date(2019, 2, 1)),
        st.integers(0, 40),
    ),
    max_size=3,
)


@given(FILLS, STAYS, st.randoms())
def test_the_order_of_lists_does_not_matter(fills: list[Fill], stays: list[CoveredPeriod], random: Any) -> None:
    mixed, other = random.sample(fills, len(fills)), random.sample(stays, len(stays))
    assert adherence(YEAR, fills, stays) == adherence(YEAR, mixed, other)


@given(FILLS, STAYS)
def test_a_share_of_days_is_between_nothing_and_all(fills: list[Fill], stays: list[CoveredPeriod]) -> None:
    found = adherence(YEAR, fills, stays)
    assert found.pdc is None or 0 <= found.pdc <= 1
    assert found.days_covered <= found.days_in_period <= 365
    assert found.mpr is None or found.mpr >= 0


@given(FILLS, STAYS, st.integers(0, 7), st.integers(0, 100))
def test_more_supply_never_covers_fewer_days(
    fills: list[Fill], stays: list[CoveredPeriod], which: int, more: int
) -> None:
    larger = [
        replace(one, days_supply=one.days_supply + more) if index == which else one for index, one in enumerate(fills)
    ]
    assert covered_days(fills) <= covered_days(larger)
    assert adherence(YEAR, fills, stays).days_covered <= adherence(YEAR, larger, stays).days_covered


@given(FILLS, st.integers(0, 100))
def test_another_fill_after_the_first_never_covers_fewer_days(fills: list[Fill], days: int) -> None:
    later = [one for one in fills if one.on >= YEAR.start] + [fill(12, 31, days, "a")]
    assert adherence(YEAR, later[:-1]).days_covered <= adherence(YEAR, later).days_covered


@given(
    st.builds(CoveredPeriod, start=st.dates(), end=st.dates()),
    st.lists(st.builds(Fill, drug=st.text(), on=st.dates(), days_supply=st.integers()), max_size=4),
    st.lists(st.builds(CoveredPeriod, start=st.dates(), end=st.dates()), max_size=2),
)
def test_nothing_but_the_documented_refusal_comes_of_any_dates(
    period: CoveredPeriod, fills: list[Fill], stays: list[CoveredPeriod]
) -> None:
    field = refused_field(lambda: adherence(period, fills, stays))
    assert field is None or field.startswith(("period", "fills", "inpatient"))


QUESTION: dict[str, Any] = {
    "period": {"start": "2018-01-01", "end": "2018-12-31"},
    "inpatient": [{"start": "2018-02-01", "end": "2018-02-02"}],
    "fills": [
        {"drug": "Zoloft", "on": "2018-01-10", "days_supply": 90},
        {"drug": "sertraline 50 MG Oral Tablet", "on": "2018-04-01", "days_supply": 90},
        {"drug": "house blend", "on": "2018-12-31", "days_supply": 1},
    ],
}


def told(text: str, *options: str) -> Result:
    return RUN.invoke(app, ["adherence", "-", *options], input=text)


def test_the_answer_has_the_documented_shape() -> None:
    result = told(json.dumps(QUESTION))
    answer = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (0, "")
    assert list(answer) == ["pdc", "days_covered", "days_in_period", "mpr", "method", "run_out_on"]
    assert answer["method"].startswith("PDC over the days from the first fill")
    del answer["method"]
    assert answer == {
        "pdc": 0.5056, "days_covered": 179, "days_in_period": 354, "mpr": 0.5113, "run_out_on": "2018-12-31",
    }  # fmt: skip


def test_nothing_to_count_answers_null() -> None:
    answer = json.loads(told(json.dumps({**QUESTION, "fills": []})).stdout)
    assert (answer["pdc"], answer["mpr"], answer["run_out_on"]) == (None, None, None)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"period": {"start": "SECRET", "end": "2018-12-31"}}, "period.start"),
        ({"period": {"start": "2019-01-01", "end": "2018-12-31"}}, "period.end"),
        ({"period": None}, "period"),
        ({"inpatient": [{"start": "2019-01-01", "end": "2018-12-31"}]}, "inpatient[0].end"),
        ({"fills": [{"drug": "SECRET", "on": "2018-01-10"}]}, "days_supply"),
        ({"fills": [{"drug": "SECRET", "on": "2018-01-10", "days_supply": "SECRET"}]}, "fills"),
        ({"fills": [{"drug": "SECRET", "on": "2018-01-10", "days_supply": -1}]}, "fills[0].days_supply"),
        ({"fills": [{"drug": " ", "on": "2018-01-10", "days_supply": 1}]}, "fills[0].drug"),
        ({"SECRET": 1}, "the input"),
    ],
)
def test_what_is_not_as_described_is_named_and_not_repeated(change: dict[str, Any], said: str) -> None:
    result = told(json.dumps({**QUESTION, **change}))
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert result.stderr.startswith("careloop adherence: ")
    assert "SECRET" not in result.stderr


def test_lines_are_answered_in_order_and_a_bad_one_keeps_its_place() -> None:
    result = told("\n".join([json.dumps(QUESTION), "nonsense", json.dumps(QUESTION)]), "--lines")
    first, second, third = (json.loads(line) for line in result.stdout.splitlines())
    assert result.exit_code == 2
    assert first == third
    assert second == {"error": "the input is not JSON"}
    assert "line 2" in result.stderr
    assert told(json.dumps(QUESTION), "--lines").exit_code == 0
