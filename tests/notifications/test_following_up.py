"""Escalating, acknowledging and striking notices."""

from dataclasses import replace
from datetime import timedelta

import pytest

from careloop.kernel.ids import PersonId
from services.notifications.domain.entered_in_error import mark_entered_in_error
from services.notifications.domain.events import Event
from services.notifications.domain.following_up import acknowledge, escalate
from services.notifications.domain.state import DECIDER
from tests.support.controls import notifications as control
from tests.support.controls.moments import NOON, fact
from tests.support.controls.notifications import DR_LIND, DR_OSEI, MAYA, RULES, TEAM, TOM, clock_of, escalated
from tests.support.specification import given

OPEN: tuple[Event, ...] = (*TEAM, control.DECIDED)


def entry(step: int, person: str) -> Event:
    return control.in_inbox(person, step, NOON + step * RULES.urgent_window)


def test_when_the_clock_runs_out_the_next_person_is_told() -> None:
    given(DECIDER, *OPEN).when(escalate, clock_of(0)).then(escalated(1, MAYA), entry(1, MAYA))


def test_just_before_the_clock_runs_out_nobody_is_told() -> None:
    early = replace(clock_of(0), now=control.ACKNOWLEDGE_BY - timedelta(microseconds=1))
    given(DECIDER, *OPEN).when(escalate, early).then_nothing()


def test_a_clock_that_is_heard_late_counts_all_the_same() -> None:
    late = replace(clock_of(0), now=control.ACKNOWLEDGE_BY + timedelta(hours=9))
    told = given(DECIDER, *OPEN).when(escalate, late).decided[0]
    assert told == replace(escalated(1, MAYA), occurred_at=late.now, acknowledge_by=late.now + RULES.urgent_window)


@pytest.mark.parametrize("closing", [control.ACKNOWLEDGED, control.WITHDRAWN, control.MARKED])
def test_a_notice_that_somebody_took_on_or_that_no_longer_stands_goes_no_further(closing: Event) -> None:
    given(DECIDER, *OPEN, closing).when(escalate, clock_of(0)).then_nothing()


def test_a_clock_of_a_step_that_has_passed_tells_nobody() -> None:
    given(DECIDER, *OPEN, escalated(1, MAYA)).when(escalate, clock_of(0)).then_nothing()
    very_late = replace(clock_of(0), now=NOON + timedelta(days=2))
    given(DECIDER, *OPEN, escalated(1, MAYA)).when(escalate, very_late).then_nothing()


def test_after_the_team_comes_the_on_call_person() -> None:
    given(DECIDER, *OPEN, escalated(1, MAYA)).when(escalate, clock_of(1)).then(
        escalated(2, "on-call"), entry(2, "on-call")
    )


def test_at_the_end_of_the_ladder_the_on_call_person_is_paged_again_up_to_a_bound() -> None:
    history: list[Event] = [*OPEN, escalated(1, MAYA), escalated(2, "on-call")]
    for step in range(3, 3 + RULES.repages):
        expected = escalated(step, "on-call", again=step < 2 + RULES.repages)
        given(DECIDER, *history).when(escalate, clock_of(step - 1)).then(expected, entry(step, "on-call"))
        history.append(expected)
    last = clock_of(2 + RULES.repages)
    given(DECIDER, *history).when(escalate, last).then_nothing()


def test_an_escalation_asks_the_team_of_its_own_time() -> None:
    history = (
        *OPEN,
        control.OTHER_PRESCRIBER,
        replace(control.PRESCRIBER_RELEASED, person=MAYA, role=control.CARE_MANAGER.role),
    )
    told = given(DECIDER, *history).when(escalate, clock_of(0)).decided[0]
    assert told == escalated(1, DR_LIND)


def test_a_team_that_became_known_late_is_told_first() -> None:
    on_call_first = replace(control.DECIDED, addressees=(replace(control.DECIDED.addressees[2], step=0),))
    told = given(DECIDER, on_call_first, *TEAM).when(escalate, clock_of(0)).decided[0]
    assert told == escalated(1, DR_OSEI)


def test_somebody_who_cannot_be_reached_brings_the_next_person_forward() -> None:
    at_once = replace(clock_of(0, unreachable=True), now=control.SOON)
    told = given(DECIDER, *OPEN).when(escalate, at_once).decided[0]
    assert told == replace(
        escalated(1, MAYA), occurred_at=control.SOON, acknowledge_by=control.SOON + RULES.urgent_window
    )


def test_an_unreachable_on_call_person_is_not_paged_without_end() -> None:
    history = (*OPEN, escalated(1, MAYA), escalated(2, "on-call"))
    given(DECIDER, *history).when(escalate, clock_of(2, unreachable=True)).then_nothing()


def test_an_addressee_takes_the_notice_on() -> None:
    given(DECIDER, *OPEN).when(acknowledge, control.ACKNOWLEDGE).then(control.ACKNOWLEDGED)


def test_a_second_acknowledgement_changes_nothing() -> None:
    second = replace(control.ACKNOWLEDGE, actor=PersonId(MAYA))
    given(DECIDER, *OPEN, control.ACKNOWLEDGED).when(acknowledge, second).then_nothing()


def test_another_prescriber_of_the_team_may_take_it_on_but_not_its_therapist() -> None:
    history = (*OPEN, control.OTHER_PRESCRIBER)
    taken = replace(control.ACKNOWLEDGED, acknowledged_by=DR_LIND)
    given(DECIDER, *history).when(acknowledge, replace(control.ACKNOWLEDGE, actor=PersonId(DR_LIND))).then(taken)
    given(DECIDER, *history).when(acknowledge, replace(control.ACKNOWLEDGE, actor=PersonId(TOM))).then_refused(
        "not-an-addressee"
    )


def test_a_stranger_learns_nothing_from_a_closed_notice() -> None:
    stranger = replace(control.ACKNOWLEDGE, actor=PersonId("stranger"))
    given(DECIDER, *OPEN, control.WITHDRAWN).when(acknowledge, stranger).then_refused("not-an-addressee")


def test_a_withdrawn_notice_is_not_acknowledged() -> None:
    given(DECIDER, *OPEN, control.WITHDRAWN).when(acknowledge, control.ACKNOWLEDGE).then_refused("notice-withdrawn")


def test_a_suppressed_notice_is_not_acknowledged() -> None:
    suppressed = replace(control.DECIDED, suppressed="old-news", acknowledge_by=None)
    given(DECIDER, *TEAM, suppressed).when(acknowledge, control.ACKNOWLEDGE).then_refused("notice-suppressed")


def test_an_unknown_notice_is_not_acknowledged() -> None:
    given(DECIDER, *TEAM).when(acknowledge, control.ACKNOWLEDGE).then_refused("notice-not-known")


def test_a_notice_is_marked_entered_in_error_once() -> None:
    given(DECIDER, *OPEN).when(mark_entered_in_error, control.MARK).then(control.MARKED)
    given(DECIDER, *OPEN, control.MARKED).when(mark_entered_in_error, control.MARK).then_nothing()


def test_only_a_notice_can_be_marked_here() -> None:
    elsewhere = replace(control.MARK, fact_id=fact("elsewhere"))
    given(DECIDER, *OPEN).when(mark_entered_in_error, elsewhere).then_refused("notice-not-known")


def test_the_person_of_the_first_step_is_not_told_again() -> None:
    history = (*OPEN, control.OTHER_PRESCRIBER, escalated(1, MAYA))
    told = given(DECIDER, *history).when(escalate, clock_of(1)).decided[0]
    assert told == escalated(2, DR_LIND)
    assert DR_OSEI not in escalated(2, DR_LIND).persons
