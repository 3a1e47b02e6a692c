"""What holds for every cause, every command and every history of notifications."""

from dataclasses import fields
from datetime import UTC, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careloop.contracts.notifications import Addressee
from services.notifications.domain import deciding, delivering, following_up
from services.notifications.domain.codes import CauseKind
from services.notifications.domain.deciding import DecideNotice, decide_notice
from services.notifications.domain.entered_in_error import mark_entered_in_error
from services.notifications.domain.events import TOPICS, Event, NoticeDecided
from services.notifications.domain.noting import note_fact, note_resolution, note_strike
from services.notifications.domain.state import DECIDER
from tests.support.controls import notifications as control
from tests.support.controls.moments import NOON

COMMANDS: list[tuple[Any, Any]] = [
    (note_fact, control.PRESCRIBER),
    (deciding.decide_notice, control.DECIDE),
    (delivering.begin, control.BEGIN),
    (delivering.end, control.END_UNREACHABLE),
    (following_up.escalate, control.clock_of(0)),
    (following_up.acknowledge, control.ACKNOWLEDGE),
    (note_resolution, control.RESOLUTION),
    (note_strike, control.CAUSE_STRUCK),
    (mark_entered_in_error, control.MARK),
    (note_fact, control.PRESCRIBER_RELEASED),
]
MOMENTS = st.datetimes(timezones=st.just(UTC))

# No edge lets a control character in; `derived_id` refuses the unit separator.
PERSONS = st.text(st.characters(exclude_characters="\x1f"))
st.register_type_strategy(Addressee, st.builds(Addressee, person=PERSONS))


def any_of(cls: type[Event]) -> st.SearchStrategy[Event]:
    """Any content the class can hold; stored moments always have a zone."""
    moments = ("_at", "_by", "_from")
    named = {it.name for it in fields(cls) if it.name.endswith(moments)} - {"acknowledged_by", "marked_by"}
    people = {"person": PERSONS} if "person" in {it.name for it in fields(cls)} else {}
    return st.builds(cls, **dict.fromkeys(named, MOMENTS), **people)


ANY_EVENT = st.one_of([any_of(cls) for cls in TOPICS.values()]) | st.sampled_from(control.EXAMPLES)
ANY_CAUSE = st.builds(
    control.cause,
    kind=st.sampled_from(CauseKind),
    named=st.sampled_from(["", control.TOM, "nobody"]),
    occurred_at=st.timedeltas(max_value=timedelta(0), min_value=timedelta(days=-3)).map(lambda ago: NOON + ago),
    recorded_by=st.sampled_from(["client-1", "intake"]),
)


@pytest.mark.parametrize("number", range(len(COMMANDS)))
def test_every_command_twice_is_once(number: int) -> None:
    history: list[Event] = [control.CARE_MANAGER]
    for earlier, its_command in COMMANDS[:number]:
        history += earlier(its_command, DECIDER.fold(history))
    decide, command = COMMANDS[number]
    first = decide(command, DECIDER.fold(history))
    assert first
    assert decide(command, DECIDER.fold([*history, *first])) == []


@settings(max_examples=80, deadline=None)
@given(st.lists(ANY_EVENT, max_size=8), st.lists(ANY_CAUSE, max_size=6))
def test_every_cause_has_one_decision_that_reaches_somebody(history: list[Event], causes: list[Any]) -> None:
    board = DECIDER.fold(history)
    known = len(board.notices)
    told: list[NoticeDecided] = []
    for cause in [*causes, *causes]:
        decided = decide_notice(DecideNotice(cause=cause, rules=control.RULES, now=control.SOON), board)
        told += [one for one in decided if isinstance(one, NoticeDecided)]
        board = DECIDER.fold(decided, board)
    assert len({one.cause for one in told}) == len(told) == len(board.notices) - known
    assert {cause.event_id for cause in causes} <= board.decided_causes
    assert all(any(it.step == 0 for it in one.addressees) for one in told)


@settings(max_examples=80, deadline=None)
@given(st.lists(ANY_EVENT, max_size=12))
def test_evolve_takes_any_history(history: list[Event]) -> None:
    board = DECIDER.fold(history)
    assert set(board.notices) == {one.fact_id for one in history if isinstance(one, NoticeDecided)}
    board.members(NOON)


@given(st.permutations(control.EXAMPLES))
def test_evolve_takes_its_examples_in_any_order(history: list[Event]) -> None:
    assert set(DECIDER.fold(history).notices) == {control.NOTICE}
