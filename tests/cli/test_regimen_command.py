"""`careloop regimen`: the doses of each day, the words and FHIR; refusals that repeat nothing of the input."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from careloop.cli.main import app

ASKED: dict[str, Any] = {
    "first_day": "2027-03-13",
    "phases": [
        {"days": 3, "every_days": 2, "doses": [{"at": "morning", "amount_mg": 25}]},
        {"doses": [{"at": "02:30", "amount_mg": 12.5}]},
    ],
}


def shown(asked: dict[str, Any], *options: str) -> Result:
    return CliRunner().invoke(app, ["regimen", "-", *options], input=json.dumps(asked))


def test_the_days_from_the_first_on_with_totals() -> None:
    result = shown(ASKED, "--days", "4")
    told = json.loads(result.stdout)
    assert result.exit_code == 0
    assert [(day["on"], day["total_mg"]) for day in told["days"]] == [
        ("2027-03-13", 25), ("2027-03-14", 0), ("2027-03-15", 25), ("2027-03-16", 12.5),
    ]  # fmt: skip
    assert (told["daily_dose_mg"], told["most_daily_mg"], told["ascends"], told["ends_on"]) == (12.5, 25, False, None)
    assert [one["sequence"] for one in told["fhir"]] == [1, 2]
    assert told["words"].startswith("For 3 days, 25 mg in the morning every other day.")


def test_a_time_that_the_clocks_leave_out_falls_after_the_change() -> None:
    zoned = {**ASKED, "phases": ASKED["phases"][1:], "time_zone": "America/New_York"}
    told = json.loads(shown(zoned, "--on", "2027-03-14", "--days", "1").stdout)
    assert told["days"][0]["doses"] == [{"at": "02:30", "amount_mg": 12.5, "instant": "2027-03-14T07:30:00Z"}]


def test_the_clients_own_morning() -> None:
    told = json.loads(shown({**ASKED, "times": {"morning": "06:15"}}, "--days", "1").stdout)
    assert told["days"][0]["doses"][0]["at"] == "06:15"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"phases": []}, "phases: regimen-empty"),
        ({"phases": [{"doses": []}] * 2}, "phases[0].days: regimen-open-phase"),
        ({"phases": [{"as_needed": {"reason": "SECRET", "amount_mg": 1}}]}, "as-needed-without-maximum"),
        ({"phases": [{"weekdays": ["SECRET"]}]}, "phases"),
        ({"SECRET": 1}, "the input"),
        ({"time_zone": "SECRET/Town"}, "time_zone: "),
        ({"times": {"noon": "SECRET"}}, "times.noon: "),
    ],
)
def test_what_is_not_as_described_is_named_and_not_repeated(change: dict[str, Any], said: str) -> None:
    result = shown({**ASKED, **change})
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert "SECRET" not in result.stderr


def test_a_bad_line_keeps_its_place() -> None:
    good = json.dumps(ASKED)
    result = CliRunner().invoke(app, ["regimen", "-", "--lines"], input=f"{good}\nnonsense\n{good}\n")
    assert result.exit_code == 2
    assert ["error" in json.loads(line) for line in result.stdout.splitlines()] == [False, True, False]
