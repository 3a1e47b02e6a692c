"""What was entered in error counts for nothing, whichever fact it was and whenever that became known."""

from dataclasses import replace
from typing import Any

import pytest

from careloop.chassis.codec import ENCODER
from careloop.contracts import assessment
from careloop.contracts.terms import RiskLevel, Role
from services.coordination.domain.care_view import KNOWN_TYPES
from services.coordination.domain.view import CareView
from tests.coordination.telling import view
from tests.support.controls import coordination as control
from tests.support.controls.coordination import struck, week
from tests.support.controls.moments import fact

AMENDED = assessment.AssessmentAmended(
    fact_id=fact("amended"),
    amends=control.COMPLETED.fact_id,
    amended_by="dr-lind",
    credential=Role.PSYCHIATRIST,
    reason="a diagnosis was missing",
    diagnoses=(),
    suicide_risk=RiskLevel.HIGH,
    plan=control.PLAN,
    rests_on=(),
    occurred_at=week(2),
)
EVERYTHING: dict[str, tuple[Any, ...]] = {
    source: tuple(event for event in events if type(event).__name__ != "EnteredInError")
    for source, events in control.TOLD.items()
}
EVERYTHING["assessment"] += (AMENDED, replace(control.RISK, fact_id=fact("assessed risk")))
EVERYTHING["notifications"] += (control.ACKNOWLEDGED,)
STRIKABLE = [(source, event) for source, events in EVERYTHING.items() for event in events if hasattr(event, "fact_id")]


def without_entry_of(shown: CareView, *facts: Any) -> CareView:
    """The view but for what its timeline says of these; by whom and when all was recorded is left out."""
    gone = {one.fact_id for one in facts}
    entries = tuple(replace(entry, recorded_at=week(0)) for entry in shown.timeline if entry.fact_id not in gone)
    return replace(
        shown,
        timeline=tuple(sorted(entries, key=str)),
        open_side_effects=tuple(replace(one, recorded_at=week(0)) for one in shown.open_side_effects),
        closed_side_effects=tuple(replace(one, recorded_at=week(0)) for one in shown.closed_side_effects),
    )


def test_every_kind_of_fact_that_has_an_id_is_struck_here() -> None:
    kinds = {cls for cls in KNOWN_TYPES.values() if hasattr(cls, "fact_id")}
    assert {type(event) for _, event in STRIKABLE} == {one for one in kinds if one.__name__ != "EnteredInError"}


@pytest.mark.parametrize(("source", "wrong"), STRIKABLE, ids=lambda one: getattr(one, "__name__", type(one).__name__))
def test_the_view_is_as_if_a_struck_fact_had_never_been_told(source: str, wrong: Any) -> None:
    never = EVERYTHING | {source: tuple(event for event in EVERYTHING[source] if event is not wrong)}
    after = EVERYTHING | {source: (*EVERYTHING[source], struck(wrong))}
    before = EVERYTHING | {source: (struck(wrong), *EVERYTHING[source])}
    expected = without_entry_of(view(**never), wrong)
    assert without_entry_of(view(**after), wrong) == without_entry_of(view(**before), wrong) == expected
    assert ENCODER.encode(view(**EVERYTHING)) != ENCODER.encode(view(**never))


@pytest.mark.parametrize(("source", "wrong"), STRIKABLE[:3])
def test_the_strike_itself_stands_in_the_timeline(source: str, wrong: Any) -> None:
    shown = view(**EVERYTHING | {source: (*EVERYTHING[source], struck(wrong))})
    assert [entry.kind for entry in shown.timeline if entry.fact_id == wrong.fact_id] == ["EnteredInError"]


def test_a_strike_of_another_source_leaves_the_fact_standing() -> None:
    shown = view(**EVERYTHING | {"prescribing": (*EVERYTHING["prescribing"], struck(control.RASH))})
    assert control.RASH.fact_id in {one.fact_id for one in shown.open_side_effects}


def test_a_strike_of_one_fact_leaves_the_others_standing() -> None:
    kept = (control.RASH, control.NAUSEA)
    shown = view(monitoring=(*kept, struck(control.RASH)))
    assert [one.fact_id for one in shown.open_side_effects] == [control.NAUSEA.fact_id]


def test_a_fact_that_is_told_twice_stands_once() -> None:
    assert (
        view(monitoring=(control.RASH, control.RASH)).open_side_effects
        == view(monitoring=(control.RASH,)).open_side_effects
    )
