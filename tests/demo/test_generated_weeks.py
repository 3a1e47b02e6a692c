"""The generated weeks of the demo are the same for the same seed, and within their instruments."""

from uuid import UUID

import pytest

from careloop.demo.generated_weeks import DAYS, WEEKS, Weeks, weeks_of
from careloop.knowledge.scales.score import score

PATIENTS = [UUID(int=number) for number in range(30)]


@pytest.fixture(params=PATIENTS, ids=lambda patient: str(patient.int))
def weeks(request: pytest.FixtureRequest) -> Weeks:
    return weeks_of(request.param, seed=7)


def test_the_same_patient_and_seed_have_the_same_course() -> None:
    assert weeks_of(PATIENTS[3], 7) == weeks_of(PATIENTS[3], 7)
    assert weeks_of(PATIENTS[3], 7) != weeks_of(PATIENTS[3], 8)


def test_both_scales_are_answered_every_week_and_can_be_scored(weeks: Weeks) -> None:
    assert [one.day for one in weeks.answers if one.instrument == "phq-9"] == [week * 7 + 1 for week in range(WEEKS)]
    for answers in weeks.answers:
        assert score(answers.instrument, answers.items).missing == 0


def test_nobody_is_generated_with_thoughts_of_death(weeks: Weeks) -> None:
    assert all(one.items[8] == 0 for one in weeks.answers if one.instrument == "phq-9")


def test_everything_lies_within_the_course(weeks: Weeks) -> None:
    days = [one.day for one in weeks.answers] + [one.day for one in weeks.felt] + [one.day for one in weeks.doses]
    ends = [one.over_on for one in weeks.felt if one.over_on is not None]
    assert 1 <= min(days) <= max([*days, *ends]) < DAYS
    assert all(one.over_on is None or one.over_on > one.day for one in weeks.felt)


def test_courses_differ() -> None:
    assert len({weeks_of(patient, 7).course for patient in PATIENTS}) == 4
