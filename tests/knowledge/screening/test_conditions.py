"""What a condition says about a drug, by code and by words: contraindicated where the source says so, else milder."""

import pytest

from careloop.knowledge.chart import Condition
from careloop.knowledge.findings import Check, Severity
from tests.support.knowledge import asked, of, reasons, rules, severities


@pytest.mark.parametrize(
    ("ordered", "condition", "rule"),
    [
        ("bupropion", Condition(text="Seizure disorder"), "condition.bupropion-seizure"),
        ("bupropion", Condition(icd10="G40.909"), "condition.bupropion-seizure"),
        ("bupropion", Condition(snomed="84757009"), "condition.bupropion-seizure"),
        ("bupropion", Condition(text="no history of epilepsy"), "condition.bupropion-seizure"),
        ("bupropion", Condition(icd10="F50.2"), "condition.bupropion-eating-disorder"),
        ("sertraline", Condition(icd10="F31.81"), "condition.antidepressant-bipolar"),
        ("sertraline", Condition(text="Bipolar II disorder"), "condition.antidepressant-bipolar"),
        ("amitriptyline", Condition(icd10="I21.9"), "condition.tca-heart"),
        ("ziprasidone", Condition(icd10="I45.81"), "condition.qt-drug-heart"),
        ("carbamazepine", Condition(text="aplastic anaemia"), "condition.carbamazepine-marrow"),
        ("carbamazepine", Condition(icd10="D70.2"), "condition.carbamazepine-marrow"),
        ("carbamazepine", Condition(icd10="D70.4"), "condition.carbamazepine-neutropenia"),
        ("carbamazepine", Condition(text="benign ethnic neutropenia"), "condition.carbamazepine-neutropenia"),
        ("propranolol", Condition(text="asthma"), "condition.propranolol-asthma"),
        ("bupropion", Condition(icd10="F33.1"), None),
        ("sertraline", Condition(icd10="G40.909"), None),
    ],
)
def test_conditions(ordered: str, condition: Condition, rule: str | None) -> None:
    found = rules(asked(ordered, of(conditions=(condition,))), Check.DRUG_CONDITION)
    assert (rule in found) if rule else not found


