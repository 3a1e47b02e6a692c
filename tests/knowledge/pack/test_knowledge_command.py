"""`careloop knowledge` and the pages for review: what they say is what the data files say."""

import json
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from careloop.cli.commands.docs import generated
from careloop.cli.documents.knowledge_page import reference
from careloop.cli.main import app
from careloop.knowledge.pack.catalogue import catalogue
from careloop.knowledge.pack.difference import Change, difference
from careloop.knowledge.pack.pack import read_data
from careloop.knowledge.pack.shapes.entries import Basis

ROOT = Path(__file__).parents[3]
RUN = CliRunner()
READ = catalogue(read_data())
RULES = {kind: list(rules) for kind, rules in READ.rules().items()}


def told(*arguments: str) -> Result:
    return RUN.invoke(app, ["knowledge", *arguments])


def folder(place: Path, **changed: tuple[str, str]) -> Path:
    """The data files in a folder, with one text replaced in some of them."""
    place.mkdir()
    for name, content in read_data().items():
        old, new = changed.get(name.removesuffix(".yaml").replace("-", "_"), ("", ""))
        text = content.decode()
        assert old in text
        (place / name).write_text(text.replace(old, new, 1) if old else text)
    return place


def test_every_rule_is_listed_with_its_source() -> None:
    listed = json.loads(told("list", "--json").stdout)
    assert Counter(one["file"] for one in listed) == {f"{kind}.yaml": len(rules) for kind, rules in RULES.items()}
    assert all(one["id"] and one["source"] and one["basis"] in set(Basis) for one in listed)


def test_the_list_can_be_narrowed_by_kind_and_basis() -> None:
    listed = json.loads(told("list", "--kind", "interactions", "--basis", "V", "--json").stdout)
    meant = {rule.id for rule in RULES["interactions"] if rule.basis is Basis.VERIFIED}
    assert {one["id"] for one in listed} == meant != set()
    assert "ddi.tca-maoi" in told("list", "--kind", "interactions").stdout


def test_the_counts_add_up() -> None:
    counted = json.loads(told("list", "--counts", "--json").stdout)
    for column in ("rules", *Basis):
        assert counted["all"][column] == sum(row[column] for kind, row in counted.items() if kind != "all")
    assert counted["all"]["rules"] == sum(counted["all"][basis] for basis in Basis) == sum(map(len, RULES.values()))
    assert told("list", "--counts").stdout.splitlines()[-1].split()[:2] == ["all", str(counted["all"]["rules"])]


@pytest.mark.parametrize("arguments", [("list", "--kind", "nothing"), ("show", "xyzmab")])
def test_what_there_is_not_is_wrong_use(arguments: tuple[str, ...]) -> None:
    outcome = told(*arguments)
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert "careloop knowledge:" in outcome.stderr


def test_a_rule_is_shown_with_mechanism_and_source() -> None:
    outcome = told("show", "ddi.tca-maoi")
    assert outcome.exit_code == 0
    assert outcome.stdout.startswith("ddi.tca-maoi\n")
    assert "mechanism: More serotonin acts" in outcome.stdout
    assert "source: ONC high-priority interaction 7" in outcome.stdout
    assert "\n  answers: (from 0; through 2)\n  level: next-visit\n" in told("show", "triage.fibser-burden-0").stdout


def test_a_drug_is_shown_with_every_rule_that_names_it_or_a_class_of_it() -> None:
    shown = json.loads(told("show", "Zoloft", "--json").stdout)
    assert shown[0]["name"] == "sertraline"
    ids = {one.get("id") for one in shown}
    assert {"ddi.maoi-serotonergic", "washout.maoi-serotonergic", "age.antidepressant-young", "load.serotonin"} <= ids
    assert "lithium-toxicity" not in ids
    assert "lithium-toxicity" in told("show", "lithium").stdout


def test_a_pack_does_not_differ_from_itself(tmp_path: Path) -> None:
    assert told("diff", str(folder(tmp_path / "same"))).stdout == "no change\n"


