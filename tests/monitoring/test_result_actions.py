"""What a result demands while a drug is taken is raised once, with its clock, and ended by what settles it."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from careloop.chassis.log.protocol import Unit
from careloop.contracts import assessment, prescribing
from careloop.contracts.monitoring import ResultActionEnded, ResultActionRaised
from careloop.contracts.terms import EnteredInError, Medicine
from services.monitoring.consumers import RESULT_NOTES, following
from services.monitoring.domain.events import TOPICS, Event
from services.monitoring.domain.medicines import TakenMedicine
from services.monitoring.domain.noted import DiscontinuationNoted, PrescriptionNoted, StrikeNoted
from services.monitoring.domain.state import DECIDER, Watch
from tests.support.controls import monitoring as m
from tests.support.controls.moments import LAST_WEEK, NOON, TODAY, event, fact
from tests.support.noting import RECORDED_AT, received
from tests.support.speaking import Desk

LITHIUM = PrescriptionNoted(
    fact_id=fact("lithium"),
    evidence=event("lithium"),
    medicine=Medicine(name="lithium carbonate 300 MG Oral Capsule"),
    starts_on=TODAY - timedelta(days=30),
    occurred_at=LAST_WEEK,
)


def level(value: str, name: str = "level", on: date = TODAY, unit: str = "mmol/L") -> assessment.ResultsRecorded:
    result = assessment.Result(loinc="14334-7", value=Decimal(value), unit=unit, on=on, display="Lithium")
    return assessment.ResultsRecorded(
        fact_id=fact(name), results=(result,), none_known=False, source="laboratory", occurred_at=NOON
    )


def weight() -> assessment.ResultsRecorded:
    result = assessment.Result(loinc="29463-7", value=Decimal(71), unit="kg", on=TODAY, display="Weight")
    return assessment.ResultsRecorded(
        fact_id=fact("weight"), results=(result,), none_known=False, source="laboratory", occurred_at=NOON
    )


def struck(name: str) -> EnteredInError:
    return EnteredInError(fact_id=fact(name), reason="typo", marked_by="nurse", occurred_at=NOON)


STOPPED = prescribing.PrescriptionDiscontinued(
    fact_id=fact("stopped"),
    prescription=LITHIUM.fact_id,
    status_reason=prescribing.StatusReason.INTOLERANCE,
    stopped_on=TODAY - timedelta(days=1),
    prescriber="dr-osei",
    occurred_at=NOON,
)
SOURCES = {prescribing.PrescriptionDiscontinued: "prescribing"}


async def heard(*facts: Any, before: tuple[Event, ...] = (LITHIUM,)) -> list[Event]:
    """What monitoring stores of these, each of which comes twice."""
    desk: Desk[Watch, Event] = Desk("monitoring", TOPICS, DECIDER)
    await desk.note(*before)
    for number, one in enumerate(facts):
        wire_type = f"care.{SOURCES.get(type(one), 'assessment')}.{type(one).__name__}.v1"
        for _time in range(2):
            _risks, consumer = following(desk.streams)
            effects = await consumer.handle([received(wire_type, one, f"heard {number}")])
            await desk.store.commit(Unit(writes=effects.writes))
    return list(await desk.stored())[len(before) :]


def said(stored: list[Event]) -> list[str]:
    """Rules as they were raised, and why each was ended."""
    found = []
    for one in stored:
        if isinstance(one, ResultActionRaised):
            found.append(one.rule)
        elif isinstance(one, ResultActionEnded):
            found.append(f"ended: {one.because}")
    return found


async def test_a_toxic_level_is_raised_once_with_its_clock_and_what_is_to_be_done() -> None:
    _noted, raised = await heard(level("2.3"))
    assert isinstance(raised, ResultActionRaised)
    assert raised == ResultActionRaised(
        fact_id=raised.fact_id,
        rule="result.lithium.toxic",
        rule_version=1,
        drug="lithium",
        measure="lithium-level",
        severity="contraindicated",
        message="Lithium above 1.5 mmol/L.",
        action="Hold lithium; examine and repeat the level today.",
        recheck_by=TODAY + timedelta(days=1),
        due_at=RECORDED_AT + timedelta(minutes=15),
        result=fact("level"),
        recorded_by="somebody",
        occurred_at=NOON,
    )


@pytest.mark.parametrize(
    ("value", "unit", "rules"),
    [
        ("1.5", "mmol/L", ["result.lithium.high"]),
        ("1.51", "mmol/L", ["result.lithium.toxic"]),
        ("1.2", "mmol/L", []),
        ("0.59", "mmol/L", ["result.lithium.low"]),
        ("16", "mg/L", ["result.lithium.toxic"]),
    ],
)
async def test_the_bounds_are_those_of_the_rules_in_the_unit_of_the_measure(
    value: str, unit: str, rules: list[str]
) -> None:
    assert said(await heard(level(value, unit=unit))) == rules


async def test_it_is_demanded_also_of_a_medicine_of_the_list() -> None:
    listed = replace(m.LISTED, medicines=(TakenMedicine(medicine=Medicine(name="lithium")),))
    assert said(await heard(level("2.3"), before=(listed,))) == ["result.lithium.toxic"]


async def test_who_takes_no_lithium_is_asked_for_nothing() -> None:
    assert said(await heard(level("2.3"), before=())) == []
    ended = DiscontinuationNoted(
        fact_id=fact("stopped"),
        evidence=event("stopped"),
        prescription=LITHIUM.fact_id,
        stopped_on=TODAY - timedelta(days=2),
        occurred_at=LAST_WEEK,
    )
    assert said(await heard(level("2.3"), before=(LITHIUM, ended))) == []


async def test_a_new_result_that_settles_it_ends_it() -> None:
    tomorrow = TODAY + timedelta(days=1)
    assert said(await heard(level("2.3"), level("0.8", "again", tomorrow))) == [
        "result.lithium.toxic",
        "ended: new-result",
    ]


async def test_a_new_result_that_is_as_bad_asks_again() -> None:
    tomorrow = TODAY + timedelta(days=1)
    assert said(await heard(level("2.3"), level("2.1", "again", tomorrow))) == [
        "result.lithium.toxic",
        "ended: new-result",
        "result.lithium.toxic",
    ]


async def test_an_older_result_that_comes_late_and_another_measure_change_nothing() -> None:
    late = level("0.8", "late", TODAY - timedelta(days=9))
    assert said(await heard(level("2.3"), late, weight())) == ["result.lithium.toxic"]


async def test_a_struck_result_withdraws_it_and_a_struck_newer_one_demands_it_again() -> None:
    assert said(await heard(level("2.3"), struck("level"))) == ["result.lithium.toxic", "ended: struck"]
    strike = StrikeNoted(fact_id=fact("again"), evidence=event("strike"), occurred_at=NOON)
    again = level("0.8", "again", TODAY + timedelta(days=1))
    stored = await heard(level("2.3"), again, struck("again"))
    assert said(stored) == ["result.lithium.toxic", "ended: new-result", "result.lithium.toxic"]
    assert strike not in stored


async def test_the_end_of_the_drug_ends_it() -> None:
    assert said(await heard(level("2.3"), STOPPED)) == ["result.lithium.toxic", "ended: drug-stopped"]


def test_results_and_all_that_ends_what_they_demand_are_listened_to() -> None:
    assert set(RESULT_NOTES) == {
        "care.assessment.ResultsRecorded.v1",
        "care.assessment.EnteredInError.v1",
        "care.prescribing.PrescriptionDiscontinued.v1",
        "care.prescribing.EnteredInError.v1",
    }
