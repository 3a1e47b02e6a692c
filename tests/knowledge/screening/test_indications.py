"""What a drug is ordered for: a low alert where it is known, and none of it is what the drug is usually given for."""

from dataclasses import replace

import pytest

from careloop.knowledge.chart import Condition, OrderedMedicine
from careloop.knowledge.findings import Alert, Check, Severity
from careloop.knowledge.pack.pack import load
from careloop.knowledge.screening.explaining import explain
from careloop.knowledge.screening.screen import screen
from tests.support.knowledge import TODAY, alerts, of, order, released

DEPRESSION, HYPERTENSION, ADHD = Condition(icd10="F33.1"), Condition(icd10="I10"), Condition(text="ADHD, inattentive")
ON_A_SCALE = Condition(text="phq-9 moderate", verification_status="unconfirmed")


def plain(drug: str, indication: Condition | None = None) -> OrderedMedicine:
    return order(drug, indication=indication)


def told(drug: str, *conditions: Condition, indication: Condition | None = None) -> list[Alert]:
    found = alerts(screen(of(conditions=conditions), plain(drug, indication), TODAY), Check.DRUG_CONDITION)
    return [one for one in found if one.rule.startswith("no-indication")]


@pytest.mark.parametrize(
    ("drug", "condition"),
    [
        ("sertraline", HYPERTENSION),
        ("methylphenidate", Condition(icd10="F41.1")),
        ("lithium", Condition(icd10="E11.9")),
        ("acamprosate", Condition(icd10="F33.1")),
        ("methylphenidate", Condition(text="asthma")),
        ("varenicline", Condition(snomed="370143000")),
    ],
)
def test_an_order_that_no_diagnosis_on_record_explains_is_a_low_alert(drug: str, condition: Condition) -> None:
    (found,) = told(drug, condition)
    assert (found.rule, found.severity, found.involves) == ("no-indication", Severity.LOW, (drug,))


@pytest.mark.parametrize(
    ("drug", "condition"),
    [
        ("sertraline", DEPRESSION),
        ("sertraline", Condition(icd10="f33.1 ")),
        ("methylphenidate", ADHD),
        ("quetiapine", Condition(icd10="G47.00")),
        ("prazosin", Condition(icd10="F43.10")),
        ("naltrexone", Condition(icd10="F10.20")),
        ("bupropion", Condition(icd10="F17.210")),
        ("trazodone", Condition(text="insomnia")),
        ("lamotrigine", Condition(snomed="13746004")),
    ],
)
def test_what_it_is_usually_given_for_on_and_off_label_explains_it(drug: str, condition: Condition) -> None:
    assert told(drug, HYPERTENSION, condition) == []


def test_what_nobody_knows_or_nobody_understands_is_no_alert() -> None:
    assert told("sertraline") == []
    found = screen(of(conditions=None), plain("sertraline"), TODAY)
    assert [one for one in found.alerts if one.rule.startswith("no-indication")] == []
    assert told("sertraline", HYPERTENSION, Condition(snomed="999")) == []
    assert told("sertraline", HYPERTENSION, Condition(text="as her sister has it")) == []
    assert told("sertraline", Condition()) == []


def test_what_a_scale_makes_likely_is_no_diagnosis() -> None:
    assert told("sertraline", ON_A_SCALE) == []
    assert len(told("sertraline", ON_A_SCALE, HYPERTENSION)) == 1


def test_what_is_over_is_not_what_it_is_given_for_and_what_is_in_remission_may_be() -> None:
    assert len(told("sertraline", HYPERTENSION, replace(DEPRESSION, clinical_status="resolved"))) == 1
    assert told("sertraline", HYPERTENSION, replace(DEPRESSION, clinical_status="remission")) == []
    assert told("sertraline", replace(HYPERTENSION, clinical_status="resolved")) == []


def test_of_a_drug_of_which_the_pack_says_nothing_nothing_is_said() -> None:
    assert told("metformin", DEPRESSION) == []
    assert told("metformin", DEPRESSION, indication=DEPRESSION) == []