def test_a_difference_names_file_entry_and_field(tmp_path: Path) -> None:
    old = folder(tmp_path / "old")
    new = folder(
        tmp_path / "new",
        interactions=("version: 1\n  severity: contraindicated", "version: 2\n  severity: high"),
        washouts=("days: 14", "days: 21"),
        loads=("id: load.qt", "id: load.qt-sum"),
        changes=("percent: 50", "percent: 40"),
        red_flags=("[suicid, ", "[suicid, overdos, "),
    )
    found = json.loads(told("diff", str(old), str(new), "--json").stdout)
    assert (found["added"], found["removed"]) == (["loads.yaml: load.qt-sum"], ["loads.yaml: load.qt"])
    fields = {(one["file"], one["entry"], one["field"], one["before"], one["after"]) for one in found["changed"]}
    assert ("interactions.yaml", "ddi.maoi-serotonergic", "severity", '"contraindicated"', '"high"') in fields
    assert ("washouts.yaml", "washout.maoi-serotonergic", "days", "14", "21") in fields
    assert ("changes.yaml", "change.phq-9.response", "percent", "50", "40") in fields
    assert {one["file"] for one in found["changed"]} == {
        "interactions.yaml", "washouts.yaml", "changes.yaml", "red_flags.yaml",
    }  # fmt: skip
    lines = told("diff", str(old), str(new)).stdout.splitlines()
    assert lines[:2] == ["+ loads.yaml: load.qt-sum", "- loads.yaml: load.qt"]
    assert "~ washouts.yaml: washout.maoi-serotonergic: days: 14 -> 21" in lines


def test_a_pack_of_another_version_is_compared_and_said_not_to_load(tmp_path: Path) -> None:
    old = folder(tmp_path / "old", interactions=("  cause: serotonin\n", ""))
    (old / "mechanisms.yaml").unlink()
    outcome = told("diff", str(old))
    assert outcome.exit_code == 0
    assert '~ interactions.yaml: ddi.maoi-serotonergic: cause:  -> "serotonin"' in outcome.stdout.splitlines()
    assert "+ mechanisms.yaml: serotonin-excess" in outcome.stdout.splitlines()
    assert "the old one does not load with this version: " in outcome.stderr


@pytest.mark.parametrize("text", ["a: [", "a: 1", "- a\n", "- {a: 1, a: 2}"])
def test_a_folder_of_something_else_is_refused_by_its_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "rules.yaml").write_text(text)
    outcome = told("diff", str(tmp_path))
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert "rules.yaml: " in outcome.stderr


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    outcome = told("diff", str(tmp_path))
    assert (outcome.exit_code, outcome.stderr) == (2, "careloop knowledge: there are no data files\n")


def test_entries_of_one_name_are_numbered_and_those_without_one_told_by_what_they_are() -> None:
    old = {"a.yaml": b"- {id: r, version: 1}\n- {unit: mg, factor: 1}\n- {words: [a]}\n"}
    new = {"a.yaml": b"- {id: r, version: 1}\n- {id: r, version: 2}\n- {unit: mg, factor: 2}\n"}
    found = difference(old, new)
    assert (found.added, found.removed) == (("a.yaml: r#2",), ("a.yaml: entry",))
    assert found.changed == (Change(file="a.yaml", entry="mg", field="factor", before="1", after="2"),)


def test_the_pages_hold_every_rule_once_and_count_them() -> None:
    pages = reference(READ)
    for kind, rules in RULES.items():
        page = pages[f"knowledge/{kind}.md"]
        rows = [line for line in page.splitlines() if line.startswith("| `")]
        assert [row.split("`")[1] for row in rows] == [rule.id for rule in rules]
        for rule, row in zip(rules, rows, strict=True):
            assert f"[{rule.basis}]" in row
        assert f"| [{kind}](knowledge/{kind}.md) | {len(rules)} |" in pages["knowledge.md"]
    every = [rule for rules in RULES.values() for rule in rules]
    by = Counter(rule.basis for rule in every)
    assert f"| all | {len(every)} | {' | '.join(str(by[basis]) for basis in Basis)} | 0 |" in pages["knowledge.md"]


def test_the_page_of_the_drugs_has_every_drug_and_that_of_the_classes_every_member() -> None:
    pages = reference(READ)
    for drug in READ.pack.drugs:
        assert f"\n| {drug} |" in pages["knowledge/drugs.md"]
    row = next(line for line in pages["knowledge/classes.md"].splitlines() if line.startswith("| maoi |"))
    assert "phenelzine" in row


def test_no_page_of_a_kind_that_is_gone_lies_about() -> None:
    lying = {f"knowledge/{file.name}" for file in (ROOT / "docs" / "knowledge").iterdir()}
    assert lying == {name for name in generated(ROOT) if name.startswith("knowledge/")}
