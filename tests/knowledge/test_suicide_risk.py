"""When an answered scale asks for a suicide-risk contact, how high the risk is read, and how soon someone must look."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from careloop.knowledge.suicide_risk import RiskClocks, RiskFinding, RiskLevel, item_9, risk_raised, screened_risk

EIGHT_ZEROS = (0,) * 8
ITEM_9 = ("phq-9-item-9", "risk.phq-9-item-9", 1)


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
        ("phq-9", (*EIGHT_ZEROS, 3), "minimal", RiskLevel.MODERATE),
        ("phq-9", (*EIGHT_ZEROS, None), "minimal", None),
        ("phq-9", EIGHT_ZEROS, "minimal", None),
        ("phq-9", None, "severe", None),
        ("gad-7", (3,) * 9, "high", None),
    ],
)
def test_what_a_scale_screened_for(
    instrument: str, items: Sequence[int | None] | None, band: str, level: RiskLevel | None
) -> None:
    assert screened_risk(instrument, items, band) is level


@pytest.mark.parametrize(
    ("instrument", "items", "band", "found"),
    [
        ("c-ssrs", None, "low", None),
        ("c-ssrs", None, "", None),
        ("c-ssrs", None, "moderate", (RiskLevel.MODERATE, "c-ssrs-moderate", "risk.c-ssrs-band", 1)),
        ("c-ssrs", None, "high", (RiskLevel.HIGH, "c-ssrs-high", "risk.c-ssrs-band", 1)),
        ("phq-9", (*EIGHT_ZEROS, 0), "minimal", None),
        ("phq-9", (*EIGHT_ZEROS, 1), "minimal", (RiskLevel.MODERATE, *ITEM_9)),
        ("asrm", (4,) * 5, "probable-mania", None),
    ],
)
def test_when_a_contact_is_asked_for_and_by_which_rule(
    instrument: str,
    items: Sequence[int | None] | None,
    band: str,
    found: tuple[RiskLevel, str, str, int] | None,
) -> None:
    told = found and RiskFinding(level=found[0], reason=found[1], rule=found[2], rule_version=found[3])
    assert risk_raised(instrument, items, band) == told


def test_item_9_is_the_ninth_answer_of_a_phq_9_alone() -> None:
    assert item_9("phq-9", (0, 0, 0, 0, 0, 0, 0, 0, 2)) == 2
    assert item_9("phq-9", (0, 0, 0, 0, 0, 0, 0, 1, 2, 3)) == 2
    assert item_9("phq-9", (1,) * 8) is item_9("phq-9", None) is item_9("pcl-5", (1,) * 20) is None


@pytest.mark.parametrize(("level", "hours"), [("high", 1), ("moderate", 24), ("low", 24), ("none", 24)])
def test_a_high_risk_is_looked_at_within_the_hour(level: str, hours: int) -> None:
    assert RiskClocks().within(RiskLevel(level)) == timedelta(hours=hours)
    assert RiskClocks(high=timedelta(minutes=5)).within(RiskLevel.HIGH) == timedelta(minutes=5)


def test_bands_rise_from_none_to_high() -> None:
    assert [level.rank for level in (RiskLevel.NONE, RiskLevel.LOW, RiskLevel.MODERATE, RiskLevel.HIGH)] == [0, 1, 2, 3]
