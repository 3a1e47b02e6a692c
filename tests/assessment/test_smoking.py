"""Smoking: a last day is for a former smoker alone, and lies between birth and today."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from careloop.contracts.assessment import SmokingStatus
from services.assessment.domain.smoking import record_smoking
from services.assessment.domain.state import DECIDER
from tests.support.controls import assessment as control
from tests.support.specification import given


@pytest.mark.parametrize("status", [one for one in SmokingStatus if one is not SmokingStatus.FORMER])
def test_a_last_day_is_for_a_former_smoker_alone(status: SmokingStatus) -> None:
    command = replace(control.RECORD_SMOKING, status=status)
    given(DECIDER, control.ENROLLED).when(record_smoking, command).then_refused("not-a-former-smoker")
    without = replace(command, stopped_on=None)
    assert given(DECIDER, control.ENROLLED).when(record_smoking, without).decided


@pytest.mark.parametrize(
    ("last", "slug"), [(control.NOW.date() + timedelta(days=2), "in-the-future"), (date(1989, 1, 1), "before-birth")]
)
def test_the_last_day_lies_between_birth_and_today(last: date, slug: str) -> None:
    command = replace(control.RECORD_SMOKING, stopped_on=last)
    given(DECIDER, control.ENROLLED).when(record_smoking, command).then_refused(slug)
