"""Daily doses above which no reason lets an order pass."""

from typing import Any

import pytest

from careloop.knowledge.findings import Check, Severity
from careloop.knowledge.pack.pack import load
from careloop.knowledge.screening.screen import screen
from tests.support.knowledge import KNOWN, TODAY, alerts, asked, of, order, released


def barred(name: str, mg: str, **told: Any) -> list[str]:
    found = alerts(asked(name, of(**told), mg=mg), Check.DOSE)
    return [one.rule for one in found if one.severity is Severity.CONTRAINDICATED]


@pytest.mark.parametrize(
    ("drug", "most", "more"),
    [
        ("bupropion", "450", "450.5"),
        ("clozapine", "900", "901"),
        ("citalopram", "40", "41"),
        ("zolpidem", "10", "12.5"),
    ],
)
def test_what_a_label_forbids_is_barred_from_its_own_figure_on(drug: str, most: str, more: str) -> None:
    assert barred(drug, most) == []
    assert barred(drug, more) == [f"dose.never-above.{drug}"]


@pytest.mark.parametrize(("drug", "most", "more"), [("sertraline", "400", "400.1"), ("mirtazapine", "90", "91")])
def test_anything_else_is_barred_above_twice_its_maximum(drug: str, most: str, more: str) -> None:
    assert barred(drug, most) == []
    assert barred(drug, more) == ["dose.never-above"]


def test_the_alert_says_the_dose_and_the_limit() -> None:
    (found,) = [one for one in alerts(asked("sertraline", mg=5000), Check.DOSE) if one.rule == "dose.never-above"]
    assert found.involves == ("sertraline",)
    assert "5000 mg" in found.message
    assert "400 mg" in found.message


def test_without_a_dose_or_a_maximum_nothing_is_barred() -> None:
    assert [one.rule for one in alerts(asked("sertraline", mg=None), Check.DOSE)] == []
    assert barred("amoxicillin", "100000") == []


def test_of_a_maximum_by_weight_the_weight_decides() -> None:
    """60 mg for each kilogram, twice."""
    assert barred("valproate", "8400") == []
    assert barred("valproate", "8401") == ["dose.never-above"]
    assert barred("valproate", "8401", weight_kg=None) == []


def test_a_pack_from_before_these_rules_bars_nothing() -> None:
    found = screen(KNOWN, order("sertraline", 5000), TODAY, load(released("1.2.0")))
    assert {one.severity for one in alerts(found, Check.DOSE)} == {Severity.HIGH}
