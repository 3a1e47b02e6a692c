"""`careloop plan` and `careloop check-plan`: answers on standard output, refusals that repeat nothing of the input."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from careloop.cli.main import app

KNOWN: dict[str, Any] = {
    "as_of": "2026-12-07",
    "patient": {
        "birth_date": "1986-05-01", "sex": "female", "pregnancy": "not-pregnant", "weight_kg": 70, "conditions": [],
        "allergies": [], "no_known_allergies": True, "suicide_risk": "none",
        "labs": [{"loinc": "2951-2", "value": 140, "unit": "mmol/L", "at": "2026-12-01"}],
    },
    "trials": [],
    "medications": [{"name": "sertraline", "daily_dose_mg": 100, "started_on": "2026-01-01"}],
}  # fmt: skip
TAPER = {**KNOWN, "kind": "taper", "from": {"name": "sertraline"}, "pace_percent": 50, "strengths_mg": [25],
         "splittable": True}  # fmt: skip
SWITCH = {**KNOWN, "kind": "switch", "from": {"name": "sertraline"}, "to": {"name": "venlafaxine"}}


def run(command: str, asked: object, *options: str) -> Result:
    return CliRunner().invoke(app, [command, "-", *options], input=json.dumps(asked))


def told(result: Result) -> Any:
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_a_plan_has_segments_reasons_and_what_the_checker_says() -> None:
    plan = told(run("plan", TAPER))
    assert list(plan) == ["knowledge", "segments", "earliest_on", "explanation", "impossible", "not_known", "check"]
    assert [(one["from_on"], one["to_on"]) for one in plan["segments"]] == [
        ("2026-12-07", "2026-12-20"), ("2026-12-21", "2027-01-03"), ("2027-01-04", "2027-01-17"),
    ]  # fmt: skip
    assert [one["regimen"]["phases"][0]["doses"][0]["amount_mg"] for one in plan["segments"]] == [50, 25, 12.5]
    assert (plan["check"]["legal"], plan["check"]["violations"]) == (True, [])
    assert plan["explanation"][0]["rule"] == "taper.antidepressant"


def test_what_a_plan_gives_can_be_judged_as_it_is() -> None:
    plan = told(run("plan", SWITCH))
    check = told(run("check-plan", {**KNOWN, "segments": plan["segments"]}))
    assert {name: held for name, held in check.items() if name != "knowledge"} == plan["check"]
    assert plan["earliest_on"] == "2027-01-06"


def test_a_schedule_of_somebody_else_is_judged() -> None:
    segment = {
        "drug": "sertraline", "from_on": "2026-12-07", "to_on": "2026-12-20",
        "regimen": {"phases": [{"doses": [{"at": "morning", "amount_mg": 100}]}]},
    }  # fmt: skip
    check = told(run("check-plan", {**KNOWN, "segments": [segment]}))
    (broken,) = check["violations"]
    assert check["legal"] is False
    assert [broken[name] for name in ("constraint", "day", "found", "allowed", "unit")] == [
        "K4", "2026-12-21", 100, 12.5, "mg",
    ]  # fmt: skip


def test_no_plan_says_why() -> None:
    unknown = told(run("plan", {**KNOWN, "kind": "taper", "from": {"name": "baclofen", "daily_dose_mg": 30}}))
    assert (unknown["not_known"][0]["reason"], unknown["segments"], unknown["check"]) == ("taper-unknown", [], None)
    forbidden = told(run("plan", {**TAPER, "every_days": 7}))
    assert [forbidden["impossible"][0][name] for name in ("constraint", "found", "allowed")] == ["K4", 7, 14]
    assert told(run("plan", {**KNOWN, "kind": "titration"}))["not_known"][0]["subject"] == "to"


LITHIUM = {**KNOWN, "medications": [], "kind": "taper", "from": {"name": "lithium", "daily_dose_mg": 900}}


@pytest.mark.parametrize("medications", [[], None])
def test_the_dose_that_is_stated_needs_no_medication_in_the_chart(medications: list[object] | None) -> None:
    plan = told(run("plan", {**LITHIUM, "medications": medications}))
    assert [one["from_on"] for one in plan["segments"]] == ["2026-12-07", "2027-01-04", "2027-02-01"]
    assert plan["check"]["violations"] == []
    asked = {**KNOWN, "medications": medications, "segments": plan["segments"]}
    assert told(run("check-plan", {**asked, "from": LITHIUM["from"]}))["violations"] == []
    assert told(run("check-plan", asked))["legal"] is False


def test_a_bad_line_keeps_its_place() -> None:
    lines = "\n".join([json.dumps(TAPER), "nonsense", json.dumps(SWITCH)])
    result = CliRunner().invoke(app, ["plan", "-", "--lines"], input=lines)
    assert result.exit_code == 2
    assert ["error" in json.loads(line) for line in result.stdout.splitlines()] == [False, True, False]


SEGMENT = {"drug": "sertraline", "from_on": "2026-12-07", "regimen": {"phases": [{"doses": []}]}}


@pytest.mark.parametrize(
    ("command", "change", "said"),
    [
        ("plan", {"kind": "SECRET"}, "kind"),
        ("plan", {"from_": {"name": "SECRET"}}, "the input"),
        ("plan", {"from": {"nme": "SECRET"}}, "from"),
        ("plan", {"every_days": 0}, "every_days"),
        ("plan", {"every_days": 367}, "every_days"),
        ("plan", {"pace_percent": 0}, "pace_percent"),
        ("plan", {"pace_percent": 101}, "pace_percent"),
        ("plan", {"days_a_week": 8}, "days_a_week"),
        ("plan", {"strengths_mg": []}, "strengths_mg"),
        ("plan", {"strengths_mg": [0.0001]}, "strengths_mg[0]"),
        ("plan", {"strengths": [{"name": "SECRET", "strengths_mg": []}]}, "strengths[0].strengths_mg"),
        ("plan", {"medications": [{"daily_dose_mg": 1}]}, "medications[0]"),
        ("plan", {"from": {"name": "sertraline", "daily_dose_mg": -1}}, "daily_dose_mg"),
        ("check-plan", {"segments": []}, "segments"),
        ("check-plan", {"segments": [SEGMENT]}, "segments[0].regimen.phases: regimen-empty"),
        ("check-plan", {"segments": [{**SEGMENT, "to_on": "2026-12-06"}]}, "segments[0].to_on"),
        ("check-plan", {"segments": [SEGMENT, {**SEGMENT, "drug": "SECRET"}], "strengths_mg": [1]}, "segments[0]"),
    ],
)
def test_what_is_not_as_described_is_named_and_not_repeated(command: str, change: dict[str, Any], said: str) -> None:
    result = run(command, {**(TAPER if command == "plan" else KNOWN), **change})
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert "SECRET" not in result.stderr


def test_strengths_of_several_drugs_are_named() -> None:
    doses = {"phases": [{"doses": [{"at": "morning", "amount_mg": 25}]}]}
    segments = [{**SEGMENT, "regimen": doses}, {**SEGMENT, "regimen": doses, "drug": "venlafaxine"}]
    result = run("check-plan", {**KNOWN, "segments": segments, "strengths_mg": [25]})
    assert (result.exit_code, "name each in strengths" in result.stderr) == (2, True)
