"""What holds for every command and every history of assessment."""

from dataclasses import fields
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.assessment.domain import completion, enrolment, scales
from services.assessment.domain.allergies import record_allergies
from services.assessment.domain.completeness import missing
from services.assessment.domain.diagnoses import establish_diagnosis
from services.assessment.domain.entered_in_error import mark_entered_in_error
from services.assessment.domain.events import TOPICS, Event
from services.assessment.domain.history import record_history
from services.assessment.domain.medications import reconcile_medications
from services.assessment.domain.plans import propose_plan
from services.assessment.domain.pregnancy import record_pregnancy
from services.assessment.domain.results import record_results
from services.assessment.domain.state import DECIDER
from tests.support.controls import assessment as control

COMMANDS: list[tuple[Any, Any]] = [
    (enrolment.enroll, control.ENROLL),
    (record_history, control.RECORD_HISTORY),
    (reconcile_medications, control.RECONCILE),
    (record_allergies, control.RECORD_ALLERGIES),
    (record_pregnancy, control.RECORD_PREGNANCY),
    (record_results, control.RECORD_RESULTS),
    (scales.answer_scale, control.ANSWER_PHQ_9),
    (scales.record_scale_total, control.RECORD_TOTAL),
    (establish_diagnosis, control.ESTABLISH),
    (propose_plan, control.PROPOSE),
    (completion.complete, control.COMPLETE),
    (completion.amend, control.AMEND),
    (mark_entered_in_error, control.STRIKE),
]
MOMENTS = st.datetimes(timezones=st.just(UTC))


def any_of(cls: type[Event]) -> st.SearchStrategy[Event]:
    """Any content the class can hold; stored moments always have a zone."""
    moments = {field.name: MOMENTS for field in fields(cls) if field.name.endswith("_at")}
    return st.builds(cls, **moments)


ANY_EVENT = st.one_of([any_of(cls) for cls in TOPICS.values()]) | st.sampled_from(control.EXAMPLES)


@pytest.mark.parametrize(("decide", "command"), COMMANDS)
def test_every_command_twice_is_once(decide: Any, command: Any) -> None:
    history: list[Event] = []
    for earlier, its_command in COMMANDS:
        if earlier is decide:
            break
        history += earlier(its_command, DECIDER.fold(history))
    first = decide(command, DECIDER.fold(history))
    assert first
    assert decide(command, DECIDER.fold([*history, *first])) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(ANY_EVENT, max_size=12))
def test_evolve_takes_any_history(history: list[Event]) -> None:
    state = DECIDER.fold(history)
    assert {event.fact_id for event in history} == set(state.facts) | {
        event.fact_id for event in history if event.fact_id in state.struck
    }
    missing(state, control.NOW)
    assert state.completion is None or state.completion.fact_id not in state.struck


@given(st.permutations(control.EXAMPLES))
def test_what_was_struck_stays_struck_in_any_order(history: list[Event]) -> None:
    state = DECIDER.fold(history)
    assert control.MEDICATIONS.fact_id in state.struck
    assert state.latest(type(control.MEDICATIONS)) != control.MEDICATIONS
