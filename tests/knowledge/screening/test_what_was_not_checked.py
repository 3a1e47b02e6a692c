"""What was not checked: by which check, why, and what it is about."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from careloop.knowledge.chart import Chart, Condition, Lab, Medication, OrderedMedicine, Trial, TrialResponse
from careloop.knowledge.screening.case import amount, figure
from careloop.knowledge.screening.screen import screen
from tests.support.knowledge import KNOWN, TODAY, allergic, diagnosed, ended, gaps, of, order, takes, taking, tried

CHILD = date(2010, 1, 1)
UNREADABLE = (
    Lab(loinc="33914-3", value=Decimal(50), unit="bushels", at=TODAY),
    Lab(loinc="14334-7", value=Decimal(1), at=TODAY),
    Lab(loinc="3016-3", value=Decimal(1), at=TODAY),
)

NOTHING_ASKED = of(
    birth_date=None, sex=None, pregnancy=None, weight_kg=None, conditions=(Condition(snomed="999"),), labs=None,
    genotypes=None, suicide_risk=None,
)  # fmt: skip
"""A patient of whom no rule about a harmless drug needs to know anything."""

GAPS: list[tuple[OrderedMedicine, Chart, list[tuple[str, str, str]]]] = [
    (order("sertraline"), KNOWN, []),
    (order("metformin", days_supply=None), NOTHING_ASKED, []),
    (order("buspirone", days_supply=None), NOTHING_ASKED, []),
    (order("sertraline", None), KNOWN, [("dose", "dose-missing", "sertraline")]),
    (order("amoxicillin"), KNOWN, [("dose", "not-in-pack", "amoxicillin")]),
    (order("valproate"), of(weight_kg=None), [("dose", "weight-missing", "valproate")]),
    (order("valproate"), of(weight_kg=Decimal(0)), [("dose", "weight-missing", "valproate")]),
    (order("olanzapine"), of(birth_date=CHILD), [("dose", "dose-under-18", "olanzapine")]),
    (
        order("buprenorphine / naloxone"), KNOWN,
        [("dose", "dose-of-combination", "buprenorphine / naloxone")],
    ),
    (
        order("omeprazole"), replace(KNOWN, medications=(Medication(name="citalopram"),)),
        [("dose", "dose-missing", "citalopram"), ("dose", "not-in-pack", "omeprazole")],
    ),
    (
        order("lamotrigine", 150), takes("lamotrigine", 100),
        [("dose", "start-date-missing", "lamotrigine")],
    ),
    (
        order("citalopram", 30), of(conditions=None),
        [
            ("drug-condition", "conditions-not-recorded", ""),
            ("dose", "conditions-not-recorded", "citalopram"),
        ],
    ),
    (
        order("citalopram", 30), replace(KNOWN, medications=None),
        [
            ("drug-drug", "medications-not-recorded", ""),
            ("washout", "medications-not-recorded", ""),
            ("duplicate-therapy", "medications-not-recorded", ""),
            ("dose", "medications-not-recorded", "citalopram"),
        ],
    ),
    (
        order("clozapine", 300), replace(KNOWN, medications=None),
        [
            ("drug-drug", "medications-not-recorded", ""),
            ("washout", "medications-not-recorded", ""),
            ("duplicate-therapy", "medications-not-recorded", ""),
            ("dose", "medications-not-recorded", "clozapine"),
        ],
    ),
    (
        order("citalopram", 30), of(birth_date=None),
        [("dose", "birth-date-missing", "citalopram"), ("age", "birth-date-missing", "")],
    ),
    (order("sertraline"), of(birth_date=None), [("age", "birth-date-missing", "")]),
    (order("valproate"), of(pregnancy=None), [("pregnancy", "pregnancy-unknown", "")]),
    (order("bupropion"), of(conditions=None), [("drug-condition", "conditions-not-recorded", "")]),
    (
        order("bupropion"), diagnosed(Condition(snomed="999"), Condition()),
        [("drug-condition", "unknown-condition", ""), ("drug-condition", "unknown-condition", "999")],
    ),
    (
        order("sertraline"), of(allergies=None, no_known_allergies=None),
        [("allergy", "allergies-not-asked", "")],
    ),
    (order("sertraline"), allergic("xyzmab"), [("allergy", "unknown-substance", "xyzmab")]),
    (order("sertraline"), allergic(None, "999"), [("allergy", "unknown-substance", "999")]),
    (order("sertraline"), allergic("amoxicillin", "36437"), [("allergy", "contradictory-code", "amoxicillin")]),
    (order("sertraline"), allergic(None, "6011"), [("allergy", "code-unverified", "6011")]),
    (
        order("sertraline"), allergic("xyzmab 5 MG / amoxicillin 500 MG"),
        [("allergy", "unknown-drug", "xyzmab")],
    ),
    (order("sertraline"), allergic("Tartrazine (substance)"), [("allergy", "excipients-not-in-pack", "tartrazine")]),
    (order("lithium"), of(labs=None), [("lab", "labs-not-recorded", "lithium")]),
    (
        order("lithium"), of(labs=UNREADABLE),
        [
            ("lab", "result-not-understood", "14334-7 without a unit"),
            ("lab", "result-not-understood", "33914-3 in bushels"),
        ],
    ),
    (
        order("sertraline"), taking("xyzmab"),
        [("drug-drug", "unknown-drug", "xyzmab"), ("duplicate-therapy", "unknown-drug", "xyzmab")],
    ),
    (order("sertraline"), ended("xyzmab", 3), [("washout", "unknown-drug", "xyzmab")]),
    (
        order("ethinyl estradiol"), takes("Qsymia", 200),
        [
            ("drug-drug", "dose-or-route-missing", "ethinyl estradiol / topiramate"),
            ("dose", "not-in-pack", "ethinyl estradiol"),
        ],
    ),
    (
        order("Qsymia", 200), takes("ethinyl estradiol", 1),
        [
            ("drug-drug", "dose-or-route-missing", "topiramate / ethinyl estradiol"),
            ("dose", "dose-of-combination", "phentermine / topiramate"),
        ],
    ),
    (order("fluoxetine"), replace(KNOWN, trials=None), [("prior-trial", "trials-not-recorded", "")]),
    (
        order("fluoxetine"), tried(Trial(name="xyzmab"), Trial(name="Prozac", response=TrialResponse.NONE)),
        [("prior-trial", "trial-details-missing", "fluoxetine"), ("prior-trial", "unknown-drug", "xyzmab")],
    ),
    (order("lithium", days_supply=None), KNOWN, [("supply", "days-supply-missing", "lithium")]),
    (order("lithium", days_supply=-1), KNOWN, [("supply", "days-supply-missing", "lithium")]),
    (order("lithium", days_supply=15), of(suicide_risk=None), [("supply", "suicide-risk-unknown", "lithium")]),
    (
        order("methylphenidate", days_supply=None), KNOWN,
        [
            ("supply", "days-supply-missing", "methylphenidate"),
            ("controlled-substance", "days-supply-missing", "methylphenidate"),
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "chart", "told"), GAPS)
def test_what_was_not_checked_says_why_and_what_it_is_about(
    asked: OrderedMedicine, chart: Chart, told: list[tuple[str, str, str]]
) -> None:
    found = gaps(screen(chart, asked, TODAY))
    assert [(str(gap.check), str(gap.reason), gap.subject) for gap in found] == told


@pytest.mark.parametrize(
    ("told", "used"),
    [
        (None, None), ("NaN", None), ("sNaN", None), ("Infinity", None), ("-Infinity", None), ("-0.01", None),
        ("0", "0"), ("-0", "0"), ("12.50", "12.5"), ("1E-12", "1E-12"), ("9E-13", "0"), ("1E-999999", "0"),
        ("1E+12", "1E+12"), ("1.01E+12", "1E+12"), ("1E+999999", "1E+12"),
    ],
)  # fmt: skip
def test_an_amount_that_cannot_be_is_untold_and_one_beyond_all_measure_is_held(
    told: str | None, used: str | None
) -> None:
    found = amount(None if told is None else Decimal(told))
    assert found == (None if used is None else Decimal(used))
    assert found is None or len(figure(found)) <= 14
