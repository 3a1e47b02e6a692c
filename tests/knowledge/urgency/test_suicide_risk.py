"""When an answered scale asks for a suicide-risk contact, how high the risk is read, and how soon someone must look."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from careloop.knowledge.urgency.suicide_risk import RiskFinding, RiskLevel, risk_raised, screened_risk
from tests.support.knowledge import TODAY

EIGHT_ZEROS = (0,) * 8
ITEM_9 = ("phq-9-item-9", "risk.phq-9-item-9", 1, 24)


@pytest.mark.parametrize(
    ("instrument", "items", "band", "level"),
    [
        ("c-ssrs", None, "none", RiskLevel.NONE),
        ("c-ssrs", None, "low", RiskLevel.LOW),
        ("c-ssrs", None, "moderate", RiskLevel.MODERATE),
        ("c-ssrs", None, "high", RiskLevel.HIGH),
        ("c-ssrs", (1, None, None, None, None, None, None), "", None),
        ("phq-9", (*EIGHT_ZEROS, 0), "minimal", RiskLevel.NONE),
        ("phq-9", (*EIGHT_ZEROS, 1), "minimal", RiskLevel.MODERATE),
        ("phq-9", (*EIGHT_ZEROS, 2), "minimal", RiskLevel.MODERATE),
        ("phq-9", (*EIGHT_ZEROS, 3), "minimal", RiskLevel.MODERATE),
        ("phq-9", (*EIGHT_ZEROS, 0, 3), "minimal", RiskLevel.NONE),
        ("phq-9", (*EIGHT_ZEROS, None), "minimal", None),
        ("phq-9", EIGHT_ZEROS, "minimal", None),
        ("phq-9", None, "severe", None),
        ("gad-7", (3,) * 9, "high", None),
    ],
)
def test_what_a_scale_screened_for(
    instrument: str, items: Sequence[int | None] | None, band: str, level: RiskLevel | None
) -> None:
    assert screened_risk(instrument, items, band, TODAY) is level


@pytest.mark.parametrize(
    ("instrument", "items", "band", "found"),
    [
        ("c-ssrs", None, "none", None),
        ("c-ssrs", None, "low", None),
        ("c-ssrs", None, "", None),
        ("c-ssrs", None, "moderate", (RiskLevel.MODERATE, "c-ssrs-moderate", "risk.c-ssrs-band", 2, 24)),
        ("c-ssrs", None, "high", (RiskLevel.HIGH, "c-ssrs-high", "risk.c-ssrs-band", 2, 1)),
        ("phq-9", (*EIGHT_ZEROS, 0), "minimal", None),
        ("phq-9", (*EIGHT_ZEROS, None), "minimal", None),
        ("phq-9", (*EIGHT_ZEROS, 1), "minimal", (RiskLevel.MODERATE, *ITEM_9)),
        ("phq-9", (*EIGHT_ZEROS, 3), "minimal", (RiskLevel.MODERATE, *ITEM_9)),
        ("asrm", (4,) * 5, "probable-mania", None),
    ],
)
def test_when_a_contact_is_asked_for_by_which_rule_and_within_how_many_hours(
    instrument: str,
    items: Sequence[int | None] | None,
    band: str,
    found: tuple[RiskLevel, str, str, int, int] | None,
) -> None:
    told = found and RiskFinding(
        level=found[0], reason=found[1], rule=found[2], rule_version=found[3], within=timedelta(hours=found[4])
    )
    assert risk_raised(instrument, items, band, TODAY) == told


def test_an_answer_that_the_item_does_not_have_is_read_as_the_nearest() -> None:
    assert screened_risk("phq-9", (*EIGHT_ZEROS, 9), "minimal", TODAY) is RiskLevel.MODERATE
    assert screened_risk("phq-9", (*EIGHT_ZEROS, -1), "minimal", TODAY) is RiskLevel.NONE


def test_a_scale_answered_before_the_rules_begin_is_read_by_the_first_of_them() -> None:
    assert screened_risk("c-ssrs", None, "high", date(1999, 12, 31)) is RiskLevel.HIGH


def test_bands_rise_from_none_to_high() -> None:
    assert [level.rank for level in (RiskLevel.NONE, RiskLevel.LOW, RiskLevel.MODERATE, RiskLevel.HIGH)] == [0, 1, 2, 3]
