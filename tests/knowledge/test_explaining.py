"""Every alert can be explained: why such a finding holds, and which facts of this chart it stands on."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careloop.knowledge.chart import (
    Allergy,
    AllergyType,
    Chart,
    Condition,
    Genotype,
    Lab,
    Medication,
    Order,
    Pregnancy,
    StoppedFor,
    SuicideRisk,
    Trial,
    TrialResponse,
)
from careloop.knowledge.explaining import Explanation, explain
from careloop.knowledge.findings import Check
from careloop.knowledge.pack import current_pack
from careloop.knowledge.screening import screen
from tests.support.knowledge import KNOWN, TODAY, of, order, taking
from tests.support.knowledge import order as ordered

PACK = current_pack()
OLD, YOUNG = date(1950, 5, 1), date(2006, 5, 1)
WHITE_COUNT = Lab(loinc="751-8", value=Decimal(1200), at=date(2026, 11, 20), unit="/uL")


def explained(chart: Chart, asked: Order, kind: Check, rule: str = "") -> Explanation:
    """The explanation of the worst alert of that kind (and rule)."""
    found = next(
        alert for alert in screen(chart, asked, TODAY).alerts if alert.kind is kind and alert.rule.startswith(rule)
    )
    return explain(found, chart, asked, TODAY)


def evidence(chart: Chart, asked: Order, kind: Check, rule: str = "") -> str:
    return "\n".join(explained(chart, asked, kind, rule).evidence)


def test_a_pair_says_how_both_are_taken_and_by_which_class_each_is_meant() -> None:
    chart = replace(KNOWN, medications=(Medication(name="Nardil", daily_dose_mg=Decimal(45), started_on=TODAY),))
    told = explained(chart, order("sertraline", 50), Check.DRUG_DRUG)
    assert told.mechanism.startswith("More serotonin acts")
    assert told.evidence == (
        "sertraline: ordered, 50 mg a day, from 2026-11-23",
        "phenelzine: 45 mg a day, since 2026-11-23, still taken",
        "sertraline: serotonergic-antidepressant > ssri",
        "phenelzine: maoi > maoi-irreversible",
    )


def test_a_washout_tells_the_day_of_the_last_dose() -> None:
    chart = replace(KNOWN, medications=(Medication(name="phenelzine", stopped_on=date(2026, 11, 20)),))
    assert "phenelzine: dose not told, last dose 2026-11-20" in evidence(chart, order("sertraline"), Check.WASHOUT)


@pytest.mark.parametrize(
    ("chart", "asked", "kind", "said"),
    [
        (of(conditions=(Condition(icd10="G40.909"),)), order("bupropion"), Check.DRUG_CONDITION, "G40.909: seizure"),
        (
            of(genotypes=(Genotype(gene="HLA-B*1502", phenotype="positive"),)),
            order("carbamazepine"),
            Check.DRUG_CONDITION,
            "HLA-B*1502: positive",
        ),
        (
            of(allergies=(Allergy(substance="Celexa", type=AllergyType.ALLERGY),)),
            order("escitalopram"),
            Check.ALLERGY,
            "on the allergy list: Celexa, allergy, criticality not told",
        ),
        (taking("citalopram"), order("sertraline"), Check.DUPLICATE_THERAPY, "citalopram: 1 mg a day, still taken"),
        (of(), order("sertraline", 300), Check.DOSE, "sertraline: ordered, 300 mg a day"),
        (of(birth_date=OLD), order("citalopram", 40), Check.DOSE, "76 years on 2026-11-23"),
        (of(birth_date=YOUNG), order("sertraline"), Check.AGE, "20 years on 2026-11-23"),
        (of(pregnancy=Pregnancy.PREGNANT), order("valproate"), Check.PREGNANCY, "pregnancy: pregnant; sex: female"),
        (of(labs=(WHITE_COUNT,)), order("clozapine"), Check.LAB, "1200 /uL on 2026-11-20"),
        (of(), order("clozapine"), Check.LAB, "no result of anc"),
        (
            replace(
                KNOWN,
                trials=(
                    Trial(
                        name="sertraline",
                        daily_dose_mg=Decimal(100),
                        weeks=Decimal(8),
                        response=TrialResponse.NONE,
                        stopped_for=StoppedFor.INEFFICACY,
                    ),
                ),
            ),
            order("sertraline"),
            Check.PRIOR_TRIAL,
            "earlier trial of sertraline: 100 mg a day, 8 weeks, response none, stopped for inefficacy",
        ),
        (
            of(suicide_risk=SuicideRisk.HIGH),
            ordered("amitriptyline", days_supply=30),
            Check.SUPPLY,
            "30 days; suicide risk high",
        ),
        (of(), order("alprazolam"), Check.CONTROLLED_SUBSTANCE, "alprazolam: schedule IV"),
    ],
    ids=lambda value: value.value if isinstance(value, Check) else None,
)
def test_each_kind_tells_the_facts_it_stands_on(chart: Chart, asked: Order, kind: Check, said: str) -> None:
    assert said in evidence(chart, asked, kind)


def test_a_load_tells_every_drug_and_its_class() -> None:
    told = evidence(taking("haloperidol", "methadone"), order("ziprasidone"), Check.DRUG_DRUG, "load.qt")
    for drug in ("haloperidol", "methadone", "ziprasidone"):
        assert f"{drug}: qt-" in told


def test_an_alert_of_a_rule_that_the_pack_does_not_hold_has_no_mechanism() -> None:
    (found, *_) = screen(taking("phenelzine"), order("sertraline"), TODAY).alerts
    gone = replace(found, rule="ddi.gone")
    told = explain(gone, taking("phenelzine"), order("sertraline"), TODAY)
    assert told == Explanation(mechanism="", evidence=())


NAMES = st.sampled_from([*PACK.drugs])
MEDICATIONS = st.lists(
    st.builds(
        Medication,
        name=NAMES,
        daily_dose_mg=st.none() | st.decimals(0, 900, places=1),
        stopped_on=st.none() | st.dates(date(2026, 10, 1), TODAY),
    ),
    max_size=5,
)
CONDITIONS = st.lists(
    st.builds(Condition, icd10=st.sampled_from([code for group in PACK.conditions.values() for code in group.icd10])),
    max_size=3,
)
ALLERGIES = st.lists(st.builds(Allergy, substance=NAMES, type=st.sampled_from(AllergyType)), max_size=3)


@settings(max_examples=200, deadline=None)
@given(NAMES, st.decimals(0, 900, places=1), MEDICATIONS, CONDITIONS, ALLERGIES, st.dates(date(1930, 1, 1), TODAY))
def test_every_alert_has_a_mechanism_and_evidence(
    name: str, dose: Decimal, taken: list[Medication], ill: list[Condition], allergic: list[Allergy], born: date
) -> None:
    chart = replace(
        of(conditions=tuple(ill), allergies=tuple(allergic), no_known_allergies=not allergic, birth_date=born),
        medications=tuple(taken),
    )
    asked = order(name, str(dose))
    for found in screen(chart, asked, TODAY).alerts:
        told = explain(found, chart, asked, TODAY)
        assert told.mechanism
        assert any(line.startswith(f"{name}: ordered, {dose} mg a day") for line in told.evidence)
        assert len(told.evidence) > 1 or found.kind is Check.DOSE, found
        assert not [line for line in told.evidence if "None" in line]


@settings(max_examples=150, deadline=None)
@given(st.from_type(Chart), NAMES, st.dates())
def test_any_typed_chart_can_be_explained(chart: Chart, name: str, as_of: date) -> None:
    asked = Order(name=name)
    for found in screen(chart, asked, as_of).alerts:
        assert explain(found, chart, asked, as_of).mechanism
