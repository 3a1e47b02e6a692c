"""Scales answered or taken over as totals, and the risk an answer raises."""

from dataclasses import replace
from datetime import timedelta

import pytest

from careloop.contracts.terms import RiskLevel, RiskRaised, ScaleScored
from services.assessment.domain import scales
from services.assessment.domain.state import DECIDER
from tests.support.controls import assessment as control
from tests.support.specification import given

ENROLLED = given(DECIDER, control.ENROLLED)


def answered(instrument: str, *items: int | None) -> list[object]:
    command = replace(control.ANSWER_PHQ_9, instrument=instrument, items=items)
    return list(ENROLLED.when(scales.answer_scale, command).decided)


def test_answers_are_scored() -> None:
    ENROLLED.when(scales.answer_scale, control.ANSWER_SCREENER).then(control.SCREENER)


def test_a_positive_item_9_raises_the_risk_with_a_clock_that_starts_now() -> None:
    ENROLLED.when(scales.answer_scale, control.ANSWER_PHQ_9).then(control.PHQ_9, control.RISK)


@pytest.mark.parametrize("item_9", [0, None])
def test_item_9_raises_nothing_when_it_is_negative_or_missing(item_9: int | None) -> None:
    (scale,) = answered("phq-9", 3, 3, 3, 3, 3, 3, 3, 3, item_9)
    assert isinstance(scale, ScaleScored)


@pytest.mark.parametrize(
    ("items", "level", "hours"),
    [
        ((1, 1, 0, 1, 0, 0, 0), RiskLevel.HIGH, 1),
        ((1, 1, 1, 1, 1, 0, 0), RiskLevel.HIGH, 1),
        ((0, 0, None, None, None, 1, 1), RiskLevel.HIGH, 1),
        ((1, 1, 1, 0, 0, 0, 0), RiskLevel.MODERATE, 24),
        ((0, 0, None, None, None, 1, 0), RiskLevel.MODERATE, 24),
    ],
)
def test_a_screener_from_moderate_raises_the_risk(items: tuple[int | None, ...], level: RiskLevel, hours: int) -> None:
    _, risk = answered("c-ssrs", *items)
    assert isinstance(risk, RiskRaised)
    assert (risk.level, risk.due_at, risk.rule) == (level, control.NOW + timedelta(hours=hours), "risk.c-ssrs-band")


@pytest.mark.parametrize("items", [(0, 0, None, None, None, 0, 0), (1, 1, 0, 0, 0, 0, 0)])
def test_a_screener_below_moderate_raises_nothing(items: tuple[int | None, ...]) -> None:
    assert len(answered("c-ssrs", *items)) == 1


def test_a_total_from_elsewhere_has_no_items() -> None:
    (scale,) = ENROLLED.when(scales.record_scale_total, control.RECORD_TOTAL).decided
    assert isinstance(scale, ScaleScored)
    assert (scale.items, scale.total, scale.band) == (None, 12, "moderate")


@pytest.mark.parametrize(
    ("instrument", "total", "slug"),
    [("gad-7", 22, "out-of-range"), ("c-ssrs", 1, "items-needed"), ("horoscope", 1, "unknown-instrument")],
)
def test_a_total_that_cannot_be_is_refused(instrument: str, total: int, slug: str) -> None:
    command = replace(control.RECORD_TOTAL, instrument=instrument, total=total)
    ENROLLED.when(scales.record_scale_total, command).then_refused(slug)


def test_a_scale_with_answers_it_does_not_have_is_refused() -> None:
    ENROLLED.when(scales.answer_scale, replace(control.ANSWER_PHQ_9, items=(1, 2))).then_refused("wrong-count")
    too_high = replace(control.ANSWER_PHQ_9, items=(4, 0, 0, 0, 0, 0, 0, 0, 0))
    ENROLLED.when(scales.answer_scale, too_high).then_refused("out-of-range")


def test_scales_are_for_enrolled_clients() -> None:
    given(DECIDER).when(scales.answer_scale, control.ANSWER_PHQ_9).then_refused("patient-not-known")
    given(DECIDER).when(scales.record_scale_total, control.RECORD_TOTAL).then_refused("patient-not-known")