@pytest.mark.parametrize(
    ("ordered", "condition", "severity"),
    [
        ("methylphenidate", Condition(text="hypertrophic cardiomyopathy"), "contraindicated"),
        ("methylphenidate", Condition(icd10="Q21.3"), "contraindicated"),
        ("amphetamine", Condition(text="advanced arteriosclerosis"), "contraindicated"),
        ("methylphenidate", Condition(text="heart failure"), "high"),
        ("atomoxetine", Condition(text="coronary artery disease"), "high"),
        ("atomoxetine", Condition(text="narrow angle glaucoma"), "contraindicated"),
        ("thioridazine", Condition(text="long QT"), "contraindicated"),
        ("haloperidol", Condition(text="long QT"), "high"),
        ("duloxetine", Condition(text="cirrhosis"), "contraindicated"),
        ("duloxetine", Condition(text="severe renal impairment"), "contraindicated"),
        ("duloxetine", Condition(text="narrow-angle glaucoma"), "high"),
        ("duloxetine", Condition(text="acute angle-closure glaucoma"), "contraindicated"),
        ("duloxetine", Condition(icd10="F10.20"), "high"),
        ("lithium", Condition(text="severe kidney disease"), "contraindicated"),
        ("lithium", Condition(icd10="Z99.2"), "contraindicated"),
        ("lithium", Condition(icd10="N18.30"), None),
        ("lithium", Condition(text="Brugada syndrome"), "contraindicated"),
        ("lithium", Condition(text="dehydration"), "high"),
        ("lithium", Condition(icd10="E86.0"), "high"),
        ("lithium", Condition(icd10="E87.1"), "contraindicated"),
        ("lithium", Condition(text="sodium depletion"), "contraindicated"),
        ("topiramate", Condition(text="kidney stones"), "contraindicated"),
        ("topiramate", Condition(icd10="E87.2"), "contraindicated"),
        ("zonisamide", Condition(text="kidney stones"), "moderate"),
        ("zonisamide", Condition(icd10="E87.2"), "moderate"),
        ("clozapine", Condition(text="dilated cardiomyopathy"), "contraindicated"),
        ("clozapine", Condition(icd10="I40.9"), "high"),
        ("acamprosate", Condition(text="severe renal impairment"), "contraindicated"),
        ("naltrexone", Condition(text="acute hepatitis"), "contraindicated"),
        ("disulfiram", Condition(text="schizophrenia"), "contraindicated"),
        ("disulfiram", Condition(text="coronary artery disease"), "contraindicated"),
        ("disulfiram", Condition(icd10="I25.10"), "contraindicated"),
        ("disulfiram", Condition(text="heart failure"), "high"),
        ("disulfiram", Condition(icd10="I70.209"), "high"),
        ("lorazepam", Condition(text="acute narrow angle glaucoma"), "contraindicated"),
        ("lorazepam", Condition(icd10="H40.211"), "contraindicated"),
        ("lorazepam", Condition(icd10="H40.2290"), "high"),
        ("amitriptyline", Condition(icd10="I21.9"), "contraindicated"),
        ("amitriptyline", Condition(text="recent heart attack"), "contraindicated"),
        ("amitriptyline", Condition(icd10="I25.2"), "high"),
        ("amitriptyline", Condition(snomed="22298006"), "high"),
        ("amitriptyline", Condition(text="myocardial infarction 1998"), "high"),
        ("ziprasidone", Condition(text="QT prolongation"), "contraindicated"),
        ("ziprasidone", Condition(icd10="I50.23"), "contraindicated"),
        ("ziprasidone", Condition(text="decompensated congestive heart failure"), "contraindicated"),
        ("ziprasidone", Condition(icd10="I50.22"), "high"),
        ("ziprasidone", Condition(snomed="22298006"), "high"),
        ("citalopram", Condition(icd10="I45.81"), "contraindicated"),
        ("citalopram", Condition(text="congenital long QT"), "contraindicated"),
        ("citalopram", Condition(text="QT prolongation"), "high"),
        ("methylphenidate", Condition(icd10="I25.10"), "high"),
        ("methylphenidate", Condition(icd10="I25.110"), "contraindicated"),
        ("methylphenidate", Condition(text="stable angina"), "contraindicated"),
        ("methylphenidate", Condition(icd10="I70.0"), "high"),
        ("methylphenidate", Condition(icd10="I25.2"), "high"),
        ("atomoxetine", Condition(icd10="I25.2"), "high"),
        ("methylphenidate", Condition(text="phaeochromocytoma"), "high"),
        ("atomoxetine", Condition(text="phaeochromocytoma"), "contraindicated"),
        ("nefazodone", Condition(text="cirrhosis"), "high"),
        ("bupropion", Condition(text="bulimia nervosa"), "contraindicated"),
        ("bupropion", Condition(text="binge eating disorder"), "high"),
        ("valproate", Condition(text="POLG mutation"), "contraindicated"),
        ("valproate", Condition(icd10="E88.40"), "high"),
        ("propranolol", Condition(text="sinus bradycardia"), "contraindicated"),
        ("propranolol", Condition(icd10="I44.2"), "contraindicated"),
        ("propranolol", Condition(icd10="I44.0"), "high"),
        ("propranolol", Condition(text="first degree AV block"), "high"),
        ("zolpidem", Condition(text="sleep driving"), "contraindicated"),
        ("zolpidem", Condition(text="sleepwalking as a child"), "high"),
        ("lorazepam", Condition(text="sleep apnea"), "moderate"),
        ("haloperidol", Condition(text="Parkinson disease"), "high"),
        ("quetiapine", Condition(text="Parkinson disease"), None),
        ("sertraline", Condition(icd10="F25.0"), "high"),
    ],
)
def test_one_condition_is_told_once_by_the_worst_that_it_means(
    ordered: str, condition: Condition, severity: str | None
) -> None:
    found = severities(asked(ordered, of(conditions=(condition,))), Check.DRUG_CONDITION)
    assert found == ([Severity(severity)] if severity else [])


def test_two_conditions_are_told_each() -> None:
    conditions = (Condition(text="cirrhosis"), Condition(text="alcohol use disorder"))
    found = rules(asked("duloxetine", of(conditions=conditions)), Check.DRUG_CONDITION)
    assert found == {"condition.duloxetine-liver", "condition.duloxetine-alcohol"}


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        (Condition(snomed="999"), {"unknown-condition"}),
        (Condition(snomed="370143000"), set()),
        (Condition(snomed="999", text="sprain"), set()),
    ],
)
def test_a_code_nobody_knows_is_told(condition: Condition, told: set[str]) -> None:
    assert reasons(asked("bupropion", of(conditions=(condition,))), Check.DRUG_CONDITION) == told
