"""What holds for every history of assessment."""

from dataclasses import fields
from datetime import UTC

from hypothesis import given, settings
from hypothesis import strategies as st

from careloop.contracts.assessment import TYPES
from services.assessment.domain.completeness import missing
from services.assessment.domain.events import TOPICS, Event
from services.assessment.domain.state import DECIDER
from tests.support.controls import assessment as control

MOMENTS = st.datetimes(timezones=st.just(UTC))


def any_of(cls: type[Event]) -> st.SearchStrategy[Event]:
    """Any content the class can hold; stored moments always have a zone."""
    moments = {field.name: MOMENTS for field in fields(cls) if field.name.endswith("_at")}
    return st.builds(cls, **moments)


ANY_EVENT = st.one_of([any_of(cls) for cls in TOPICS.values()]) | st.sampled_from(control.EXAMPLES)


@settings(max_examples=60, deadline=None)
@given(st.lists(ANY_EVENT, max_size=12))
def test_evolve_takes_any_history(history: list[Event]) -> None:
    state = DECIDER.fold(history)
    recorded = {event.fact_id for event in history if type(event) in TYPES.values()}
    assert recorded == set(state.facts) | {fact_id for fact_id in recorded if fact_id in state.struck}
    missing(state, control.NOW)
    assert state.completion is None or state.completion.fact_id not in state.struck


@given(st.permutations(control.EXAMPLES))
def test_what_was_struck_stays_struck_in_any_order(history: list[Event]) -> None:
    state = DECIDER.fold(history)
    assert control.MEDICATIONS.fact_id in state.struck
    assert state.latest(type(control.MEDICATIONS)) != control.MEDICATIONS
