"""Daily doses above which no reason lets an order pass."""

from typing import Any

import pytest

from careloop.knowledge.chart import Condition
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


@pytest.mark.parametrize(
    ("product", "most", "more", "rule"),
    [
        ("zolpidem extended-release", "12.5", "12.6", "dose.never-above.zolpidem"),
        ("Ambien CR", "12.5", "25", "dose.never-above.zolpidem"),
        ("Ambien", "10", "12.5", "dose.never-above.zolpidem"),
        ("Aplenzin", "522", "523", "dose.never-above.bupropion"),
        ("bupropion hydrobromide", "522", "523", "dose.never-above.bupropion"),
        ("Wellbutrin XL", "450", "451", "dose.never-above.bupropion"),
        ("bupropion SR", "400", "401", "dose.never-above.bupropion"),
        ("Namenda XR", "56", "57", "dose.never-above"),
        ("memantine", "40", "41", "dose.never-above"),
    ],
)
def test_each_form_has_a_ceiling_of_its_own(product: str, most: str, more: str, rule: str) -> None:
    assert barred(product, most) == []
    assert barred(product, more) == [rule]


def test_a_form_within_its_own_maximum_is_no_alert_and_beyond_it_is_one() -> None:
    def told(product: str, mg: str) -> list[str]:
        return [one.rule for one in alerts(asked(product, of(), mg=mg), Check.DOSE) if "max-daily" in one.rule]

    assert told("Paxil CR", "75") == [] == told("Ambien CR", "12.5") == told("Jornay PM", "100")
    assert told("paroxetine", "75") == ["dose.max-daily"] == told("Daytrana", "40")


@pytest.mark.parametrize(
    ("drug", "icd10", "labelled", "more"),
    [
        ("clonazepam", "G40.909", "20", "20.5"),
        ("propranolol", "I10", "640", "641"),
        ("clonidine", "I10", "2.4", "2.5"),
        ("prochlorperazine", "F20.9", "150", "151"),
    ],
)
def test_a_labelled_use_is_barred_by_its_own_figure(drug: str, icd10: str, labelled: str, more: str) -> None:
    ill = (Condition(icd10=icd10),)
    assert barred(drug, labelled, conditions=ill) == []
    assert barred(drug, more, conditions=ill) != []
    assert barred(drug, labelled, conditions=()) == ["dose.never-above"]


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
