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
    OrderedMedicine,
    Pregnancy,
    StoppedFor,
    SuicideRisk,
    Trial,
    TrialResponse,
)
from careloop.knowledge.findings import Check
from careloop.knowledge.pack.pack import current_pack
from careloop.knowledge.screening.explaining import Explanation, explain
from careloop.knowledge.screening.screen import screen
from tests.support.knowledge import KNOWN, TODAY, alerts, of, order, taking

PACK = current_pack()
OLD, YOUNG = date(1950, 5, 1), date(2006, 5, 1)
WHITE_COUNT = Lab(loinc="751-8", value=Decimal(1200), at=date(2026, 11, 20), unit="/uL")


def explained(chart: Chart, asked: OrderedMedicine, kind: Check, rule: str = "") -> Explanation:
    """The explanation of the worst alert of that kind (and rule)."""
    found = next(
        alert for alert in screen(chart, asked, TODAY).alerts if alert.kind is kind and alert.rule.startswith(rule)
    )
    return explain(found, chart, asked, TODAY)


def evidence(chart: Chart, asked: OrderedMedicine, kind: Check, rule: str = "") -> tuple[str, ...]:
    """What it stands on besides the order itself, which comes first."""
    first, *more = explained(chart, asked, kind, rule).evidence
    assert first.split(", ")[0].endswith(": ordered")
    return tuple(more)


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


def test_a_washout_tells_the_day_of_the_last_dose_and_the_classes() -> None:
    chart = replace(KNOWN, medications=(Medication(name="phenelzine", stopped_on=date(2026, 11, 20)),))
    assert evidence(chart, order("sertraline"), Check.WASHOUT) == (
        "phenelzine: dose not told, last dose 2026-11-20",
        "sertraline: serotonergic-antidepressant > ssri",
        "phenelzine: maoi-irreversible",
    )


def test_what_stopped_tells_the_class_whose_leaving_moves_the_level() -> None:
    chart = replace(KNOWN, medications=(Medication(name="carbamazepine", stopped_on=date(2026, 11, 20)),))
    told = evidence(chart, order("quetiapine"), Check.DRUG_DRUG, "stop.")
    assert told[0] == "carbamazepine: dose not told, last dose 2026-11-20"
    assert [line.split(": ")[0] for line in told[1:]] == ["carbamazepine"]


def test_a_supply_of_whose_risk_nothing_is_known_any_more_says_so() -> None:
    asked = order("lithium", days_supply=30)
    (alert,) = alerts(screen(of(suicide_risk=SuicideRisk.HIGH), asked, TODAY), Check.SUPPLY)
    told = explain(alert, of(suicide_risk=None), asked, TODAY)
    assert told.evidence[1:] == ("30 days; suicide risk not told",)


FAILED_TRIAL = Trial(
    name="sertraline",
    daily_dose_mg=Decimal(100),
    weeks=Decimal(8),
    response=TrialResponse.NONE,
    stopped_for=StoppedFor.INEFFICACY,
)
BARELY_TOLD = (
    "earlier trial of sertraline: dose not told, duration not told, response not told, stopped for intolerance"
)
BARE_TRIAL = Trial(name="sertraline", stopped_for=StoppedFor.INTOLERANCE)
UNEXPLAINED = Trial(name="sertraline", daily_dose_mg=Decimal(100), weeks=Decimal(8), response=TrialResponse.NONE)
EPILEPSY, CIRRHOSIS = (Condition(icd10="G40.909"),), (Condition(text="cirrhosis"),)
BENIGN = (Condition(text="benign ethnic neutropenia"), Condition(text="asthma"))
SEIZURES = (Condition(text="seizure disorder"), Condition(snomed="84757009"), Condition(icd10="I10"))
RATES = (
    Lab(loinc="33914-3", value=Decimal(50), at=date(2026, 10, 1), unit="mL/min/{1.73_m2}"),
    Lab(loinc="33914-3", value=Decimal(20), at=date(2026, 11, 1), unit="mL/min/{1.73_m2}"),
    Lab(loinc="33914-3", value=Decimal(15), at=date(2026, 12, 1), unit="mL/min/{1.73_m2}"),
)
ENDED_SMOKING = replace(KNOWN, medications=(Medication(name="tobacco smoke", stopped_on=date(2026, 11, 20)),))


