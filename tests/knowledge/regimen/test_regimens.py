"""How a medicine is taken: the doses of each day, their totals, what is asked of the check, and what is refused."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloop.kernel.errors import InvalidInput
from careloop.knowledge.regimen.days import daily_dose_mg, daily_mg, doses_on, ends_on, phase_on
from careloop.knowledge.regimen.regimen import (
    DayTimes,
    Phase,
    Regimen,
    Weekday,
    ascends,
    mean_daily_mg,
    most_daily_mg,
    most_mg,
)
from careloop.knowledge.regimen.requiring import require_regimen
from careloop.knowledge.regimen.words import in_words
from tests.support.regimens import FIRST, dose, needed, phase, regimen, regimens

LITHIUM = regimen(phase(dose(300, "08:00"), dose(600, "20:00")))
LAMOTRIGINE = regimen(phase(dose(25), days=14, every_days=2), phase(dose(25), days=14))
PREDNISONE = regimen(phase(dose(40), days=5), phase(dose(20), days=5), phase(dose(10), days=5))
LORAZEPAM = regimen(phase(dose(1, "bedtime"), as_needed=needed("0.5", 3, hours_between=4)))


def day(number: int) -> date:
    """Days after the first."""
    return FIRST + timedelta(days=number)


def test_two_doses_of_a_day_add_up() -> None:
    assert daily_mg(LITHIUM, FIRST, FIRST) == 900
    assert [one.at for one in doses_on(LITHIUM, FIRST, day(400))] == ["08:00", "20:00"]


@pytest.mark.parametrize(
    ("on", "total"), [("12-01", 25), ("12-02", 0), ("12-13", 25), ("12-14", 0), ("12-15", 25), ("12-16", 25)]
)
def test_alternate_days_count_from_the_first_day_of_their_phase(on: str, total: int) -> None:
    assert daily_mg(LAMOTRIGINE, FIRST, date.fromisoformat(f"2026-{on}")) == total


def test_the_day_before_the_first_and_the_day_after_the_last_have_no_doses() -> None:
    assert daily_mg(PREDNISONE, FIRST, day(-1)) == 0
    assert [daily_mg(PREDNISONE, FIRST, day(number)) for number in (0, 4, 5, 9, 10, 14, 15)] == [
        40, 40, 20, 20, 10, 10, 0,
    ]  # fmt: skip
    assert ends_on(PREDNISONE, FIRST) == date(2026, 12, 15)
    assert phase_on(PREDNISONE, FIRST, date(2026, 12, 16)) is None
    assert daily_dose_mg(PREDNISONE, FIRST, date(2026, 12, 16)) == 0


def test_a_weekly_dose_waits_for_its_day_of_the_week() -> None:
    weekly = regimen(phase(dose(15), weekdays=(Weekday.MON,)))
    taken = [day(number) for number in range(1, 21) if daily_mg(weekly, day(1), day(number))]
    assert taken == [date(2026, 12, 7), date(2026, 12, 14), date(2026, 12, 21)]
    assert ends_on(weekly, FIRST) is None


def test_an_injection_every_four_weeks() -> None:
    monthly = regimen(phase(dose(400), every_days=28))
    assert [number for number in range(60) if daily_mg(monthly, FIRST, day(number))] == [0, 28, 56]


def test_the_dose_over_the_pattern_is_a_mean() -> None:
    assert mean_daily_mg(phase(dose(20), every_days=2)) == 10
    assert mean_daily_mg(phase(dose(7), weekdays=(Weekday.MON, Weekday.FRI))) == 2
    assert daily_dose_mg(LAMOTRIGINE, FIRST, day(3)) == Decimal("12.5")
    assert daily_dose_mg(LAMOTRIGINE, FIRST, day(14)) == 25


def test_the_check_is_asked_with_the_most_of_any_day_of_any_phase() -> None:
    assert most_mg(LORAZEPAM) == Decimal("2.5")
    assert most_mg(PREDNISONE) == 40
    assert most_mg(regimen(phase(dose(20), every_days=2))) == 20
    hidden = regimen(phase(dose(10), days=7), phase(days=7), phase(dose(10), as_needed=needed(10, 2)))
    assert most_mg(hidden) == 30


@pytest.mark.parametrize(
    ("phases", "rises"),
    [
        ((phase(dose(10), days=14), phase(dose(30))), True),
        ((phase(dose(30), days=14), phase(dose(10))), False),
        ((phase(dose(10), days=14), phase(dose(10))), False),
        ((phase(dose(10), days=14), phase(days=3), phase(dose(20))), True),
        ((phase(dose(20), days=14), phase(days=3), phase(dose(20))), False),
        ((phase(days=3), phase(dose(20))), False),
        ((phase(dose(25), days=14, every_days=2), phase(dose(25))), True),
        ((phase(dose(25), days=14), phase(dose(40), every_days=2)), True),
        ((phase(dose(10), days=14), phase(dose(10), as_needed=needed(1, 1))), True),
        ((phase(dose(10), days=14, as_needed=needed(5, 2)), phase(dose(10))), False),
    ],
)
def test_what_gives_more_later_ascends_pauses_looked_through(phases: tuple[Phase, ...], rises: bool) -> None:
    assert ascends(Regimen(phases=phases)) is rises


def test_doses_stand_in_the_order_of_the_clients_own_day() -> None:
    late_riser = DayTimes(morning="23:00")
    both = regimen(phase(dose(1, "morning"), dose(2, "noon")))
    assert [one.at for one in doses_on(both, FIRST, FIRST)] == ["morning", "noon"]
    assert [one.at for one in doses_on(both, FIRST, FIRST, late_riser)] == ["noon", "morning"]


def test_words() -> None:
    assert in_words(LITHIUM) == "300 mg at 08:00 and 600 mg at 20:00 every day."
    assert in_words(LAMOTRIGINE) == (
        "For 14 days, 25 mg in the morning every other day. Then for 14 days, 25 mg in the morning every day."
    )
    assert in_words(LORAZEPAM) == (
        "1 mg at bedtime every day; 0.5 mg if needed for anxiety, at most 3 times in 24 hours, at least 4 hours apart; "
        "never more than 2.5 mg in a day."
    )
    assert in_words(regimen(phase(dose(15), weekdays=(Weekday.FRI, Weekday.MON)))) == (
        "15 mg in the morning every Monday and Friday."
    )
    assert in_words(regimen(phase(dose(1, "noon"), days=1), phase(days=2), phase(as_needed=needed(1, 1)))) == (
        "For 1 day, 1 mg at noon every day. Then for 2 days, no doses. "
        "Then from that day on, 1 mg if needed for anxiety, at most once in 24 hours; never more than 1 mg in a day."
    )
    assert in_words(regimen(phase(dose(400, "evening"), every_days=28))) == "400 mg in the evening every 28 days."
    assert in_words(regimen(phase(dose(400), every_days=7))) == "400 mg in the morning once a week."


ONE = phase(dose(10))


@pytest.mark.parametrize(
    ("wrong", "slug", "field"),
    [
        (regimen(), "regimen-empty", "regimen.phases"),
        (regimen(phase(days=7)), "regimen-empty", "regimen.phases"),
        (regimen(*[replace(ONE, days=1)] * 41), "out-of-range", "regimen.phases"),
        (regimen(ONE, ONE), "regimen-open-phase", "regimen.phases[0].days"),
        (regimen(replace(ONE, days=0)), "out-of-range", "regimen.phases[0].days"),
        (regimen(replace(ONE, days=367)), "out-of-range", "regimen.phases[0].days"),
        (regimen(replace(ONE, every_days=2, weekdays=(Weekday.MON,))), "every-and-weekdays",
         "regimen.phases[0].every_days"),
        (regimen(replace(ONE, every_days=0)), "out-of-range", "regimen.phases[0].every_days"),
        (regimen(replace(ONE, every_days=32)), "out-of-range", "regimen.phases[0].every_days"),
        (regimen(replace(ONE, weekdays=(Weekday.MON,) * 2)), "out-of-range", "regimen.phases[0].weekdays"),
        (regimen(phase(*(dose(1, f"0{hour}:00") for hour in range(7)))), "out-of-range", "regimen.phases[0].doses"),
        (regimen(phase(dose(1, "morning"), dose(2, "08:00"))), "two-doses-at-once", "regimen.phases[0].doses"),
        (regimen(phase(dose(1, "24:00"))), "out-of-range", "regimen.phases[0].doses[0].at"),
        (regimen(phase(dose(1, "8:00"))), "out-of-range", "regimen.phases[0].doses[0].at"),
        (regimen(phase(dose(1), dose(0, "noon"))), "out-of-range", "regimen.phases[0].doses[1].amount_mg"),
        (regimen(phase(dose("0.0000001"))), "out-of-range", "regimen.phases[0].doses[0].amount_mg"),
        (regimen(phase(dose("1000000.1"))), "out-of-range", "regimen.phases[0].doses[0].amount_mg"),
        (regimen(phase(dose("NaN"))), "out-of-range", "regimen.phases[0].doses[0].amount_mg"),
        (regimen(ONE, replace(ONE, as_needed=needed(1, 0))), "regimen-open-phase", "regimen.phases[0].days"),
        (regimen(replace(ONE, as_needed=needed(1, 0))), "as-needed-without-maximum",
         "regimen.phases[0].as_needed.most_in_24_hours"),
        (regimen(phase(as_needed=needed(1, 13))), "out-of-range", "regimen.phases[0].as_needed.most_in_24_hours"),
        (regimen(phase(as_needed=needed(0, 1))), "out-of-range", "regimen.phases[0].as_needed.amount_mg"),
        (regimen(phase(as_needed=needed(1, 1, 25))), "out-of-range", "regimen.phases[0].as_needed.hours_between"),
        (regimen(phase(as_needed=needed(1, 1, reason=" "))), "out-of-range", "regimen.phases[0].as_needed.reason"),
        (regimen(phase(as_needed=needed(1, 1, reason="x" * 201))), "out-of-range",
         "regimen.phases[0].as_needed.reason"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_where_it_stands(wrong: Regimen, slug: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        require_regimen(wrong)
    assert (refused.value.slug, refused.value.field) == (slug, field)


@pytest.mark.parametrize(
    "right",
    [
        regimen(*[replace(ONE, days=366)] * 40),
        regimen(replace(ONE, days=1, every_days=31)),
        regimen(phase(*(dose("0.000001", f"0{hour}:00") for hour in range(6)))),
        regimen(phase(dose(1_000_000), as_needed=needed(1, 12, 24, reason="x" * 200))),
        regimen(phase(dose(1, "23:59"), dose(1, "00:00"), dose(1, "19:30"))),
    ],
)
def test_what_lies_on_the_bounds_is_taken(right: Regimen) -> None:
    require_regimen(right)


@given(regimens())
def test_every_regimen_drawn_is_taken_and_said_in_one_sentence_a_phase(drawn: Regimen) -> None:
    require_regimen(drawn)
    assert in_words(drawn).count(". ") == len(drawn.phases) - 1


@given(regimens(), st.integers(-10, 800))
def test_the_total_of_a_day_is_the_sum_of_its_doses_and_never_above_the_most(drawn: Regimen, number: int) -> None:
    total = daily_mg(drawn, FIRST, day(number))
    assert total == sum(one.amount_mg for one in doses_on(drawn, FIRST, day(number)))
    assert total <= most_mg(drawn)


@given(regimens())
def test_the_mean_of_a_phase_is_what_its_days_average_over_whole_patterns(drawn: Regimen) -> None:
    for one in drawn.phases:
        length = (one.every_days or 1) * 7
        alone = Regimen(phases=(replace(one, days=None),))
        totals: Callable[[int], Decimal] = lambda number: daily_mg(alone, FIRST, day(number))  # noqa: B023, E731
        assert abs(sum(map(totals, range(length)), Decimal(0)) / length - mean_daily_mg(one)) < Decimal("1e-20")
        assert most_daily_mg(one) >= max(map(totals, range(length)))
