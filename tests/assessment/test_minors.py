"""Clients under 18 are not enrolled, unless the programme says that it does."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from services.assessment.domain.enrolment import enroll
from services.assessment.domain.state import DECIDER
from tests.support.controls import assessment as a
from tests.support.specification import given

TODAY = a.NOW.date()
TURNS_18_TODAY = TODAY.replace(year=TODAY.year - 18)


def enrolling(born: date, *facts: Any, **told: Any) -> Any:
    command = replace(a.ENROLL, birth_date=born, occurred_at=a.NOW, time_zone="UTC", **told)
    return given(DECIDER, *facts).when(enroll, command)


def test_a_client_is_enrolled_from_the_eighteenth_birthday_on() -> None:
    assert enrolling(TURNS_18_TODAY).decided
    refusal = enrolling(TURNS_18_TODAY + timedelta(days=1)).then_refused("minors-not-supported")
    assert refusal.field == "birth_date"


def test_a_programme_that_takes_minors_takes_them() -> None:
    assert enrolling(TURNS_18_TODAY + timedelta(days=400), minors=True).decided


def test_who_was_a_minor_when_the_record_began_is_enrolled_once_of_age() -> None:
    command = replace(a.ENROLL, birth_date=TURNS_18_TODAY, occurred_at=a.NOW - timedelta(days=900))
    assert given(DECIDER).when(enroll, command).decided


def test_a_birth_date_is_not_put_right_to_that_of_a_minor() -> None:
    corrected = {"fact_id": a.fact("corrected"), "name": a.ENROLLED.name}
    enrolling(TURNS_18_TODAY + timedelta(days=1), a.ENROLLED, **corrected).then_refused("minors-not-supported")


@pytest.mark.parametrize(("zone", "adult"), [("UTC", False), ("Pacific/Kiritimati", True)])
def test_the_birthday_is_the_clients_own(zone: str, adult: bool) -> None:
    command = replace(a.ENROLL, birth_date=TURNS_18_TODAY + timedelta(days=1), occurred_at=a.NOW, time_zone=zone)
    outcome = given(DECIDER).when(enroll, command)
    if adult:
        assert outcome.decided
    else:
        outcome.then_refused("minors-not-supported")