@pytest.mark.parametrize(
    ("chart", "asked", "kind", "facts"),
    [
        (
            of(conditions=EPILEPSY),
            order("bupropion"),
            Check.DRUG_CONDITION,
            ["G40.909: seizure-disorder"],
        ),
        (
            of(conditions=SEIZURES),
            order("bupropion"),
            Check.DRUG_CONDITION,
            ["seizure disorder: seizure-disorder", "84757009: seizure-disorder"],
        ),
        (
            of(genotypes=(Genotype(gene="HLA-B*15:02", phenotype="positive"),)),
            order("carbamazepine"),
            Check.DRUG_CONDITION,
            ["HLA-B*15:02: positive"],
        ),
        (of(), order("carbamazepine"), Check.DRUG_CONDITION, ["no result of HLA-B*1502"]),
        (
            of(allergies=(Allergy(substance="Celexa", type=AllergyType.ALLERGY),)),
            order("escitalopram"),
            Check.ALLERGY,
            ["on the allergy list: Celexa, allergy, criticality not told"],
        ),
        (
            of(allergies=(Allergy(rxcui="36437"), Allergy(substance="penicillin"))),
            order("sertraline"),
            Check.ALLERGY,
            ["on the allergy list: 36437, type not told, criticality not told"],
        ),
        (
            taking("citalopram"),
            order("sertraline"),
            Check.DUPLICATE_THERAPY,
            ["citalopram: 1 mg a day, still taken", "sertraline: ssri", "citalopram: ssri"],
        ),
        (of(), order("sertraline", 300), Check.DOSE, []),
        (of(birth_date=OLD), order("citalopram", 40), Check.DOSE, ["76 years on 2026-11-23"]),
        (
            of(labs=RATES),
            order("gabapentin", 1800),
            Check.DOSE,
            ["renal-function (33914-3): 20 mL/min/{1.73_m2} on 2026-11-01"],
        ),
        (
            of(genotypes=(Genotype(gene="CYP2C19", phenotype="Poor Metabolizer"),)),
            order("citalopram", 40),
            Check.DOSE,
            ["CYP2C19: Poor Metabolizer"],
        ),
        (
            of(conditions=CIRRHOSIS),
            order("citalopram", 40),
            Check.DOSE,
            ["cirrhosis: liver-disease"],
        ),
        (taking("omeprazole"), order("citalopram", 40), Check.DOSE, ["omeprazole: 1 mg a day, still taken"]),
        (of(birth_date=YOUNG), order("sertraline"), Check.AGE, ["20 years on 2026-11-23"]),
        (
            of(pregnancy=Pregnancy.PREGNANT),
            order("valproate"),
            Check.PREGNANCY,
            ["pregnancy: pregnant; sex: female; age: 40"],
        ),
        (
            of(pregnancy=None, sex=None, birth_date=None),
            order("valproate"),
            Check.PREGNANCY,
            ["pregnancy: not told; sex: not told; age: not told"],
        ),
        (of(labs=(WHITE_COUNT,)), order("clozapine"), Check.LAB, ["anc (751-8): 1200 /uL on 2026-11-20"]),
        (of(), order("clozapine"), Check.LAB, ["no result of anc"]),
        (
            of(),
            order("lithium"),
            Check.LAB,
            [
                "no result of renal-function",
            ],
        ),
        (
            of(labs=(replace(WHITE_COUNT, value=Decimal(900)),), conditions=BENIGN),
            order("clozapine"),
            Check.LAB,
            ["anc (751-8): 900 /uL on 2026-11-20", "benign ethnic neutropenia: benign-ethnic-neutropenia"],
        ),
        (
            of(labs=(Lab(loinc="6690-2", value=Decimal(7), at=date(2025, 10, 1)),)),
            order("carbamazepine"),
            Check.LAB,
            ["blood-count (6690-2): 7 without unit on 2025-10-01"],
        ),
        (
            replace(KNOWN, trials=(FAILED_TRIAL, Trial(name="lithium"))),
            order("sertraline"),
            Check.PRIOR_TRIAL,
            ["earlier trial of sertraline: 100 mg a day, 8 weeks, response none, stopped for inefficacy"],
        ),
        (
            replace(KNOWN, trials=(BARE_TRIAL,)),
            order("sertraline"),
            Check.PRIOR_TRIAL,
            [BARELY_TOLD],
        ),
        (
            replace(KNOWN, trials=(UNEXPLAINED,)),
            order("sertraline"),
            Check.PRIOR_TRIAL,
            ["earlier trial of sertraline: 100 mg a day, 8 weeks, response none, stopped for no reason told"],
        ),
        (
            of(labs=(replace(WHITE_COUNT, at=TODAY),)),
            order("clozapine"),
            Check.LAB,
            ["anc (751-8): 1200 /uL on 2026-11-23"],
        ),
        (
            of(suicide_risk=SuicideRisk.HIGH),
            order("amitriptyline", days_supply=30),
            Check.SUPPLY,
            ["30 days; suicide risk high"],
        ),
        (of(), order("alprazolam"), Check.CONTROLLED_SUBSTANCE, ["alprazolam: schedule IV, starts 2026-11-23"]),
        (
            ENDED_SMOKING,
            order("clozapine"),
            Check.DRUG_DRUG,
            ["tobacco smoke: dose not told, last dose 2026-11-20"],
        ),
    ],
    ids=lambda value: value.value if isinstance(value, Check) else None,
)
def test_each_kind_tells_the_facts_it_stands_on(
    chart: Chart, asked: OrderedMedicine, kind: Check, facts: list[str]
) -> None:
    assert evidence(chart, asked, kind) == tuple(facts)


def test_an_order_without_a_dose_says_so() -> None:
    (told, *_) = explained(taking("phenelzine"), order("sertraline", None), Check.DRUG_DRUG).evidence
    assert told == "sertraline: ordered, dose not told, from 2026-11-23"


def test_a_load_tells_every_drug_and_its_class() -> None:
    told = evidence(taking("haloperidol", "methadone"), order("ziprasidone"), Check.DRUG_DRUG, "load.qt")
    assert [line for line in told if ": qt-" in line] == [
        "ziprasidone: qt-high-risk", "haloperidol: qt-high-risk", "methadone: qt-high-risk",
    ]  # fmt: skip


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
    asked = OrderedMedicine(name=name)
    for found in screen(chart, asked, as_of).alerts:
        assert explain(found, chart, asked, as_of).mechanism
