"""Days of the record are held against each other, against the client's birth and against the day they are said for."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.assessment.domain.decisions import DECISIONS
from services.assessment.domain.state import DECIDER
from tests.support.controls import assessment as a
from tests.support.specification import given

BIRTH = a.ENROLLED.birth_date
DAY_BEFORE = BIRTH - timedelta(days=1)
SAID_ON = a.MONDAY.date()
TOMORROW = SAID_ON + timedelta(days=1)


def when(command: Any, *facts: Any) -> Any:
    return given(DECIDER, a.ENROLLED, *facts).when(DECISIONS[type(command)], command)


def listed(**days: Any) -> Any:
    return replace(a.RECONCILE, medications=(replace(a.MEDICATIONS.medications[0], **days),))


def told(**condition: Any) -> Any:
    return replace(a.RECORD_HISTORY, conditions=(replace(a.HISTORY.conditions[0], **condition),))


def treated(weeks: int) -> Any:
    return replace(a.RECORD_HISTORY, earlier_treatments=(replace(a.HISTORY.earlier_treatments[0], weeks=weeks),))


def measured(on: date) -> Any:
    return replace(a.RECORD_RESULTS, results=(replace(a.RESULTS.results[0], on=on),))


@pytest.mark.parametrize(
    ("command", "slug", "field"),
    [
        (listed(started_on=DAY_BEFORE), "before-birth", "medications[0].started_on"),
        (listed(started_on=None, stopped_on=DAY_BEFORE), "before-birth", "medications[0].stopped_on"),
        (listed(started_on=TOMORROW, stopped_on=None), "in-the-future", "medications[0].started_on"),
        (listed(stopped_on=TOMORROW), "in-the-future", "medications[0].stopped_on"),
        (
            listed(started_on=SAID_ON, stopped_on=SAID_ON - timedelta(days=1)),
            "stopped-before-started",
            "medications[0].stopped_on",
        ),
        (told(onset=DAY_BEFORE), "before-birth", "conditions[0].onset"),
        (told(onset=TOMORROW), "in-the-future", "conditions[0].onset"),
        (treated(weeks=2000), "longer-than-life", "earlier_treatments[0].weeks"),
        (measured(DAY_BEFORE), "before-birth", "results[0].on"),
    ],
)
def test_days_that_cannot_be_are_refused_by_their_field(command: Any, slug: str, field: str) -> None:
    assert when(command).then_refused(slug).field == field


@pytest.mark.parametrize(
    "command",
    [
        listed(started_on=BIRTH, stopped_on=BIRTH),
        listed(started_on=SAID_ON, stopped_on=SAID_ON),
        listed(started_on=None, stopped_on=None),
        told(onset=BIRTH),
        told(onset=SAID_ON),
        told(onset=None),
        treated(weeks=(SAID_ON - BIRTH).days // 7),
        measured(BIRTH),
    ],
)
def test_the_first_and_the_last_possible_day_are_taken(command: Any) -> None:
    assert when(command).decided


WRITES = [one for one in a.COMMANDS if type(one) in DECISIONS and one not in (a.ENROLL, a.STRIKE)]


@pytest.mark.parametrize("command", WRITES, ids=lambda command: type(command).__name__)
def test_nothing_was_true_of_a_client_before_birth(command: Any) -> None:
    early = replace(command, occurred_at=datetime(1990, 4, 11, 23, 59, tzinfo=UTC))
    assert when(early).then_refused("before-birth").field == "occurred_at"


def test_a_day_that_has_begun_where_the_client_lives_has_come() -> None:
    sydney = replace(a.ENROLLED, time_zone="Australia/Sydney")
    evening = replace(listed(started_on=TOMORROW, stopped_on=None), occurred_at=a.MONDAY.replace(hour=15))
    decide = DECISIONS[type(evening)]
    assert given(DECIDER, sydney).when(decide, evening).decided
    given(DECIDER, a.ENROLLED).when(decide, evening).then_refused("in-the-future")


def test_a_birth_date_is_not_put_right_to_a_day_after_what_is_recorded() -> None:
    corrected = replace(a.ENROLL, fact_id=a.fact("corrected"), birth_date=TOMORROW, occurred_at=a.NOW, minors=True)
    assert when(corrected, a.HISTORY).then_refused("birth-after-facts").field == "birth_date"
    assert when(replace(corrected, birth_date=SAID_ON), a.HISTORY).decided
