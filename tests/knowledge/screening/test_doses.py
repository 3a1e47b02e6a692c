"""Dose: at a limit is allowed, above it is not; a limit that hangs on an unknown fact says so."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from careloop.knowledge.chart import Condition, Genotype, Lab, Medication, Sex
from careloop.knowledge.findings import Check
from careloop.knowledge.pack.pack import current_pack, load, read_data
from careloop.knowledge.pack.shapes.vocabulary import Drug
from careloop.knowledge.screening.screen import screen
from tests.support.knowledge import KNOWN, TODAY, alerts, asked, data_with, of, order, reasons, rules, taking

LIMITED = [drug for drug in current_pack().drugs.values() if drug.max_daily_mg is not None]
OVER_60 = date(1965, 11, 23)


@pytest.mark.parametrize("drug", LIMITED, ids=lambda drug: drug.name)
def test_below_at_and_above_the_maximum_of_every_drug(drug: Drug) -> None:
    limit = drug.max_daily_mg or Decimal(0)
    step = Decimal("0.01")
    found = [rules(asked(drug.name, mg=str(limit + off)), Check.DOSE) for off in (-step, Decimal(0), step)]
    assert ["dose.max-daily" in told for told in found] == [False, False, True]


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("sertraline", 200), ("fluoxetine", 80), ("paroxetine", 60), ("citalopram", 40), ("escitalopram", 20),
        ("fluvoxamine", 300), ("venlafaxine", 225), ("duloxetine", 120), ("bupropion", 450), ("mirtazapine", 45),
        ("vortioxetine", 20), ("amitriptyline", 150), ("phenelzine", 90), ("clozapine", 900), ("lamotrigine", 400),
    ],
)  # fmt: skip
def test_published_maxima(name: str, limit: int) -> None:
    assert current_pack().drugs[name].max_daily_mg == limit


@pytest.mark.parametrize(
    ("born", "mg", "found"),
    [
        (date(1966, 11, 23), 30, set()),
        (date(1965, 11, 24), 30, set()),
        (OVER_60, 20, set()),
        (OVER_60, "20.5", {"dose.citalopram-age"}),
        (OVER_60, 50, {"dose.citalopram-age", "dose.max-daily", "dose.never-above.citalopram"}),
    ],
)
def test_citalopram_over_60(born: date, mg: str | int, found: set[str]) -> None:
    assert rules(asked("citalopram", of(birth_date=born), mg), Check.DOSE) == found


@pytest.mark.parametrize("inhibitor", ["omeprazole", "cimetidine", "fluconazole", "fluvoxamine"])
@pytest.mark.parametrize(("mg", "over"), [(20, False), (30, True)])
def test_citalopram_with_a_cyp2c19_inhibitor(inhibitor: str, mg: int, over: bool) -> None:
    capped = {"dose.citalopram-cyp2c19-inhibitor"} if over else set()
    assert rules(asked("citalopram", taking(inhibitor), mg), Check.DOSE) == capped


@pytest.mark.parametrize(
    ("mg", "found", "told"),
    [(Decimal(40), 1, set()), (Decimal(20), 0, set()), (None, 0, {"dose-missing"})],
)
def test_the_inhibitor_ordered_beside_citalopram(mg: Decimal | None, found: int, told: set[str]) -> None:
    chart = replace(KNOWN, medications=(Medication(name="citalopram", daily_dose_mg=mg),))
    answer = asked("omeprazole", chart)
    assert [one.involves for one in alerts(answer, Check.DOSE)] == [("citalopram", "omeprazole")] * found
    assert reasons(answer, Check.DOSE) == told | {"not-in-pack"}


def test_two_inhibitors_are_two_alerts() -> None:
    answer = asked("citalopram", taking("omeprazole", "cimetidine"), 30)
    assert len(alerts(answer, Check.DOSE)) == 2


def test_citalopram_by_phenotype_and_liver() -> None:
    poor = of(genotypes=(Genotype(gene="CYP2C19", phenotype="Poor Metabolizer"),))
    assert rules(asked("citalopram", poor, 30), Check.DOSE) == {"dose.citalopram-cyp2c19-poor"}
    for liver in (Condition(icd10="K74.60"), Condition(snomed="328383001"), Condition(text="cirrhosis of the liver")):
        assert rules(asked("citalopram", of(conditions=(liver,)), 30), Check.DOSE) == {"dose.citalopram-liver"}


def test_a_lower_limit_that_hangs_on_unknown_facts_is_told_only_where_it_matters() -> None:
    unknown = replace(of(birth_date=None, conditions=None), medications=None)
    assert reasons(asked("citalopram", unknown, 20), Check.DOSE) == set()
    assert reasons(asked("citalopram", unknown, 30), Check.DOSE) == {
        "birth-date-missing", "conditions-not-recorded", "medications-not-recorded",
    }  # fmt: skip


@pytest.mark.parametrize(("kg", "mg", "found"), [(50, 3000, set()), (50, 3001, {"dose.max-daily"})])
def test_valproate_by_weight(kg: int, mg: int, found: set[str]) -> None:
    assert rules(asked("valproate", of(weight_kg=Decimal(kg)), mg), Check.DOSE) == found


@pytest.mark.parametrize(
    ("name", "mg", "weight", "told"),
    [
        ("sertraline", None, 70, "dose-missing"),
        ("sertraline", "NaN", 70, "dose-missing"),
        ("sertraline", "-5", 70, "dose-missing"),
        ("valproate", 1000, None, "weight-missing"),
        ("amoxicillin", 500, 70, "not-in-pack"),
        ("buprenorphine / naloxone", 16, 70, "dose-of-combination"),
    ],
)
def test_a_dose_that_cannot_be_judged(name: str, mg: str | int | None, weight: int | None, told: str) -> None:
    answer = asked(name, of(weight_kg=None if weight is None else Decimal(weight)), mg)
    assert reasons(answer, Check.DOSE) == {told}
    assert Check.DOSE not in answer.checked


@pytest.mark.parametrize(
    ("days", "mg", "found"),
    [
        (13, 25, set()),
        (13, 50, {"dose.lamotrigine-titration"}),
        (14, 50, set()),
        (27, 100, {"dose.lamotrigine-titration"}),
        (28, 100, set()),
        (400, 200, set()),
    ],
)
def test_a_change_of_lamotrigine_keeps_to_the_titration_and_is_no_start(days: int, mg: int, found: set[str]) -> None:
    since = TODAY - timedelta(days=days)
    assert rules(asked("lamotrigine", mg=mg, taken_since=since), Check.DOSE) == found
    taken = Medication(name="Lamictal", daily_dose_mg=Decimal(25), started_on=since)
    assert rules(asked("lamotrigine", replace(KNOWN, medications=(taken,)), mg), Check.DOSE) == found


@pytest.mark.parametrize(("mg", "told"), [(100, set()), (150, {"start-date-missing"})])
def test_a_rise_of_lamotrigine_since_nobody_knows_when_is_told(mg: int, told: set[str]) -> None:
    taken = Medication(name="lamotrigine", daily_dose_mg=Decimal(100))
    answer = asked("lamotrigine", replace(KNOWN, medications=(taken,)), mg)
    assert (rules(answer, Check.DOSE), reasons(answer, Check.DOSE)) == (set(), told)


@pytest.mark.parametrize(("days", "found"), [(4, {"dose.lamotrigine-titration"}), (5, {"dose.lamotrigine-start"})])
def test_lamotrigine_after_five_days_without_it_starts_again(days: int, found: set[str]) -> None:
    since, last = TODAY - timedelta(days=20), TODAY - timedelta(days=days)
    taken = Medication(name="lamotrigine", daily_dose_mg=Decimal(50), started_on=since, stopped_on=last)
    assert rules(asked("lamotrigine", replace(KNOWN, medications=(taken,)), 100), Check.DOSE) == found


@pytest.mark.parametrize(("days", "found"), [(1, set()), (2, {"dose.clozapine-start"}), (30, {"dose.clozapine-start"})])
def test_clozapine_after_two_days_without_it_starts_again(days: int, found: set[str]) -> None:
    taken = Medication(name="clozapine", stopped_on=TODAY - timedelta(days=days))
    assert rules(asked("clozapine", replace(KNOWN, medications=(taken,)), 300), Check.DOSE) == found


@pytest.mark.parametrize(
    ("unit", "told"),
    [("kg", {"dose.max-daily"}), ("[lb_av]", {"dose.max-daily", "dose.never-above"}), ("stone", set())],
)
def test_a_weight_that_was_measured_counts_where_none_was_told(unit: str, told: set[str]) -> None:
    weighed = Lab(loinc="29463-7", value=Decimal(50), unit=unit, at=date(2026, 11, 20))
    answer = asked("valproate", of(weight_kg=None, labs=(weighed,)), 3001)
    assert rules(answer, Check.DOSE) == told
    assert ("weight-missing" in reasons(answer, Check.DOSE)) is not bool(told)


def measured(loinc: str, value: int, unit: str, on: date = TODAY) -> Lab:
    return Lab(loinc=loinc, value=Decimal(value), unit=unit, at=on)


@pytest.mark.parametrize(
    "another",
    [
        measured("8339-4", 3, "kg"),
        measured("29463-7", 40, "kg", TODAY + timedelta(days=1)),
        measured("29463-7", 40, "kg", TODAY - timedelta(days=1)),
        measured("29463-7", 60, "kg"),
        measured("29463-7", 40, "stone"),
    ],
)
def test_the_lowest_weight_of_the_last_day_counts_and_no_other_measure(another: Lab) -> None:
    for labs in ((another, measured("29463-7", 50, "kg")), (measured("29463-7", 50, "kg"), another)):
        told = [asked("valproate", of(weight_kg=None, labs=labs), mg) for mg in (3000, 3001)]
        assert [rules(answer, Check.DOSE) for answer in told] == [set(), {"dose.max-daily"}]


@pytest.mark.parametrize("sex", [None, *Sex])
def test_a_limit_that_does_not_speak_of_sex_holds_for_none_in_particular(sex: Sex | None) -> None:
    answer = asked("citalopram", of(sex=sex), 30)
    assert (rules(answer, Check.DOSE), reasons(answer, Check.DOSE)) == (set(), set())


@pytest.mark.parametrize(
    ("sex", "found", "told"),
    [
        (Sex.FEMALE, {"dose.zolpidem-women"}, set()),
        (Sex.MALE, set(), set()),
        (Sex.OTHER, set(), set()),
        (Sex.UNKNOWN, set(), {"sex-unknown"}),
        (None, set(), {"sex-unknown"}),
    ],
)
def test_zolpidem_for_women(sex: Sex | None, found: set[str], told: set[str]) -> None:
    answer = asked("zolpidem", of(sex=sex), 7)
    assert (rules(answer, Check.DOSE), reasons(answer, Check.DOSE)) == (found, told)


@pytest.mark.parametrize(
    ("taken", "found"),
    [
        (Medication(name="clozapine"), set()),
        (Medication(name="clozapine", stopped_on=TODAY), set()),
        (Medication(name="clozapine", stopped_on=TODAY - timedelta(days=1)), {"dose.clozapine-start"}),
    ],
)
def test_what_is_still_taken_is_never_a_start_however_short_the_gap(taken: Medication, found: set[str]) -> None:
    pack = load(data_with("doses.yaml", "restart_days: 2", "restart_days: 1"))
    answer = screen(replace(KNOWN, medications=(taken,)), order("clozapine", 300), TODAY, pack)
    assert rules(answer, Check.DOSE) == found


def test_the_order_of_the_limits_in_their_file_does_not_matter() -> None:
    heading, *entries = read_data()["doses.yaml"].decode().split("\n- id: ")
    written = "\n- id: ".join([heading, *reversed(entries)])
    pack = load({**read_data(), "doses.yaml": written.encode()})
    assert [rule.id for rule in pack.doses] == [rule.id for rule in reversed(current_pack().doses)]
    chart = replace(of(birth_date=OVER_60, conditions=(Condition(icd10="K74.60"),)), medications=None)
    told = screen(chart, order("citalopram", 50), TODAY, pack)
    limits = {"dose.max-daily", "dose.citalopram-age", "dose.citalopram-liver", "dose.never-above.citalopram"}
    assert rules(told, Check.DOSE) == limits
    assert replace(told, knowledge=current_pack().reference) == screen(chart, order("citalopram", 50), TODAY)
