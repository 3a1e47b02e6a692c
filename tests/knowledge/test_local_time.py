"""A local day and hour is one moment, whatever the clocks do that night."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloop.knowledge.local_time import day_begins, instant, local_day, zone_named

NEW_YORK = ZoneInfo("America/New_York")
ZONES = ["America/New_York", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]


@pytest.mark.parametrize(
    ("day", "at", "utc"),
    [
        (date(2027, 3, 13), time(8), datetime(2027, 3, 13, 13, tzinfo=UTC)),
        (date(2027, 3, 14), time(8), datetime(2027, 3, 14, 12, tzinfo=UTC)),
        # The hour from 02:00 is left out, and 02:30 falls on 03:30 of the new time.
        (date(2027, 3, 14), time(2, 30), datetime(2027, 3, 14, 7, 30, tzinfo=UTC)),
        # The hour from 01:00 comes twice, and 01:30 is the first.
        (date(2027, 11, 7), time(1, 30), datetime(2027, 11, 7, 5, 30, tzinfo=UTC)),
        (date(2027, 11, 7), time(1, 30, fold=1), datetime(2027, 11, 7, 5, 30, tzinfo=UTC)),
        (date(2027, 11, 7), time(2), datetime(2027, 11, 7, 7, tzinfo=UTC)),
    ],
)
def test_local_hours_of_new_york_over_the_changes_of_the_clocks(day: date, at: time, utc: datetime) -> None:
    assert instant(day, at, NEW_YORK) == utc


def test_a_midnight_that_the_clocks_skip_is_the_first_moment_of_its_day() -> None:
    santiago = ZoneInfo("America/Santiago")
    begins = day_begins(date(2027, 9, 5), santiago)
    assert begins == datetime(2027, 9, 5, 4, tzinfo=UTC)
    assert local_day(begins, santiago) == date(2027, 9, 5)
    assert local_day(begins - timedelta(microseconds=1), santiago) == date(2027, 9, 4)


@given(st.dates(date(1990, 1, 1), date(2037, 12, 30)), st.sampled_from(ZONES))
def test_days_follow_one_another_and_a_day_begins_on_itself(day: date, name: str) -> None:
    zone = ZoneInfo(name)
    begins, next_begins = day_begins(day, zone), day_begins(day + timedelta(days=1), zone)
    assert begins <= next_begins
    if local_day(begins, zone) == day:  # Apia left a whole day out
        assert local_day(begins - timedelta(microseconds=1), zone) < day
        assert local_day(next_begins - timedelta(microseconds=1), zone) == day


@pytest.mark.parametrize("name", ["", "Nowhere/Land", "../etc/passwd", "America"])
def test_a_zone_that_nobody_knows_is_read_as_utc(name: str) -> None:
    assert zone_named(name).key == "UTC"


def test_a_zone_is_known_by_its_name() -> None:
    assert zone_named("America/New_York") == NEW_YORK
