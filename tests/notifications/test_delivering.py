"""One attempt to send: recorded before it is made, and its outcome once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.notifications.domain.codes import FailureReason
from services.notifications.domain.delivering import begin, end
from services.notifications.domain.events import Event
from services.notifications.domain.state import DECIDER
from tests.support.controls import notifications as control
from tests.support.controls.notifications import RULES, SOON, TEAM
from tests.support.specification import given

OPEN: tuple[Event, ...] = (*TEAM, control.DECIDED)


def test_an_attempt_is_recorded_before_it_is_made() -> None:
    given(DECIDER, *OPEN).when(begin, control.BEGIN).then(control.ATTEMPTED)


def test_an_attempt_begins_once() -> None:
    given(DECIDER, *OPEN, control.ATTEMPTED).when(begin, control.BEGIN).then_nothing()


@pytest.mark.parametrize("closing", [control.ACKNOWLEDGED, control.WITHDRAWN, control.MARKED])
def test_nothing_is_sent_any_more_once_the_notice_is_closed(closing: Event) -> None:
    given(DECIDER, *OPEN, closing).when(begin, control.BEGIN).then_nothing()


def test_what_was_sent_is_recorded_once() -> None:
    given(DECIDER, *OPEN, control.ATTEMPTED).when(end, control.END_SENT).then(control.SENT)
    given(DECIDER, *OPEN, control.ATTEMPTED, control.SENT).when(end, control.END_SENT).then_nothing()


def test_what_never_began_has_no_outcome() -> None:
    given(DECIDER, *OPEN).when(end, control.END_SENT).then_nothing()


def test_a_failed_attempt_is_tried_again_later() -> None:
    given(DECIDER, *OPEN, control.ATTEMPTED).when(end, control.END_UNREACHABLE).then(control.FAILED)


def test_an_outcome_told_after_another_changes_nothing() -> None:
    unknown = replace(control.FAILED, reason=FailureReason.OUTCOME_UNKNOWN)
    given(DECIDER, *OPEN, control.ATTEMPTED, unknown).when(end, control.END_SENT).then_nothing()


def test_a_hopeless_failure_is_final() -> None:
    hopeless = replace(control.END_UNREACHABLE, hopeless=True)
    final = replace(control.FAILED, final=True, retry_at=None)
    given(DECIDER, *OPEN, control.ATTEMPTED).when(end, hopeless).then(final)


def test_the_last_of_the_attempts_is_final() -> None:
    last = replace(control.FIRST_ATTEMPT, number=RULES.attempts)
    begun = replace(control.ATTEMPTED, attempt=RULES.attempts)
    command = replace(control.END_UNREACHABLE, attempt=last)
    final = replace(control.FAILED, attempt=RULES.attempts, final=True, retry_at=None)
    given(DECIDER, *OPEN, begun).when(end, command).then(final)


def test_every_attempt_of_one_step_bears_one_message_id_and_another_step_another() -> None:
    second = replace(control.BEGIN, attempt=replace(control.FIRST_ATTEMPT, number=2))
    (again,) = given(DECIDER, *OPEN, control.ATTEMPTED, control.FAILED).when(begin, second).decided
    assert again == replace(control.ATTEMPTED, attempt=2)
    later = replace(control.BEGIN, attempt=replace(control.FIRST_ATTEMPT, step=1))
    (page,) = given(DECIDER, *OPEN).when(begin, later).decided
    assert page != replace(control.ATTEMPTED, step=1)


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 15), (2, 30), (3, 60), (5, 240), (6, 300), (5_000, 300)])
def test_the_wait_between_attempts_doubles_up_to_a_limit(attempt: int, seconds: int) -> None:
    assert RULES.retry_after(attempt) == timedelta(seconds=seconds)
    assert SOON + RULES.retry_after(1) == control.FAILED.retry_at
