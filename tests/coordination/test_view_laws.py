"""What holds for every history that the five services may tell."""

from dataclasses import fields
from datetime import UTC
from typing import Any

import msgspec
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from careloop.chassis.events.codec import ENCODER
from careloop.contracts.terms import Triage
from services.coordination.domain.view.care_view import compose
from services.coordination.domain.view.caseload import headline
from services.coordination.domain.view.section_fold import KNOWN_TYPES
from services.coordination.domain.view.sections import SECTIONS, Sections
from services.coordination.domain.view.urgency import answered, concerns
from tests.coordination.telling import Told, folded, told
from tests.support.controls import coordination as control
from tests.support.controls.moments import PATIENT

MOMENTS = st.datetimes(timezones=st.just(UTC))
EXPECTED = ENCODER.encode(compose(PATIENT, folded(told())))


@st.composite
def interleavings(draw: st.DrawFn) -> list[Told]:
    """Every service's facts in its own order, and the services among each other in any."""
    waiting = {source: list(events) for source, events in control.TOLD.items()}
    merged: list[Told] = []
    while any(waiting.values()):
        source = draw(st.sampled_from([name for name, events in waiting.items() if events]))
        merged.append((source, waiting[source].pop(0)))
    return merged


@settings(max_examples=60, deadline=None)
@given(interleavings())
def test_the_view_is_the_same_for_every_interleaving_of_the_topics(facts: list[Told]) -> None:
    assert ENCODER.encode(compose(PATIENT, folded(facts))) == EXPECTED


@settings(max_examples=60, deadline=None)
@given(st.permutations(told()))
def test_back_dated_facts_leave_no_trace_of_when_they_came(facts: list[Told]) -> None:
    """Only who recorded what and when may differ: every section holds the same facts in the same order."""
    straight, mixed = folded(told()), folded(facts)
    for source in SECTIONS:
        for field in fields(getattr(straight, source)):
            kept = [getattr(getattr(sections, source), field.name) for sections in (straight, mixed)]
            assert [one.fact for one in kept[0]] == [one.fact for one in kept[1]]


def any_of(cls: type) -> st.SearchStrategy[Any]:
    """Any content that the class can hold; moments always have a zone."""
    hints: Any = msgspec.inspect.type_info(cls)
    moments = {field.name: MOMENTS for field in hints.fields if isinstance(field.type, msgspec.inspect.DateTimeType)}
    return st.builds(cls, **moments)


st.register_type_strategy(Triage, st.builds(Triage, due_at=MOMENTS))
ANYTHING = st.one_of([any_of(cls) for cls in {*KNOWN_TYPES.values()}])


# Histories of anything are so large that to make a found one small outlasts the test's time.
@settings(max_examples=80, deadline=None, phases=(Phase.reuse, Phase.generate))
@given(st.lists(st.tuples(st.sampled_from(sorted(SECTIONS)), ANYTHING | st.sampled_from([e for _, e in told()]))))
def test_no_history_breaks_the_fold_or_the_view(facts: list[Told]) -> None:
    sections = folded(facts)
    shown = compose(PATIENT, sections)
    assert shown.urgency.rank <= 4
    assert ENCODER.encode(shown)


@settings(max_examples=40, deadline=None)
@given(interleavings(), st.integers(min_value=0))
def test_a_section_survives_being_stored(facts: list[Told], cut: int) -> None:
    sections = folded(facts[: cut % len(facts)])
    for source, cls in SECTIONS.items():
        section = getattr(sections, source)
        assert msgspec.json.decode(ENCODER.encode(section), type=cls) == section
        assert headline(section) == headline(msgspec.json.decode(ENCODER.encode(section), type=cls))


@settings(max_examples=40, deadline=None)
@given(interleavings(), st.integers(min_value=0))
def test_the_urgency_of_a_view_is_the_first_of_its_standing_concerns(facts: list[Told], cut: int) -> None:
    sections: Sections = folded(facts[: cut % len(facts)])
    taken = answered(sections.notifications)
    standing = [
        (concern.rank, concern.fact_id)
        for source in SECTIONS
        for concern in concerns(getattr(sections, source))
        if not (concern.until_answered and concern.fact_id in taken)
    ]
    urgency = compose(PATIENT, sections).urgency
    assert urgency.rank == min((rank for rank, _ in standing), default=4)
    assert urgency.fact_id in {fact for _, fact in standing} | {None}
