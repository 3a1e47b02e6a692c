"""Results under every code and in every unit, filtration rates that are computed, and what nobody understands."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from careloop.knowledge.chart import Lab, Sex
from careloop.knowledge.findings import Check, Screening, ScreeningOutcome
from careloop.knowledge.screening.results import clearance, filtration_rate
from tests.support.knowledge import TODAY, asked, gaps, of, rules

EGFR_CODES = (
    "33914-3", "98979-8", "98980-6", "62238-1", "48642-3", "48643-1", "77147-7", "88293-6", "88294-4", "50044-7",
)  # fmt: skip
RATE = "mL/min/{1.73_m2}"


def lab(loinc: str, value: str, unit: str | None, days_ago: int = 0) -> Lab:
    return Lab(loinc=loinc, value=Decimal(value), unit=unit, at=TODAY - timedelta(days=days_ago))


def found(drug: str, mg: str, *labs: Lab, **patient: Any) -> Screening:
    return asked(drug, of(labs=labs, **patient), mg)


def missed(answer: Screening) -> list[tuple[str, str]]:
    return [(str(gap.reason), gap.subject) for gap in gaps(answer)]


@pytest.mark.parametrize("code", EGFR_CODES)
@pytest.mark.parametrize("unit", [RATE, "mL/min/1.73m2", "ml/min/1.73 m2", "mL/min"])
def test_a_filtration_rate_is_one_under_each_of_its_codes(code: str, unit: str) -> None:
    for value, told in (("24", {"dose.duloxetine-renal"}), ("29.9", {"dose.duloxetine-renal"}), ("30", set())):
        assert rules(found("duloxetine", "60", lab(code, value, unit)), Check.DOSE) == told


@pytest.mark.parametrize(
    ("drug", "code", "value", "unit", "rule"),
    [
        ("ziprasidone", "76635-2", "501", "ms", "lab.qtc-long"),
        ("ziprasidone", "8636-3", "0.501", "s", "lab.qtc-long"),
        ("ziprasidone", "6298-4", "3.4", "mmol/L", "lab.qt-potassium-low"),
        ("sertraline", "2947-0", "129", "meq/L", "lab.ssri-sodium-low"),
        ("clozapine", "753-4", "1.4", "10*3/uL", "lab.clozapine-anc-start"),
        ("clozapine", "26499-4", "1400", "/mm3", "lab.clozapine-anc-start"),
        ("lithium", "14334-7", "1.51", "mEq/L", "lab.lithium-level-toxic"),
        ("lithium", "3719-2", "10.5", "mg/L", "lab.lithium-level-toxic"),
        ("olanzapine", "4548-4", "9.1", "%", "lab.olanzapine-a1c"),
        ("olanzapine", "59261-8", "76", "mmol/mol", "lab.olanzapine-a1c"),
        ("gepirone", "8636-3", "451", "ms", "lab.gepirone-qtc"),
    ],
)
def test_a_result_speaks_under_its_other_codes_and_units(
    drug: str, code: str, value: str, unit: str, rule: str
) -> None:
    assert rule in rules(found(drug, "1", lab(code, value, unit)), Check.LAB)


@pytest.mark.parametrize(
    ("drug", "code", "value", "unit"),
    [
        ("ziprasidone", "76635-2", "500", "ms"), ("ziprasidone", "6298-4", "3.5", "mmol/L"),
        ("sertraline", "2947-0", "130", "mmol/L"), ("olanzapine", "4548-4", "9.0", "%"),
        ("gepirone", "8636-3", "450", "ms"),
    ],
)  # fmt: skip
def test_a_result_on_its_bound_is_quiet(drug: str, code: str, value: str, unit: str) -> None:
    assert rules(found(drug, "1", lab(code, value, unit)), Check.LAB) == set()


@pytest.mark.parametrize(
    ("creatinine", "age", "sex", "rate"),
    [
        ("1.0", 50, Sex.FEMALE, "68.63"), ("1.0", 50, Sex.MALE, "91.69"), ("0.7", 40, Sex.FEMALE, "112.05"),
        ("0.9", 40, Sex.MALE, "110.72"), ("0.5", 30, Sex.FEMALE, "129.32"), ("2.4", 80, Sex.MALE, "26.61"),
    ],
)  # fmt: skip
def test_the_rate_is_that_of_ckd_epi_2021(creatinine: str, age: int, sex: Sex, rate: str) -> None:
    assert filtration_rate(Decimal(creatinine), age, sex) == pytest.approx(Decimal(rate), abs=Decimal("0.02"))


@pytest.mark.parametrize(
    ("creatinine", "age", "sex", "kg", "rate"),
    [("1", 60, Sex.MALE, "72", "80"), ("1", 60, Sex.FEMALE, "72", "68"), ("2", 140, Sex.MALE, "72", "0")],
)
def test_the_clearance_is_that_of_cockcroft_and_gault(creatinine: str, age: int, sex: Sex, kg: str, rate: str) -> None:
    assert clearance(Decimal(creatinine), age, sex, Decimal(kg)) == Decimal(rate)


OLD_MAN = {"birth_date": date(1946, 5, 1), "sex": Sex.MALE, "pregnancy": None}


@pytest.mark.parametrize(("code", "value", "unit"), [("2160-0", "2.4", "mg/dL"), ("14682-9", "212.2", "umol/L")])
def test_creatinine_gives_a_rate_with_age_and_sex(code: str, value: str, unit: str) -> None:
    assert rules(found("duloxetine", "60", lab(code, value, unit), **OLD_MAN), Check.DOSE) == {"dose.duloxetine-renal"}


@pytest.mark.parametrize(
    "unknown", [{"birth_date": None}, {"sex": None}, {"sex": Sex.OTHER}, {"birth_date": date(2009, 1, 1)}]
)
def test_without_age_or_sex_or_of_a_child_it_gives_none(unknown: dict[str, Any]) -> None:
    answer = found("duloxetine", "60", lab("2160-0", "2.4", "mg/dL"), **{**OLD_MAN, **unknown})
    assert "dose.duloxetine-renal" not in rules(answer, Check.DOSE)


def test_a_label_that_bounds_by_clearance_is_read_with_the_weight() -> None:
    """Of a light woman the clearance is under 30 where the filtration rate is above."""
    creatinine = lab("2160-0", "1.3", "mg/dL")
    light = {"birth_date": date(1946, 5, 1), "sex": Sex.FEMALE, "pregnancy": None, "weight_kg": Decimal(40)}
    assert "dose.pregabalin-severe-renal" in rules(found("pregabalin", "151", creatinine, **light), Check.DOSE)
    without = {**light, "weight_kg": None}
    assert "dose.pregabalin-renal" in rules(found("pregabalin", "301", creatinine, **without), Check.DOSE)
    assert "dose.pregabalin-severe-renal" not in rules(found("pregabalin", "301", creatinine, **without), Check.DOSE)


def test_the_newest_result_counts_and_of_one_day_the_reported_rate() -> None:
    old_rate, creatinine = lab("98979-8", "80", RATE, 30), lab("2160-0", "2.4", "mg/dL")
    assert rules(found("duloxetine", "60", old_rate, creatinine, **OLD_MAN), Check.DOSE) == {"dose.duloxetine-renal"}
    assert rules(found("duloxetine", "60", lab("98979-8", "80", RATE), creatinine, **OLD_MAN), Check.DOSE) == set()
    tomorrow = lab("98979-8", "20", RATE, -1)
    assert rules(found("duloxetine", "60", tomorrow, **OLD_MAN), Check.DOSE) == set()


@pytest.mark.parametrize(
    ("result", "subject"),
    [
        (lab("11111-1", "24", "mL/min"), "11111-1 in mL/min"),
        (lab("98979-8", "24", "furlongs"), "98979-8 in furlongs"),
        (lab("98979-8", "24", None), "98979-8 without a unit"),
        (lab("98979-8", "24", "furlongs", 366), "98979-8 in furlongs"),
    ],
)
def test_a_result_that_nobody_understands_is_told_by_name(result: Lab, subject: str) -> None:
    answer = found("duloxetine", "60", result)
    assert missed(answer) == [("result-not-understood", subject)]
    assert answer.outcome is ScreeningOutcome.NOT_CHECKED
    assert all(gap.settled_by for gap in gaps(answer))


@pytest.mark.parametrize(
    ("drug", "result"),
    [
        ("buspirone", lab("11111-1", "24", "mL/min")),
        ("duloxetine", lab("11111-1", "24", "mL/min", 367)),
        ("duloxetine", lab("11111-1", "24", "mL/min", -1)),
        ("duloxetine", lab("718-7", "13", "g/dL")),
        ("duloxetine", lab("8480-6", "120", "mm[Hg]")),
    ],
)
def test_it_is_not_told_where_no_rule_reads_results_nor_of_one_that_is_old_or_known(drug: str, result: Lab) -> None:
    assert missed(found(drug, "30", result)) == []


HEAVY_DOSE = [("kidney-function-unknown", "gabapentin")]


@pytest.mark.parametrize(
    ("years", "mg", "labs", "told"),
    [
        (80, "3600", (), HEAVY_DOSE), (65, "3600", (), HEAVY_DOSE), (64, "3600", (), []),
        (80, "301", (), HEAVY_DOSE), (80, "300", (), []),
        (80, "3600", (lab("2160-0", "0.9", "mg/dL", 366),), []),
        (80, "3600", (lab("2160-0", "0.9", "mg/dL", 367),), HEAVY_DOSE),
        (80, "3600", (lab("98979-8", "90", RATE),), []),
    ],
)  # fmt: skip
def test_a_kidney_that_nobody_measured_is_not_taken_to_be_well(
    years: int, mg: str, labs: tuple[Lab, ...], told: list[tuple[str, str]]
) -> None:
    chart = of(labs=labs, birth_date=TODAY.replace(year=TODAY.year - years))
    assert missed(asked("gabapentin", chart, mg)) == told
