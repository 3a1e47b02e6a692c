"""The alert rules: they parse, rest on figures that a process shows, and lead to a runbook."""

import re
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from tests.support.figures import figures

ROOT = Path(__file__).parents[2]
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((ROOT / "deploy/alerts/careloop.yaml").read_text())["groups"]
    for rule in group["rules"]
]
OF_THE_BACKUP = {"careloop_backup_completed_timestamp_seconds"}
"""Shown by whatever makes the backups."""

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])


@each_rule
def test_a_rule_parses_and_rests_on_figures_that_exist(rule: dict[str, Any]) -> None:
    promql_parser.parse(rule["expr"])
    assert set(re.findall(r"careloop_\w+", rule["expr"])) <= figures().keys() | OF_THE_BACKUP


@each_rule
def test_a_rule_says_how_urgent_it_is_and_what_to_read(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"]
    runbook = (ROOT / rule["annotations"]["runbook"]).read_text()
    assert runbook.startswith(f"# {rule['alert']}\n")
    assert re.findall(r"^## (.+)$", runbook, re.MULTILINE) == ["Meaning", "For patients", "Look", "Do"]
