"""What came to be noted later is noted by a consumer of its own, which begins at the first fact."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from careloop.contracts import assessment, terms
from services.prescribing.consumers import COURSE_NOTES, EPISODES_HEARD, NOTES
from services.prescribing.domain.noted import AssessmentPartNoted, CompletionNoted
from services.prescribing.evidence import CONSUMERS
from tests.prescribing.serving import Log
from tests.support.controls import assessment as a
from tests.support.noting import EVENT, noted

PHQ_9_WITHOUT_ITEM_9 = replace(a.PHQ_9, items=(*a.PHQ_9.items[:8], None))  # type: ignore[index]
GAD_7 = replace(a.PHQ_9, instrument="gad-7", items=(1,) * 7, flags=())


async def notes_of(fact: Any) -> list[Any]:
    (wire_type,) = [name for name, contract in assessment.TYPES.items() if contract is type(fact)]
    return await noted(COURSE_NOTES, Log().streams, wire_type, fact)


@pytest.mark.parametrize(
    ("fact", "part"),
    [(a.PLAN_PROPOSED, "plan"), (a.SCREENER, "suicide-risk-screen"), (a.PHQ_9, "suicide-risk-screen")],
)
async def test_a_plan_and_a_screen_of_suicide_risk_are_parts_of_an_assessment(fact: Any, part: str) -> None:
    expected = AssessmentPartNoted(fact_id=fact.fact_id, evidence=EVENT, part=part, occurred_at=fact.occurred_at)
    assert await notes_of(fact) == [expected]


@pytest.mark.parametrize("scale", [PHQ_9_WITHOUT_ITEM_9, GAD_7])
async def test_a_scale_that_says_nothing_of_suicide_risk_is_none(scale: terms.ScaleScored) -> None:
    assert await notes_of(scale) == []


async def test_a_completion_is_noted() -> None:
    expected = CompletionNoted(fact_id=a.COMPLETED.fact_id, evidence=EVENT, occurred_at=a.COMPLETED.occurred_at)
    assert await notes_of(a.COMPLETED) == [expected]


def sources_of(notes: Mapping[str, Any]) -> set[str]:
    return {wire_type.split(".")[1] for wire_type in notes}


def test_each_consumer_is_waited_for_as_to_the_sources_that_it_notes_of() -> None:
    read = [sources_of(NOTES), sources_of(COURSE_NOTES), sources_of(EPISODES_HEARD)]
    assert [set(sources) for sources in CONSUMERS.values()] == read


async def test_conditions_are_noted_with_their_status_and_diagnoses_with_their_severity() -> None:
    (status,) = await notes_of(a.HISTORY)
    assert status.fact_id == a.HISTORY.fact_id
    assert [(one.snomed, one.clinical_status) for one in status.conditions] == [("370143000", "active")]
    assert await notes_of(replace(a.HISTORY, conditions=())) == []
    (severity,) = await notes_of(a.DIAGNOSIS)
    assert (severity.fact_id, severity.severity) == (a.DIAGNOSIS.fact_id, "moderate")
    assert await notes_of(replace(a.DIAGNOSIS, severity=assessment.Severity.UNSPECIFIED)) == []
