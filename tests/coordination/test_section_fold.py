"""Folding many events at once is folding them one by one."""

from dataclasses import replace
from datetime import timedelta
from functools import reduce
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from careloop.contracts.monitoring import DoseRecorded
from careloop.contracts.notifications import NoticeSent
from careloop.contracts.prescribing import PrescriptionIssued
from careloop.contracts.terms import EnteredInError
from careloop.kernel.ids import EventId, derived_id
from services.coordination.domain.view.bulk_fold import add_all
from services.coordination.domain.view.dated_fact import DatedFact
from services.coordination.domain.view.section_fold import KNOWN_TYPES, add
from services.coordination.domain.view.sections import SECTIONS
from services.coordination.domain.view.sections.monitoring import LATEST_DOSES
from services.coordination.domain.view.sections.prescribing import Issued
from tests.coordination.telling import recorded_at
from tests.coordination.test_view_laws import ANYTHING
from tests.support.controls import coordination as control
from tests.support.controls.coordination import struck
from tests.support.controls.moments import NOON, fact

SOURCES = sorted(SECTIONS)
FACTS = [event for events in control.TOLD.values() for event in events]
STRIKES = [struck(event) for event in FACTS if hasattr(event, "fact_id")]
DOSES = [
    replace(control.DOSE, fact_id=fact(f"dose {n}"), occurred_at=NOON + timedelta(minutes=n)) for n in range(-150, 0)
]


def told(events: list[Any]) -> list[DatedFact[Any]]:
    return [
        DatedFact(fact=event, event_id=EventId(derived_id("fold", n)), recorded_at=recorded_at(n), actor="someone")
        for n, event in enumerate(events)
    ]


def one_by_one(source: str, events: list[DatedFact[Any]]) -> Any:
    return reduce(add, events, SECTIONS[source]())


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(SOURCES), st.lists(st.sampled_from([*FACTS, *STRIKES, None]) | ANYTHING), st.integers(min_value=0)
)
def test_at_once_is_one_by_one_from_any_section_on(source: str, events: list[Any], cut: int) -> None:
    came = told(events)
    cut %= len(came) + 1
    halfway = one_by_one(source, came[:cut])
    assert add_all(halfway, came[cut:]) == one_by_one(source, came)
    assert add_all(SECTIONS[source](), came) == one_by_one(source, came)


@settings(max_examples=100, deadline=None)
@given(st.permutations([*DOSES, *DOSES[:20]]), st.booleans(), st.integers(min_value=0, max_value=170))
def test_a_shelf_that_keeps_the_latest_keeps_the_same(doses: list[Any], strike: bool, at: int) -> None:
    came = told([*doses[:at], struck(doses[0]), *doses[at:]] if strike else doses)
    section: Any = add_all(SECTIONS["monitoring"](), came)
    assert section == one_by_one("monitoring", came)
    assert len(section.doses) <= LATEST_DOSES


def test_every_published_type_has_one_shelf_that_holds_it_but_what_the_journal_alone_holds() -> None:
    published = {cls for cls in KNOWN_TYPES.values() if cls not in (EnteredInError, NoticeSent)}
    assert {event for section in SECTIONS.values() for event in section.shelves} == published


def test_a_shelf_follows_from_its_annotation_how_much_it_holds_and_in_which_form() -> None:
    doses = SECTIONS["monitoring"].shelves[DoseRecorded]
    assert (doses.field, doses.holds, doses.latest) == ("doses", DoseRecorded, LATEST_DOSES)
    issued = SECTIONS["prescribing"].shelves[PrescriptionIssued]
    assert (issued.field, issued.holds, issued.latest) == ("issued", Issued, None)
    assert issued.form(control.ISSUED) == Issued(
        fact_id=control.ISSUED.fact_id,
        order=control.ISSUED.order,
        prescriber=control.ISSUED.prescriber,
        alerts=control.CAPSULE.alerts,
        not_checked=control.CAPSULE.not_checked,
        overrides=control.CAPSULE.overrides,
        occurred_at=control.ISSUED.occurred_at,
    )
