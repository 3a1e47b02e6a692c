"""What holds for every pair, dose and chart: no direction, no list has a first place, the unknown is not clear."""

import random
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from careloop.knowledge.chart import Allergy, Chart, Condition, Genotype, Lab, Medication, Trial
from careloop.knowledge.findings import Check, ScreeningOutcome
from careloop.knowledge.pack.pack import current_pack
from careloop.knowledge.pack.shapes.follow_up import Measure
from careloop.knowledge.screening.screen import screen
from tests.support.knowledge import KNOWN, TODAY, alerts, asked, of, order, reasons, rules, taking

DRUGS = sorted(current_pack().drugs)
NAMES = st.sampled_from(DRUGS)
CODED = sorted(code for group in current_pack().conditions.values() for code in group.icd10)
CONDITIONS = st.lists(st.builds(Condition, icd10=st.sampled_from(CODED)), max_size=4)
ALLERGIES = st.lists(st.builds(Allergy, substance=NAMES), max_size=3)
GENOTYPES = st.lists(
    st.builds(Genotype, gene=st.sampled_from(["CYP2D6", "CYP2C19"]), phenotype=st.sampled_from(["poor", "ultrarapid"])),
    max_size=3,
)
LABS = st.lists(
    st.builds(
        Lab,
        loinc=st.sampled_from(sorted({code for measure in current_pack().entries(Measure) for code in measure.codes})),
        value=st.decimals(0, 2000, places=1),
        unit=st.sampled_from(["/uL", "mmol/L", "ms", None]),
        at=st.just(TODAY),
    ),
    max_size=4,
)
TRIALS = st.lists(st.builds(Trial, name=NAMES, weeks=st.just(Decimal(8))), max_size=3)


@settings(max_examples=400, deadline=None)
@given(NAMES, NAMES)
def test_two_drugs_meet_alike_whichever_comes_first(one: str, other: str) -> None:
    for kind in (Check.DRUG_DRUG, Check.DUPLICATE_THERAPY):
        found, back = (alerts(asked(a, taking(b)), kind) for a, b in ((one, other), (other, one)))
        assert {(told.rule, told.severity) for told in found} == {(told.rule, told.severity) for told in back}


@settings(max_examples=300, deadline=None)
@given(NAMES, st.decimals(0, 1500, places=1), st.decimals(0, 1500, places=1), CONDITIONS, st.lists(NAMES, max_size=3))
def test_more_dose_never_fewer_dose_alerts(
    name: str, one: Decimal, other: Decimal, conditions: list[Condition], taken: list[str]
) -> None:
    chart = taking(*taken, chart=of(conditions=tuple(conditions)))
    less, more = (rules(asked(name, chart, str(mg)), Check.DOSE) for mg in sorted((one, other)))
    assert less <= more


@settings(max_examples=200, deadline=None)
@given(NAMES, CONDITIONS, ALLERGIES, GENOTYPES, LABS, TRIALS, st.randoms(use_true_random=False))
def test_no_list_of_the_chart_has_a_first_place(
    name: str,
    conditions: list[Condition],
    allergies: list[Allergy],
    genotypes: list[Genotype],
    labs: list[Lab],
    trials: list[Trial],
    shuffling: random.Random,
) -> None:
    def chart(of_list: Any) -> Chart:
        told = of(
            conditions=of_list(conditions), allergies=of_list(allergies), genotypes=of_list(genotypes),
            labs=of_list(labs), no_known_allergies=False,
        )  # fmt: skip
        return replace(told, trials=of_list(trials))

    def shuffled(listed: list[Any]) -> tuple[Any, ...]:
        return tuple(shuffling.sample(listed, len(listed)))

    assert screen(chart(tuple), order(name), TODAY) == screen(chart(shuffled), order(name), TODAY)


@settings(max_examples=150, deadline=None)
@given(NAMES, st.lists(NAMES, max_size=3), st.sampled_from(["xyzmab", "Xyzolam 5 MG Oral Tablet"]))
def test_an_unknown_drug_is_never_clear_ordered_or_taken(name: str, taken: list[str], unknown: str) -> None:
    assert asked(unknown, taking(*taken)).outcome is ScreeningOutcome.NOT_CHECKED
    answer = asked(name, taking(*taken, unknown))
    assert answer.outcome is not ScreeningOutcome.CLEAR
    assert "unknown-drug" in reasons(answer, Check.DRUG_DRUG)


@settings(max_examples=150, deadline=None)
@given(NAMES)
def test_a_code_that_contradicts_the_name_is_reported_of_every_drug(name: str) -> None:
    other = "4493" if name != "fluoxetine" else "36437"
    assert {gap.reason for gap in asked(name, rxcui=other).not_checked} == {"contradictory-code"}
    chart = replace(KNOWN, medications=(Medication(name=name, rxcui=other, daily_dose_mg=Decimal(1)),))
    assert "contradictory-code" in reasons(asked("sertraline", chart), Check.DRUG_DRUG)


@settings(max_examples=150, deadline=None)
@given(NAMES, st.sampled_from([(None, None), (None, False), ((), False)]))
def test_an_allergy_list_not_asked_for_is_not_none(name: str, told: tuple[tuple[()] | None, bool | None]) -> None:
    answer = asked(name, of(allergies=told[0], no_known_allergies=told[1]))
    assert reasons(answer, Check.ALLERGY) == {"allergies-not-asked"}
    assert Check.ALLERGY not in answer.checked
    assert answer.outcome is not ScreeningOutcome.CLEAR
