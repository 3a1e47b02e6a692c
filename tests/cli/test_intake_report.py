"""What `careloop intake` says it did: what is not used here stands apart from what was not understood."""

from collections import Counter
from io import StringIO

from rich.console import Console

from careloop.cli.calling.intake_sending import SendingOutcome
from careloop.cli.terminal.intake_report import IntakeReport
from careloop.intake.tally import Tally

REPORT = IntakeReport(
    files=1,
    patients=1,
    tally=Tally(
        read=1016,
        mapped=Counter({"Patient": 1, "Condition": 3}),
        not_used=Counter(
            {
                ("Claim", "resource-type-not-used"): 900,
                ("Procedure", "resource-type-not-used"): 100,
                ("Condition", "status-refuted"): 2,
            }
        ),
        not_understood=Counter({("Condition", "code-missing-or-unknown"): 9, ("Observation", "score-missing"): 1}),
        medicines=Counter({"resolved": 4}),
    ),
    outcome=SendingOutcome(recorded=4),
)


def shown(report: IntakeReport, *, brief: bool) -> list[list[str]]:
    """The words of each line."""
    out = StringIO()
    report.show(Console(file=out, width=200), brief=brief)
    return [line.split() for line in out.getvalue().splitlines()]


def test_each_type_has_what_was_mapped_not_used_and_not_understood() -> None:
    lines = shown(REPORT, brief=False)
    assert ["Condition", "3", "2", "9"] in lines
    assert ["Observation", "-", "-", "1"] in lines
    assert ["Claim", "-", "900", "-"] in lines


def test_in_brief_the_types_that_have_no_use_here_are_one_row() -> None:
    lines = shown(REPORT, brief=True)
    assert ["2", "other", "types", "-", "1,000", "-"] in lines
    assert not [line for line in lines if line[:1] == ["Claim"]]


def test_every_reason_is_named_beside_what_it_is_a_reason_for() -> None:
    lines = [" ".join(line) for line in shown(REPORT, brief=True)]
    assert "Not used here: Condition status-refuted 2" in lines
    assert "Not understood: Condition code-missing-or-unknown 9, Observation score-missing 1" in lines
    assert any("4 mapped, 1,002 not used here, 10 not understood." in line for line in lines)


def test_the_json_report_keeps_them_apart_too() -> None:
    resources = REPORT.as_json()["resources"]
    assert {"resource": "Claim", "reason": "resource-type-not-used", "count": 900} in resources["not_used"]
    assert resources["not_understood"] == [
        {"resource": "Condition", "reason": "code-missing-or-unknown", "count": 9},
        {"resource": "Observation", "reason": "score-missing", "count": 1},
    ]