def test_the_indication_of_the_order_answers_for_the_diagnoses() -> None:
    assert told("sertraline", HYPERTENSION, indication=DEPRESSION) == []
    assert told("sertraline", HYPERTENSION, indication=Condition(text="what we talked about")) == []


@pytest.mark.parametrize("conditions", [(), (DEPRESSION,), (HYPERTENSION,)])
def test_an_indication_that_the_drug_is_not_given_for_is_named_by_the_alert(conditions: tuple[Condition, ...]) -> None:
    (found,) = told("sertraline", *conditions, indication=HYPERTENSION)
    assert (found.rule, found.severity) == ("no-indication.named", Severity.LOW)
    assert "I10" in found.message


def test_of_a_combination_one_fitting_ingredient_is_enough() -> None:
    assert told("olanzapine and samidorphan", HYPERTENSION, Condition(icd10="F20.0")) == []
    (found,) = told("olanzapine and samidorphan", HYPERTENSION)
    assert found.involves == ("olanzapine", "samidorphan")


def test_of_a_combination_with_an_ingredient_of_which_nothing_is_said_nothing_is_said() -> None:
    assert told("dextromethorphan and quinidine", HYPERTENSION) == []
    assert len(told("dextromethorphan", HYPERTENSION)) == 1


def test_the_alert_is_explained_by_the_diagnoses_on_record() -> None:
    chart = of(conditions=(HYPERTENSION, ON_A_SCALE))
    (found,) = told("sertraline", HYPERTENSION, ON_A_SCALE)
    evidence = explain(found, chart, plain("sertraline"), TODAY).evidence
    assert "on record: I10" in evidence
    assert not any("phq-9" in one for one in evidence)


def test_a_pack_from_before_the_indications_says_nothing() -> None:
    old = load(released("1.2.0"))
    found = screen(of(conditions=(HYPERTENSION,)), plain("sertraline"), TODAY, old)
    assert [one for one in found.alerts if one.rule.startswith("no-indication")] == []


LABELLED = {
    "sertraline": "F33.1 F41.1 F43.10 F42.2 F40.10", "fluoxetine": "F33.1 F42.2 F50.2 F41.0", "paroxetine": "F40.10",
    "fluvoxamine": "F42.2", "duloxetine": "F33.1 M79.7", "bupropion": "F33.1 F17.210 F90.0", "trazodone": "G47.00",
    "amitriptyline": "G43.909", "imipramine": "N39.44", "clomipramine": "F42.2", "doxepin": "G47.00",
    "phenelzine": "F33.1", "selegiline": "F33.1 G20", "lithium": "F31.81 F25.0", "valproate": "F31.2 G40.909 G43.909",
    "lamotrigine": "F31.81 G40.909", "carbamazepine": "G50.0", "topiramate": "G43.909 F10.20", "clozapine": "F20.9",
    "aripiprazole": "F20.9 F31.2 F33.1 F95.2", "risperidone": "F84.0", "chlorpromazine": "R11.2",
    "clonazepam": "F41.0 G40.909", "diazepam": "F10.239", "zolpidem": "G47.00", "buspirone": "F41.1",
    "prazosin": "F43.10 F51.5", "propranolol": "F41.1 I10 G25.0", "clonidine": "F90.0 I10", "guanfacine": "F90.0",
    "amphetamine": "F90.0 G47.419", "lisdexamfetamine": "F50.81", "atomoxetine": "F90.0", "naltrexone": "F11.20",
    "acamprosate": "F10.20", "buprenorphine": "F11.20", "methadone": "F11.20", "gabapentin": "F10.20 G40.909",
}  # fmt: skip
"""What is on the label, or is given every day in psychiatry."""


@pytest.mark.parametrize(("drug", "codes"), LABELLED.items(), ids=lambda one: one.replace(" ", "-"))
def test_what_a_drug_is_given_for_every_day_asks_nothing(drug: str, codes: str) -> None:
    for code in codes.split():
        assert told(drug, Condition(icd10=code)) == []
