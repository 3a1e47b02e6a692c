"""Every version of the pack that left this repository loads in this one, and can be compared and replayed."""

import json
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

from careloop.cli.main import app
from careloop.knowledge.pack.catalogue import catalogue
from careloop.knowledge.pack.pack import PackInvalid, digest_of, load, read_data
from careloop.knowledge.pack.shapes.urgency import ResponseClock, RiskRule, TriageRule
from careloop.knowledge.screening.screen import screen
from tests.support.knowledge import PACKS, TODAY, data_with, order, released, taking, written

LINES = (files("careloop.knowledge") / "data" / "VERSIONS").read_text().splitlines()
VERSIONS = dict(line.split() for line in LINES if not line.startswith("#"))
EARLIER = list(VERSIONS)[:-1]
SINCE_1_2 = ("triage.yaml", "suicide-risk.yaml", "clocks.yaml")
SINCE_1_3 = ("never-above.yaml", "overrides.yaml", "abrupt-stop.yaml", "indications.yaml", "no-indication.yaml")
SINCE_1_4 = ("steps.yaml", "tapers.yaml", "switches.yaml", "strengths.yaml")


def test_of_every_earlier_version_the_data_files_are_kept() -> None:
    """Fails when a version was added: keep the one before it as docs/care-rules.md says."""
    assert [file.name for file in sorted(PACKS.iterdir())] == [f"{version}.tar.gz" for version in sorted(EARLIER)]


@pytest.mark.parametrize("version", EARLIER)
def test_every_earlier_version_loads_as_it_was(version: str) -> None:
    read = catalogue(released(version))
    assert read.pack.reference.version == version
    assert read.pack.digest == VERSIONS[version] == digest_of(released(version))


@pytest.mark.parametrize("version", EARLIER)
def test_every_earlier_version_still_judges_an_order(version: str) -> None:
    found = screen(taking("phenelzine"), order("sertraline", 50), TODAY, load(released(version)))
    assert "ddi.maoi-serotonergic" in {alert.rule for alert in found.alerts}
    assert found.knowledge.digest == VERSIONS[version]


def test_a_version_from_before_the_rules_of_urgency_has_none_of_them() -> None:
    pack = load(released("1.1.0"))
    assert all(pack.entries(shape) == () for shape in (TriageRule, RiskRule, ResponseClock))
    assert not pack.files.keys() & set(SINCE_1_2)


@pytest.mark.parametrize("name", SINCE_1_2)
def test_a_version_that_must_have_a_file_is_refused_without_it(name: str) -> None:
    content = read_data()
    del content[name]
    with pytest.raises(PackInvalid, match=name):
        load(content)
    earlier = {**content, "pack.yaml": data_with("pack.yaml", "version: 1.4.", "version: 1.1.")["pack.yaml"]}
    assert name not in load(earlier).files


def test_what_an_earlier_version_has_is_checked_as_in_any_other() -> None:
    content = data_with("triage.yaml", "answers: {from: 4, through: 5}", "answers: {from: 5, through: 5}")
    earlier = {**content, "pack.yaml": data_with("pack.yaml", "version: 1.4.", "version: 1.1.")["pack.yaml"]}
    with pytest.raises(PackInvalid, match=r"triage\.yaml: no rule: ctcae-grade"):
        load(earlier)


@pytest.mark.parametrize("version", EARLIER)
def test_an_earlier_version_is_compared_with_the_one_in_use(version: str, tmp_path: Path) -> None:
    old = written(released(version), tmp_path / "old")
    outcome = CliRunner().invoke(app, ["knowledge", "diff", str(old), "--json"])
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    told = json.loads(outcome.stdout)
    since = SINCE_1_2 if version < "1.2" else SINCE_1_3 if version < "1.3" else SINCE_1_4
    rules = {f"{name}: {rule.id}" for name in since for rule in load(read_data()).files[name]}  # type: ignore[attr-defined]
    assert rules <= set(told["added"])
    title = {(one["entry"], one["before"], one["after"]) for one in told["changed"] if one["file"] == "pack.yaml"}
    assert ("careloop-psychiatry", f'"{version}"', f'"{list(VERSIONS)[-1]}"') in title
