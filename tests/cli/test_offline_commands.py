"""`careloop screen` and `careloop score`: answers on standard output, refusals that repeat nothing of the input."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from careloop.cli.main import app

RUN = CliRunner()
QUESTION: dict[str, Any] = {
    "as_of": "2026-11-23",
    "patient": {
        "birth_date": "1990-01-01",
        "sex": "female",
        "pregnancy": "not-pregnant",
        "weight_kg": 70,
        "conditions": [{"icd10": "F33.1"}, {"snomed": "370143000"}, {"text": "seizure disorder"}],
        "allergies": [
            {"substance": "sulfamethoxazole", "rxcui": "10180", "type": "allergy", "criticality": "high"},
        ],
        "no_known_allergies": False,
        "labs": [{"loinc": "751-8", "value": 1400, "unit": "/uL", "at": "2026-11-20"}],
        "genotypes": [{"gene": "CYP2C19", "phenotype": "poor"}],
        "suicide_risk": "none",
    },
    "medications": [{"rxcui": "8123", "name": "phenelzine", "daily_dose_mg": 45, "stopped_on": "2026-11-20"}],
    "trials": [{"name": "fluoxetine", "daily_dose_mg": 40, "weeks": 8, "response": "none"}],
    "order": {"rxcui": "36437", "name": "sertraline 50 MG Oral Tablet", "daily_dose_mg": 50, "days_supply": 30},
}


def screened(text: str, *options: str) -> Result:
    return RUN.invoke(app, ["screen", "-", *options], input=text)


def test_an_answer_has_the_documented_shape(tmp_path: Path) -> None:
    file = tmp_path / "question.json"
    file.write_text(json.dumps(QUESTION))
    result = RUN.invoke(app, ["screen", str(file)])
    told = json.loads(result.stdout)
    assert result.exit_code == 0
    assert list(told) == ["knowledge", "outcome", "alerts", "not_checked", "checked"]
    assert told["knowledge"]["pack"] == "careloop-psychiatry"
    assert told["outcome"] == "alerts"
    assert [(one["rule"], one["kind"], one["severity"], one["involves"]) for one in told["alerts"]] == [
        ("washout.maoi-serotonergic", "washout", "contraindicated", ["sertraline", "phenelzine"])
    ]
    assert list(told["alerts"][0]) == [
        "rule", "version", "kind", "severity", "involves", "message", "action", "source", "reviewed",
        "mechanism", "evidence",
    ]  # fmt: skip
    assert told["not_checked"] == []


def test_only_the_order_is_needed() -> None:
    result = screened('{"order": {"name": "xyzmab"}}')
    told = json.loads(result.stdout)
    assert (result.exit_code, told["outcome"], told["checked"]) == (0, "not-checked", [])
    assert {"check": "drug-drug", "reason": "unknown-drug", "subject": "xyzmab"} in told["not_checked"]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"patient": {"sex": "SECRET"}}, "patient.sex"),
        ({"patient": {"pregnancy": "SECRET"}}, "patient.pregnancy"),
        ({"patient": {"birth_date": "SECRET"}}, "patient.birth_date"),
        ({"patient": {"labs": [{"loinc": "751-8", "value": "SECRET", "at": "2026-11-20"}]}}, "patient.labs"),
        ({"patient": {"SECRET": 1}}, "patient"),
        ({"patient": {"conditions": [{}]}}, "patient.conditions[0]"),
        ({"SECRET": 1}, "the input"),
        ({"order": {"rxcui": 36437}}, "order.rxcui"),
        ({"order": {}}, "order: name or rxcui"),
        ({"order": {"name": "sertraline", "daily_dose_mg": -1}}, "order.daily_dose_mg"),
        ({"order": {"name": "sertraline", "days_supply": -1}}, "order.days_supply"),
        ({"medications": [{"daily_dose_mg": 1}]}, "medications[0]"),
        ({"trials": [{"name": "x", "stopped_for": "SECRET"}]}, "trials"),
    ],
)
def test_what_is_not_as_described_is_named_and_not_repeated(change: dict[str, Any], place: str) -> None:
    result = screened(json.dumps({**QUESTION, **change}))
    assert (result.exit_code, result.stdout) == (2, "")
    assert place in result.stderr
    assert "SECRET" not in result.stderr


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00", '{"as_of": "2026-11-23"}', "[" * 20000])
def test_what_is_no_question_is_refused(text: str) -> None:
    result = screened(text)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("careloop screen: ")


def test_lines_are_answered_in_order_and_a_bad_one_keeps_its_place() -> None:
    lines = [json.dumps(QUESTION), "nonsense", '{"order": {"name": "sertraline"}}']
    result = screened("\n".join(lines), "--lines")
    first, second, third = (json.loads(line) for line in result.stdout.splitlines())
    assert result.exit_code == 2
    assert first["outcome"] == "alerts"
    assert list(second) == ["error"]
    assert third["outcome"] == "not-checked"


def test_lines_that_are_all_good_end_well() -> None:
    assert screened(json.dumps(QUESTION), "--lines").exit_code == 0


def test_a_file_that_is_not_there() -> None:
    assert RUN.invoke(app, ["screen", "/nowhere/at/all.json"]).exit_code == 2


def test_a_score_in_json() -> None:
    result = RUN.invoke(app, ["score", "phq-9", *"213012101", "--json"])
    assert json.loads(result.stdout) == {
        "instrument": "phq-9", "version": 1, "total": 11, "band": "moderate", "flags": ["item-9"], "missing": 0,
    }  # fmt: skip


def test_missing_answers_are_dashes() -> None:
    result = RUN.invoke(app, ["score", "gad-7", *"11111-1", "--json"])
    assert json.loads(result.stdout)["total"] is None
    assert json.loads(result.stdout)["missing"] == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["phq-9", *"21301210"], "9 items"),
        (["phq-9", "2", "7", *"3012101"], "Item 2 of phq-9 must be from 0 to 3"),
        (["phq-9", "2", "-1", *"3012101"], "Item 2 of phq-9 must be from 0 to 3"),
        (["phq-9", "2", "x", *"3012101"], "Item 2"),
        (["phq-99", "1"], "instrument must be one of"),
        ([], "Name an instrument"),
    ],
)
def test_wrong_answers_exit_2_with_a_sentence(words: list[str], said: str) -> None:
    result = RUN.invoke(app, ["score", *words])
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_the_list_of_instruments() -> None:
    assert "c-ssrs" in RUN.invoke(app, ["score", "--list"]).stdout
    told = json.loads(RUN.invoke(app, ["score", "--list", "--json"]).stdout)
    phq_9 = next(one for one in told if one["instrument"] == "phq-9")
    assert phq_9["items"][8] == {"item": 9, "name": "better-off-dead", "lowest": 0, "highest": 3}


def test_a_score_by_sex_and_with_what_it_asks_for() -> None:
    told = json.loads(RUN.invoke(app, ["score", "audit-c", *"111", "--sex", "female", "--json"]).stdout)
    assert told["band"] == "positive"
    explained = json.loads(RUN.invoke(app, ["score", "phq-9", *"000000001", "--json", "--explain"]).stdout)
    assert explained["readings"][0] == {
        "name": "item-9", "holds": True, "action": "Ask the C-SSRS screener on the same day.",
        "source": "Kroenke 2001; missing items as in the PHQ instruction manual", "basis": "M", "reviewed": False,
    }  # fmt: skip
    text = RUN.invoke(app, ["score", "phq-9", *"00000000-", "--explain"]).stdout.splitlines()
    assert text[0] == "phq-9: total 0, minimal, flagged safety-item-missing, 1 missing"
    assert text[1].startswith("  major-depressive-syndrome: no (")


def test_scores_line_by_line() -> None:
    lines = ['{"instrument": "phq-2", "answers": [3, 0]}', '{"instrument": "phq-2", "answers": [3]}', "x"]
    lines.append('{"instrument": "audit-c", "answers": [1, 1, null], "sex": "male"}')
    result = RUN.invoke(app, ["score", "--lines"], input="\n".join(lines))
    first, second, third, fourth = (json.loads(line) for line in result.stdout.splitlines())
    assert result.exit_code == 2
    assert (first["total"], first["band"]) == (3, "positive")
    assert second == {"error": "phq-2 has 2 items; 1 answers were given."}
    assert third == {"error": "the input is not JSON"}
    assert (fourth["total"], fourth["missing"]) == (None, 1)
    assert "line 2" in result.stderr
    assert RUN.invoke(app, ["score", "--lines"], input=lines[0]).exit_code == 0


@pytest.mark.parametrize("command", ["score", "adherence", "screen"])
def test_offline_commands_import_no_service_and_no_broker(command: str) -> None:
    script = f"""
import sys
from careloop.cli.main import app
from typer.main import get_command
get_command(app).commands[{command!r}]
heavy = {{"grpc", "aiokafka", "asyncpg", "services"}}
sys.exit(bool(heavy & {{name.split(".")[0] for name in sys.modules}}))
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
