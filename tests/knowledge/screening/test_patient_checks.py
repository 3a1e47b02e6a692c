"""Age, pregnancy, labs, earlier trials, supply and controlled substances, each as a table."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from careloop.knowledge.chart import (
    Chart,
    Lab,
    Medication,
    Pregnancy,
    Sex,
    StoppedFor,
    SuicideRisk,
    Trial,
    TrialResponse,
)
from careloop.knowledge.findings import Check, Severity
from tests.support.knowledge import KNOWN, TODAY, asked, of, reasons, rules, severities, taking


@pytest.mark.parametrize(
    ("ordered", "born", "found"),
    [
        ("sertraline", date(2001, 11, 24), {"age.antidepressant-young"}),
        ("sertraline", date(2001, 11, 23), set()),
        ("amitriptyline", date(1961, 11, 24), set()),
        ("amitriptyline", date(1961, 11, 23), {"age.older-adult"}),
        ("zolpidem", date(1950, 1, 1), {"age.older-adult"}),
        ("metformin", None, set()),
    ],
)
def test_age(ordered: str, born: date | None, found: set[str]) -> None:
    assert rules(asked(ordered, of(birth_date=born)), Check.AGE) == found


@pytest.mark.parametrize("born", [None, TODAY + timedelta(days=1)])
def test_no_usable_birth_date(born: date | None) -> None:
    assert reasons(asked("sertraline", of(birth_date=born)), Check.AGE) == {"birth-date-missing"}


@pytest.mark.parametrize(
    ("ordered", "state", "severity"),
    [
        ("valproate", Pregnancy.PREGNANT, Severity.CONTRAINDICATED),
        ("valproate", Pregnancy.POSSIBLE, Severity.CONTRAINDICATED),
        ("valproate", Pregnancy.NOT_PREGNANT, Severity.HIGH),
        ("carbamazepine", Pregnancy.PREGNANT, Severity.HIGH),
        ("topiramate", Pregnancy.PREGNANT, Severity.HIGH),
        ("lithium", Pregnancy.PREGNANT, Severity.HIGH),
        ("paroxetine", Pregnancy.PREGNANT, Severity.HIGH),
        ("lorazepam", Pregnancy.PREGNANT, Severity.MODERATE),
        ("sertraline", Pregnancy.NOT_PREGNANT, None),
    ],
)
def test_pregnancy(ordered: str, state: Pregnancy, severity: Severity | None) -> None:
    found = severities(asked(ordered, of(pregnancy=state)), Check.PREGNANCY)
    assert found[:1] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("ordered", "sex", "born", "told"),
    [
        ("lithium", Sex.FEMALE, date(1990, 1, 1), {"pregnancy-unknown"}),
        ("lithium", None, None, {"pregnancy-unknown"}),
        ("lithium", Sex.MALE, date(1990, 1, 1), set()),
        ("lithium", Sex.FEMALE, date(1960, 1, 1), set()),
        ("buspirone", Sex.FEMALE, date(1990, 1, 1), set()),
    ],
)
def test_pregnancy_unknown(ordered: str, sex: Sex | None, born: date | None, told: set[str]) -> None:
    answer = asked(ordered, of(pregnancy=Pregnancy.UNKNOWN, sex=sex, birth_date=born))
    assert reasons(answer, Check.PREGNANCY) == told
    assert (Check.PREGNANCY in answer.checked) is (not told)


@pytest.mark.parametrize(
    ("ordered", "chart", "kind"),
    [
        ("sertraline", of(birth_date=date(2005, 1, 1)), Check.AGE),
        ("valproate", of(pregnancy=Pregnancy.PREGNANT), Check.PREGNANCY),
    ],
)
def test_an_alert_about_the_person_names_the_drug_and_counts_as_checked(
    ordered: str, chart: Chart, kind: Check
) -> None:
    answer = asked(ordered, chart)
    (told,) = [alert for alert in answer.alerts if alert.kind is kind]
    assert (told.involves, told.message.split(" ")[0]) == ((ordered,), ordered)
    assert kind in answer.checked


def lab(loinc: str, value: str, unit: str, days_ago: int = 1) -> Lab:
    return Lab(loinc=loinc, value=Decimal(value), unit=unit, at=TODAY - timedelta(days=days_ago))


@pytest.mark.parametrize(
    ("results", "found"),
    [
        ([], {"lab.clozapine-anc-missing"}),
        ([lab("751-8", "1500", "/uL")], set()),
        ([lab("751-8", "1499", "/uL")], {"lab.clozapine-anc-start"}),
        ([lab("751-8", "1.4", "10*3/uL")], {"lab.clozapine-anc-start"}),
        ([lab("751-8", "1.4", " 10*3 / UL")], {"lab.clozapine-anc-start"}),
        ([lab("751-8", "2000", "/uL", 30)], set()),
        ([lab("751-8", "2000", "/uL", 31)], {"lab.clozapine-anc-missing"}),
        ([lab("751-8", "1400", "/uL", 31)], {"lab.clozapine-anc-missing", "lab.clozapine-anc-start"}),
        ([lab("751-8", "900", "/uL", 9), lab("751-8", "2000", "/uL", 2)], set()),
        ([lab("751-8", "2000", "/uL", -1)], {"lab.clozapine-anc-missing"}),
    ],
)
def test_neutrophils_before_clozapine(results: list[Lab], found: set[str]) -> None:
    for ordered in (results, results[::-1]):
        assert rules(asked("clozapine", of(labs=tuple(ordered))), Check.LAB) == found


@pytest.mark.parametrize(
    ("count", "found"),
    [
        ("1500", set()),
        ("1499", {"lab.clozapine-anc-low"}),
        ("1000", {"lab.clozapine-anc-low"}),
        ("999", {"lab.clozapine-anc-very-low"}),
    ],
)
def test_neutrophils_while_clozapine_is_taken(count: str, found: set[str]) -> None:
    chart = taking("clozapine", chart=of(labs=(lab("751-8", count, "/uL"),)))
    assert rules(asked("clozapine", chart), Check.LAB) == found


@pytest.mark.parametrize(
    ("days", "severity"), [(29, Severity.HIGH), (30, Severity.CONTRAINDICATED), (90, Severity.CONTRAINDICATED)]
)
def test_clozapine_after_a_gap_of_thirty_days_is_a_start(days: int, severity: Severity) -> None:
    taken = Medication(name="clozapine", stopped_on=TODAY - timedelta(days=days))
    chart = replace(of(labs=(lab("751-8", "1400", "/uL"),)), medications=(taken,))
    assert severities(asked("clozapine", chart), Check.LAB) == [severity]


RENAL, THYROID = lab("33914-3", "80", "mL/min/{1.73_m2}"), lab("3016-3", "2", "mIU/L")


@pytest.mark.parametrize(
    ("results", "found"),
    [
        ([], {"lab.lithium-renal-missing", "lab.lithium-thyroid-missing"}),
        ([RENAL, THYROID], set()),
        ([lab("33914-3", "44", "mL/min/{1.73_m2}"), THYROID], {"lab.lithium-egfr-low"}),
        ([RENAL, THYROID, lab("14334-7", "1.5", "mmol/L")], set()),
        ([RENAL, THYROID, lab("14334-7", "1.51", "mEq/L")], {"lab.lithium-level-toxic"}),
    ],
)
def test_results_before_lithium(results: list[Lab], found: set[str]) -> None:
    assert rules(asked("lithium", of(labs=tuple(results))), Check.LAB) == found


def test_a_unit_nobody_knows_and_labs_nobody_recorded() -> None:
    odd = of(labs=(lab("751-8", "1400", "bushels"),))
    assert reasons(asked("clozapine", odd), Check.LAB) == {"result-not-understood"}
    assert reasons(asked("clozapine", of(labs=None)), Check.LAB) == {"labs-not-recorded"}
    assert reasons(asked("sertraline", of(labs=None)), Check.LAB) == set()


def trial(mg: int | None = 20, weeks: int | None = 8, **told: Any) -> Trial:
    return Trial(
        name=told.pop("name", "Prozac"),
        daily_dose_mg=None if mg is None else Decimal(mg),
        weeks=None if weeks is None else Decimal(weeks),
        **told,
    )


NO_HELP: dict[str, Any] = {"response": TrialResponse.NONE, "stopped_for": StoppedFor.INEFFICACY}


@pytest.mark.parametrize(
    ("tried", "found", "told"),
    [
        (trial(**NO_HELP), {"trial.failed"}, set()),
        (trial(weeks=4, **NO_HELP), {"trial.failed"}, set()),
        (trial(weeks=3, **NO_HELP), set(), set()),
        (trial(mg=19, **NO_HELP), set(), set()),
        (trial(mg=None, **NO_HELP), set(), {"trial-details-missing"}),
        (trial(weeks=None, **NO_HELP), set(), {"trial-details-missing"}),
        (trial(response=TrialResponse.RESPONSE, stopped_for=StoppedFor.OTHER), set(), set()),
        (trial(response=TrialResponse.UNKNOWN), set(), {"trial-details-missing"}),
        (trial(stopped_for=StoppedFor.INTOLERANCE), {"trial.not-tolerated"}, set()),
        (trial(stopped_for=StoppedFor.ALLERGY), {"trial.allergic"}, set()),
        (trial(name="sertraline", **NO_HELP), set(), set()),
        (trial(name="xyzmab", **NO_HELP), set(), {"unknown-drug"}),
    ],
)
def test_earlier_trials_of_fluoxetine(tried: Trial, found: set[str], told: set[str]) -> None:
    answer = asked("fluoxetine", replace(KNOWN, trials=(tried,)))
    assert (rules(answer, Check.PRIOR_TRIAL), reasons(answer, Check.PRIOR_TRIAL)) == (found, told)


@pytest.mark.parametrize(
    ("ordered", "days", "risk", "found", "told"),
    [
        ("amitriptyline", 14, SuicideRisk.HIGH, set(), set()),
        ("amitriptyline", 15, SuicideRisk.HIGH, {"supply.suicide-risk"}, set()),
        ("lithium", 15, SuicideRisk.MODERATE, {"supply.suicide-risk"}, set()),
        ("lithium", 15, SuicideRisk.LOW, set(), set()),
        ("lithium", 15, SuicideRisk.UNKNOWN, set(), {"suicide-risk-unknown"}),
        ("lithium", None, SuicideRisk.LOW, set(), {"days-supply-missing"}),
        ("lithium", 0, SuicideRisk.HIGH, set(), set()),
        ("sertraline", 90, SuicideRisk.UNKNOWN, set(), set()),
    ],
)
def test_supply_under_suicide_risk(
    ordered: str, days: int | None, risk: SuicideRisk, found: set[str], told: set[str]
) -> None:
    answer = asked(ordered, of(suicide_risk=risk), days_supply=days)
    assert (rules(answer, Check.SUPPLY), reasons(answer, Check.SUPPLY)) == (found, told)


@pytest.mark.parametrize(
    ("ordered", "days", "starts", "found"),
    [
        ("sertraline", 365, TODAY, set()),
        ("methylphenidate", 90, TODAY, {"controlled.pdmp"}),
        ("methylphenidate", 91, TODAY, {"controlled.pdmp", "controlled.schedule-ii-days"}),
        ("lorazepam", 184, TODAY, {"controlled.pdmp"}),
        ("lorazepam", 185, TODAY, {"controlled.pdmp", "controlled.schedule-iii-iv-days"}),
        ("methadone", 7, TODAY, {"controlled.pdmp", "controlled.methadone"}),
        ("acetaminophen / hydrocodone", 91, TODAY, {"controlled.pdmp", "controlled.schedule-ii-days"}),
        ("hydrocodone / acetaminophen", 91, TODAY, {"controlled.pdmp", "controlled.schedule-ii-days"}),
        ("pregabalin", 30, date(2026, 12, 31), set()),
        ("pregabalin", 30, date(2027, 1, 1), {"controlled.telehealth"}),
    ],
)
def test_controlled_substances(ordered: str, days: int, starts: date, found: set[str]) -> None:
    answer = asked(ordered, days_supply=days, starts_on=starts)
    assert rules(answer, Check.CONTROLLED_SUBSTANCE) == found
