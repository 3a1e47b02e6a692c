"""On which birthdays the safety check may answer otherwise."""

from datetime import date

import pytest

from careloop.knowledge.pack.pack import current_pack
from careloop.knowledge.screening.birthdays import ages_that_matter, birthday, birthdays


def test_each_age_of_which_a_rule_speaks_matters_on_its_first_day() -> None:
    ages = set(ages_that_matter())
    assert {rule.from_age for rule in current_pack().ages if rule.from_age is not None} <= ages
    assert {rule.to_age + 1 for rule in current_pack().ages if rule.to_age is not None} <= ages
    assert {61, 65} <= ages, "doses are lower for those over 60 and over 64"
    assert {12, 56} <= ages, "the bounds of childbearing age"


def test_birthdays_that_were_before_are_left_out() -> None:
    assert birthdays(date(1961, 12, 1), date(2026, 12, 1)) == []
    assert birthdays(date(1961, 12, 1), date(2026, 11, 30)) == [date(2026, 12, 1)]


@pytest.mark.parametrize(("age", "day"), [(64, date(2024, 2, 29)), (65, date(2025, 3, 1))])
def test_who_was_born_on_a_29th_of_february_is_a_year_older_on_the_1st_of_march(age: int, day: date) -> None:
    assert birthday(date(1960, 2, 29), age) == day
