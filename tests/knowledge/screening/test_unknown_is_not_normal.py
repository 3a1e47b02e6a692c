"""What nobody measured, what was thinly covered, genotypes as laboratories write them, tobacco, and depots."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from careloop.knowledge.chart import (
    Chart,
    Condition,
    Genotype,
    Lab,
    Medication,
    Sex,
    Smoking,
    SmokingStatus,
    SuicideRisk,
)
from careloop.knowledge.findings import Check, Screening, ScreeningOutcome
from careloop.knowledge.pack.covering import covering
from careloop.knowledge.pack.dangers import overdose_danger
from careloop.knowledge.pack.drugs import ingredients
from careloop.knowledge.pack.pack import PackInvalid, current_pack, load
from careloop.knowledge.screening.genotypes import finding_of, plain_gene
from careloop.knowledge.supply.stopping import DoseFrom, abrupt_stop
from tests.support.knowledge import (
    KNOWN,
    TODAY,
    alerts,
    asked,
    data_with,
    diagnosed,
    gaps,
    of,
    rules,
    severities,
    taking,
)

PACK = current_pack()
OLD = date(1950, 1, 1)


def missed(answer: Screening) -> list[tuple[str, str, str]]:
    return [(str(gap.check), str(gap.reason), gap.subject) for gap in gaps(answer)]


@pytest.mark.parametrize(
    ("drug", "mg", "chart", "told"),
    [
        ("methadone", "40", KNOWN, ("lab", "qtc-unknown", "methadone")),
        ("haloperidol", "5", of(birth_date=OLD), ("lab", "qtc-unknown", "haloperidol")),
        ("citalopram", "20", diagnosed(Condition(icd10="I50.9")), ("lab", "qtc-unknown", "citalopram")),
        ("ziprasidone", "80", taking("furosemide"), ("lab", "potassium-unknown", "ziprasidone")),
        ("naltrexone", "50", diagnosed(Condition(icd10="F10.20")), ("lab", "liver-function-unknown", "naltrexone")),
        ("tetrabenazine", "50.01", KNOWN, ("drug-condition", "genotype-unknown", "tetrabenazine")),
        ("pimozide", "4.01", KNOWN, ("drug-condition", "genotype-unknown", "pimozide")),
    ],
)
def test_what_matters_to_the_drug_and_nobody_knows_is_told(
    drug: str, mg: str, chart: Chart, told: tuple[str, str, str]
) -> None:
    answer = asked(drug, chart, mg)
    assert told in missed(answer)
    assert all(gap.settled_by for gap in gaps(answer) if (gap.check, gap.reason, gap.subject) == told)


@pytest.mark.parametrize(
    ("drug", "mg", "chart"),
    [
        ("haloperidol", "5", KNOWN), ("citalopram", "20", KNOWN), ("ziprasidone", "80", KNOWN),
        ("naltrexone", "50", KNOWN), ("tetrabenazine", "50", KNOWN), ("sertraline", "50", of(birth_date=OLD)),
        ("tetrabenazine", "75", of(genotypes=(Genotype(gene="CYP2D6", phenotype="normal"),))),
        ("naltrexone", "50", of(conditions=(Condition(icd10="F10.20"),), labs=(
            Lab(loinc="1743-4", value=Decimal(30), unit="U/L", at=TODAY),))),
    ],
)  # fmt: skip
def test_it_is_quiet_where_it_does_not_matter_or_is_known(drug: str, mg: str, chart: Chart) -> None:
    assert missed(asked(drug, chart, mg)) == []


def test_a_thinly_covered_drug_is_noted_and_stays_clear() -> None:
    answer = asked("sertraline", taking("abacavir"), 50)
    notes = [gap for gap in answer.not_checked if gap.note is True]
    assert [(gap.check, gap.reason, gap.subject) for gap in notes] == [(Check.DRUG_DRUG, "thin-coverage", "abacavir")]
    assert (answer.outcome, gaps(answer)) == (ScreeningOutcome.CLEAR, [])
    ordered = {gap.check for gap in asked("abacavir").not_checked if gap.note is True}
    assert ordered == set(Check) - {Check.PRIOR_TRIAL, Check.SUPPLY, Check.CONTROLLED_SUBSTANCE}


PSYCHOTROPICS = (
    "brexpiprazole", "cariprazine", "lumateperone", "esketamine", "zuranolone", "brexanolone", "gepirone", "xanomeline",
    "viloxazine", "daridorexant", "lemborexant", "suvorexant", "deutetrabenazine", "valbenazine", "tetrabenazine",
    "samidorphan", "buprenorphine", "lofexidine", "sodium oxybate", "solriamfetol", "pitolisant", "tasimelteon",
    "serdexmethylphenidate", "pimavanserin", "dexmedetomidine", "sertraline", "lithium", "clozapine",
)  # fmt: skip


@pytest.mark.parametrize("drug", PSYCHOTROPICS)
def test_every_psychotropic_was_gone_through_for_every_check(drug: str) -> None:
    (found,) = [one for one in covering(PACK) if one.drug == drug]
    assert not found.thin
    assert all(part.sources for part in found.checks)


GENES = [
    ("HLA-B", "*15:02 positive", "HLA-B*1502", "positive"),
    ("HLA-B*15:02", "Present", "HLA-B*1502", "positive"),
    ("HLA-B*1502", "Detected (heterozygous)", "HLA-B*1502", "positive"),
    ("hla-b * 15:02", "carrier", "HLA-B*1502", "positive"),
    ("HLA-B", "*15:02/*40:01", "HLA-B*1502", "positive"),
    ("HLA-B", "*07:02/*40:01", "HLA-B*1502", "negative"),
    ("HLA-B*15:02", "Not detected", "HLA-B*1502", "negative"),
    ("HLA-B*15:02", "Absent", "HLA-B*1502", "negative"),
    ("HLA-B*15:02", "non-carrier", "HLA-B*1502", "negative"),
    ("HLA-B", "*15:02 positive; *57:01 negative", "HLA-B*1502", "positive"),
    ("HLA-B", "*15:02 negative; *57:01 positive", "HLA-B*1502", "negative"),
    ("HLA-B*15:02", "pending", "HLA-B*1502", None),
    ("HLA-B*15:02", "see report", "HLA-B*1502", None),
    ("HLA-A", "*31:01 Present", "HLA-A*3101", "positive"),
    ("CYP2D6", "Poor Metabolizer", "CYP2D6", "poor"),
    ("CYP2D6", "PM", "CYP2D6", "poor"),
    ("CYP2D6", "poor metaboliser", "CYP2D6", "poor"),
    ("CYP 2D6", "*4/*4", "CYP2D6", "poor"),
    ("CYP2D6", "*1/*4", "CYP2D6", "intermediate"),
    ("CYP2D6", "*1/*2", "CYP2D6", "normal"),
    ("CYP2D6", "*1/*1x2", "CYP2D6", None),
    ("CYP2D6", "*1/*36", "CYP2D6", None),
    ("CYP2D6", "Ultra-rapid metabolizer", "CYP2D6", "ultrarapid"),
    ("CYP2C19", "*2/*17", "CYP2C19", "intermediate"),
    ("CYP2C19", "*17/*17", "CYP2C19", "ultrarapid"),
    ("CYP2C19", "*1/*17", "CYP2C19", "rapid"),
    ("CYP2C19", "Extensive", "CYP2C19", "normal"),
    ("POLG", "pathogenic variant identified", "POLG", "positive"),
]


@pytest.mark.parametrize(("gene", "said", "sought", "phenotype"), GENES)
def test_a_genotype_is_read_as_laboratories_write_it(gene: str, said: str, sought: str, phenotype: str | None) -> None:
    found = finding_of(PACK, Genotype(gene=gene, phenotype=said), sought)
    assert found is not None
    assert (found.gene, found.phenotype) == (plain_gene(sought), phenotype)


@pytest.mark.parametrize(
    ("gene", "said"),
    [("CYP2C19", "poor"), ("HLA-B", "*57:01 negative"), ("HLA-A*15:02", "positive"), ("HLA-B*57:01", "x")],
)
def test_a_result_of_another_gene_or_allele_says_nothing(gene: str, said: str) -> None:
    assert finding_of(PACK, Genotype(gene=gene, phenotype=said), "HLA-B*1502") is None


@pytest.mark.parametrize(
    ("gene", "said", "told"),
    [
        ("HLA-B", "*15:02 positive", {"genotype.carbamazepine-hla-b-1502"}),
        ("HLA-B*15:02", "Present", {"genotype.carbamazepine-hla-b-1502"}),
        ("HLA-B*15:02", "Negative", set()),
        ("HLA-B*15:02", "pending", set()),
        ("CYP2D6", "poor", {"genotype.carbamazepine-untested"}),
    ],
)
def test_carbamazepine_hears_of_its_allele_however_it_is_written(gene: str, said: str, told: set[str]) -> None:
    answer = asked("carbamazepine", of(genotypes=(Genotype(gene=gene, phenotype=said),)))
    assert rules(answer, Check.DRUG_CONDITION) == told
    unread = ("drug-condition", "result-not-understood", f"{gene} {said}")
    assert (unread in missed(answer)) is (said == "pending")


def smoking(status: SmokingStatus, days: int | None = None) -> Chart:
    return of(smoking=Smoking(status=status, stopped_on=None if days is None else TODAY - timedelta(days=days)))


@pytest.mark.parametrize(
    ("chart", "told"),
    [
        (smoking(SmokingStatus.CURRENT), {"ddi.tobacco-antipsychotic"}),
        (smoking(SmokingStatus.FORMER, 5), {"stop.tobacco-antipsychotic"}),
        (smoking(SmokingStatus.FORMER), set()),
        (smoking(SmokingStatus.NEVER), set()),
        (smoking(SmokingStatus.UNKNOWN), set()),
        (replace(smoking(SmokingStatus.CURRENT), medications=None), {"ddi.tobacco-antipsychotic"}),
    ],
)
def test_tobacco_moves_the_level_of_olanzapine(chart: Chart, told: set[str]) -> None:
    found = {one.rule for one in alerts(asked("olanzapine", chart, 10), Check.DRUG_DRUG)}
    assert {one.split(".")[0] for one in found} == {one.split(".")[0] for one in told}


def after(name: str, days: int) -> Chart:
    return replace(KNOWN, medications=(Medication(name=name, stopped_on=TODAY - timedelta(days=days)),))


@pytest.mark.parametrize(("days", "told"), [(27, True), (28, True), (29, False)])
def test_a_depot_acts_on_after_its_last_dose(days: int, told: bool) -> None:
    """The naltrexone of Vivitrol blocks an opioid for four weeks; of a tablet nothing is left the day after."""
    assert bool(rules(asked("oxycodone", after("Vivitrol", days)), Check.DRUG_DRUG)) is told
    assert not rules(asked("oxycodone", after("naltrexone 50 MG Oral Tablet", days)), Check.DRUG_DRUG)


@pytest.mark.parametrize(
    ("name", "drug"),
    [
        ("Invega Trinza", "paliperidone"), ("Haldol decanoate", "haloperidol"), ("Abilify Maintena", "aripiprazole"),
        ("Aristada 882 MG", "aripiprazole"), ("Perseris", "risperidone"), ("Zyprexa Relprevv", "olanzapine"),
        ("fluphenazine decanoate 25 MG/ML Injectable Solution", "fluphenazine"), ("Sublocade", "buprenorphine"),
        ("Brixadi", "buprenorphine"), ("Uzedy", "risperidone"), ("Invega Hafyera", "paliperidone"),
    ],
)  # fmt: skip
def test_no_daily_dose_is_told_from_a_depot(name: str, drug: str) -> None:
    answer = asked(name, mg=400)
    (gap,) = [one for one in gaps(answer) if one.check is Check.DOSE]
    assert (gap.reason, gap.subject) == ("dose-of-depot", drug)
    assert gap.settled_by
    assert not rules(answer, Check.DOSE)


@pytest.mark.parametrize(
    ("name", "drugs"),
    [
        ("Tylenol PM", {"acetaminophen", "diphenhydramine"}),
        ("Advil PM", {"ibuprofen", "diphenhydramine"}),
        ("ASA 81 mg", {"aspirin"}),
        ("Cobenfy", {"xanomeline", "trospium"}),
        ("Lybalvi", {"olanzapine", "samidorphan"}),
        ("Auvelity", {"dextromethorphan", "bupropion"}),
        ("Azstarys", {"serdexmethylphenidate", "dexmethylphenidate"}),
        ("kava kava", {"kava"}),
        ("SAMe", {"ademetionine"}),
        ("Igalmi", {"dexmedetomidine"}),
        ("Xywav", {"sodium oxybate"}),
        ("alogliptin benzoate", set()),
        ("rizatriptan benzoate", {"rizatriptan"}),
        ("amlodipine besylate", {"amlodipine"}),
    ],
)
def test_names_in_use_mean_their_ingredients(name: str, drugs: set[str]) -> None:
    assert set(ingredients(name)) == drugs


PAIRS = [
    ("zuranolone", "oxycodone", "high"),
    ("zuranolone", "alprazolam", "high"),
    ("sodium oxybate", "zolpidem", "contraindicated"),
    ("sodium oxybate", "alcohol", "contraindicated"),
    ("suvorexant", "morphine", "high"),
    ("esketamine", "lorazepam", "moderate"),
    ("oxycodone", "phenelzine", "high"),
    ("Lybalvi", "oxycodone", "contraindicated"),
    ("gepirone", "ketoconazole", "contraindicated"),
    ("oxycodone", "ketoconazole", "high"),
    ("tacrolimus", "nefazodone", "high"),
    ("tacrolimus", "carbamazepine", "high"),
    ("viloxazine", "duloxetine", "contraindicated"),
    ("viloxazine", "theophylline", "contraindicated"),
    ("pimozide", "paroxetine", "contraindicated"),
    ("iloperidone", "fluoxetine", "high"),
    ("haloperidol", "bupropion", "moderate"),
    ("amitriptyline", "fluvoxamine", "moderate"),
    ("amitriptyline", "clonidine", "moderate"),
    ("mirtazapine", "clonidine", "moderate"),
    ("metoclopramide", "levodopa", "high"),
    ("risperidone", "ropinirole", "high"),
    ("donepezil", "oxybutynin", "moderate"),
    ("Cobenfy", "benztropine", "moderate"),
    ("lemborexant", "fluconazole", "high"),
    ("lumateperone", "efavirenz", "high"),
    ("tasimelteon", "fluvoxamine", "high"),
    ("kratom", "alprazolam", "high"),
    ("valbenazine", "rifampin", "high"),
]


@pytest.mark.parametrize(("drug", "other", "severity"), PAIRS)
def test_a_pair_is_told_in_either_direction(drug: str, other: str, severity: str) -> None:
    for ordered, taken in ((drug, other), (other, drug)):
        assert severity in severities(asked(ordered, taking(taken)), Check.DRUG_DRUG), (ordered, taken)


@pytest.mark.parametrize(
    ("drug", "other"),
    [
        ("lithium", "quetiapine"), ("lithium", "olanzapine"), ("propranolol", "escitalopram"),
        ("quetiapine", "metoprolol"), ("sertraline", "metoprolol"), ("lamotrigine", "quetiapine"),
        ("sertraline", "lisinopril"), ("bupropion", "atorvastatin"), ("aripiprazole", "metformin"),
    ],
)  # fmt: skip
def test_everyday_pairs_stay_quiet(drug: str, other: str) -> None:
    for ordered, taken in ((drug, other), (other, drug)):
        found = severities(asked(ordered, taking(taken)), Check.DRUG_DRUG)
        assert all(severity == "low" for severity in found), (ordered, taken, found)


def test_a_vmat2_inhibitor_in_huntingtons_disease_turns_on_suicidality() -> None:
    sick = (Condition(icd10="G10"),)
    assert "condition.vmat2-huntington-any" in rules(
        asked("deutetrabenazine", of(conditions=sick)), Check.DRUG_CONDITION
    )
    suicidal = of(conditions=sick, suicide_risk=SuicideRisk.MODERATE)
    told = asked("deutetrabenazine", suicidal)
    assert "condition.vmat2-huntington" in rules(told, Check.DRUG_CONDITION)
    assert "contraindicated" in severities(told, Check.DRUG_CONDITION)
    low = of(conditions=sick, suicide_risk=SuicideRisk.LOW)
    assert "contraindicated" not in severities(asked("deutetrabenazine", low), Check.DRUG_CONDITION)


@pytest.mark.parametrize(
    ("drug", "level"),
    [
        ("clozapine", "dangerous"), ("paroxetine", "dangerous"), ("sertraline", "unpleasant"),
        ("vortioxetine", "unpleasant"), ("carisoprodol", "dangerous"), ("buspirone", None), ("metformin", None),
    ],
)  # fmt: skip
def test_one_list_says_what_must_not_stop_abruptly(drug: str, level: str | None) -> None:
    since = DoseFrom(on=TODAY - timedelta(days=90), daily_dose_mg=Decimal(100))
    found = abrupt_stop([drug], [since], TODAY)
    assert (found and str(found[1].level)) == level


def test_one_list_says_what_is_dangerous_in_overdose() -> None:
    assert overdose_danger(PACK, "lithium", TODAY) is not None
    assert overdose_danger(PACK, "sertraline", TODAY) is None
    assert overdose_danger(PACK, "gabapentin", TODAY, beside=("metformin",)) is None
    assert overdose_danger(PACK, "gabapentin", TODAY, beside=("oxycodone",)) is not None


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("overdose-danger.yaml", "drugs: [propranolol]", "drugs: [lithium]", "both mean lithium on 2000-01-01"),
        ("coverage.yaml", "checks: [drug-drug]", "checks: [drug-drugs]", "Invalid enum value"),
        ("needed-facts.yaml", "measures: [potassium]", "measures: [kalium]", "kalium is not a measure"),
        ("long-acting.yaml", "drug: olanzapine", "drug: olanzapin", "olanzapin is neither drug nor class"),
        ("telehealth.yaml", "indications: [opioid-use]", "indications: [opioids]", "opioids is not a condition"),
    ],
)
def test_a_list_that_says_two_things_or_names_nothing_is_refused(name: str, old: str, new: str, said: str) -> None:
    with pytest.raises(PackInvalid, match=said):
        load(data_with(name, old, new))


@pytest.mark.parametrize(("age", "sex"), [(30, Sex.FEMALE), (70, Sex.MALE)])
def test_every_gap_of_a_check_that_was_made_names_a_medicine_or_a_result(age: int, sex: Sex) -> None:
    chart = of(birth_date=TODAY.replace(year=TODAY.year - age), sex=sex, labs=None, pregnancy=None)
    for drug in sorted(PACK.drugs):
        answer = asked(drug, chart, 10_000)
        assert all(gap.subject for gap in gaps(answer) if gap.check in answer.checked), drug
