"""Days of prescriptions are held against each other and against the client's birth."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from careloop.contracts.prescribing import StatusReason
from services.prescribing.domain import events
from services.prescribing.domain.decisions import DECISIONS
from services.prescribing.domain.state import DECIDER
from services.prescribing.domain.supply import CountSupply
from tests.support.charts import read
from tests.support.controls import prescribing as p
from tests.support.controls.moments import NOON, TODAY, fact
from tests.support.specification import given

BIRTH = p.PROFILE.birth_date
PHENELZINE = replace(
    p.ISSUED,
    fact_id=fact("our phenelzine"),
    order=replace(
        p.SERTRALINE_50,
        medicine=replace(p.SERTRALINE_50.medicine, name="phenelzine", rxcui="8123"),
        starts_on=TODAY - timedelta(days=40),
    ),
    occurred_at=NOON - timedelta(days=40),
)
STOP = replace(p.DISCONTINUE, prescription=PHENELZINE.fact_id, status_reason=StatusReason.WASHOUT)


def when(command: Any, *facts: events.Event) -> Any:
    return given(DECIDER, *facts).when(DECISIONS[type(command)], command)


@pytest.mark.parametrize("days", [41, 400])
def test_a_last_dose_before_the_first_is_refused(days: int) -> None:
    stopped = replace(STOP, stopped_on=TODAY - timedelta(days=days))
    refusal = when(stopped, *p.ASSESSED, PHENELZINE).then_refused("stopped-before-started")
    assert refusal.field == "stopped_on"


@pytest.mark.parametrize("days", [0, 1, 40])
def test_it_may_have_been_on_any_day_from_the_first_dose_to_today(days: int) -> None:
    stopped = replace(STOP, stopped_on=TODAY - timedelta(days=days))
    (ended,) = when(stopped, *p.ASSESSED, PHENELZINE).decided
    assert ended.stopped_on == TODAY - timedelta(days=days)


@pytest.mark.parametrize(("days", "allowed"), [(0, True), (1, True), (2, False)])
def test_what_has_not_begun_ends_on_a_day_since_it_was_issued(days: int, allowed: bool) -> None:
    to_come = replace(p.ISSUED, order=replace(p.SERTRALINE_50, starts_on=TODAY + timedelta(days=5)))
    command = replace(p.DISCONTINUE, stopped_on=TODAY - timedelta(days=days))
    outcome = when(command, *p.ASSESSED, to_come)
    if allowed:
        assert outcome.decided
    else:
        outcome.then_refused("stopped-before-started")


ON_DATE_LINE = replace(p.TIME_ZONE, time_zone="Pacific/Auckland")
LATE = NOON.replace(hour=20)
"""In Auckland it is the next morning."""


@pytest.mark.parametrize(
    "command",
    [
        replace(p.DISCONTINUE, now=LATE, stopped_on=TODAY + timedelta(days=1)),
        replace(p.COUNT_SERTRALINE, now=LATE, counted_on=TODAY + timedelta(days=1)),
    ],
)
def test_a_stop_and_a_count_may_be_of_the_day_that_the_client_has_already(command: Any) -> None:
    assert when(command, *p.ASSESSED, p.ISSUED, ON_DATE_LINE).decided
    refused = "counted" if isinstance(command, CountSupply) else "stopped"
    when(command, *p.ASSESSED, p.ISSUED).then_refused(f"{refused}-in-the-future")


def ended(stopped_on: date, at: datetime) -> events.Event:
    return replace(p.DISCONTINUED, prescription=PHENELZINE.fact_id, stopped_on=stopped_on, occurred_at=at)


def test_a_last_dose_that_an_earlier_build_let_lie_before_the_first_is_read_as_of_the_day_it_was_said() -> None:
    facts = (*p.ASSESSED, PHENELZINE, ended(TODAY - timedelta(days=400), NOON - timedelta(days=1)))
    (taken,) = read(facts).medications or ()
    assert taken.stopped_on == TODAY - timedelta(days=1)
    declined = when(p.ISSUE_SERTRALINE, *facts).decided[0]
    assert isinstance(declined, events.PrescriptionDeclined)
    assert declined.reasons == ("contraindicated",)


def test_what_ended_before_it_began_was_never_taken() -> None:
    begins = replace(PHENELZINE, order=replace(PHENELZINE.order, starts_on=TODAY))
    facts = (*p.ASSESSED, begins, ended(TODAY - timedelta(days=3), NOON - timedelta(days=3)))
    assert read(facts).medications == ()


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (replace(p.ISSUE_SERTRALINE, occurred_at=NOON.replace(year=1989)), "occurred_at"),
        (
            replace(p.ISSUE_SERTRALINE, order=replace(p.SERTRALINE_50, starts_on=BIRTH - timedelta(days=1))),
            "order.starts_on",
        ),
        (replace(p.CHANGE_TO_100, occurred_at=NOON.replace(year=1989)), "occurred_at"),
        (replace(p.DISCONTINUE, occurred_at=NOON.replace(year=1989)), "occurred_at"),
        (replace(p.COUNT_SERTRALINE, occurred_at=NOON.replace(year=1989)), "occurred_at"),
        (replace(p.COUNT_SERTRALINE, counted_on=BIRTH - timedelta(days=1)), "counted_on"),
    ],
)
def test_nothing_was_ordered_changed_ended_or_counted_before_the_client_was_born(command: Any, field: str) -> None:
    refusal = when(replace(command, fact_id=fact("other")), *p.ASSESSED, p.ISSUED).then_refused("before-birth")
    assert refusal.field == field


def test_the_day_of_birth_itself_is_possible() -> None:
    count = replace(p.COUNT_SERTRALINE, counted_on=BIRTH)
    assert when(count, *p.ASSESSED).decided
    assert when(replace(count, counted_on=date(1950, 1, 1))).decided, "nobody knows the birth date"
