"""An operator's file moves the end of a legal rule, and nothing else."""

from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from careloop.cli.main import app
from careloop.knowledge.findings import Check
from careloop.knowledge.pack.pack import Pack, PackInvalid, load, read_data
from careloop.knowledge.pack.shapes.supply import TelehealthRule
from careloop.knowledge.screening.screen import screen
from tests.support.knowledge import KNOWN, alerts, order

MOVED = """
- {rule: telehealth.flexibilities, effective_to: 2027-06-30, citation: "91 FR 12345", set_by: J. Doe}
"""
AT_A_DISTANCE = "controlled.telehealth"


def pack_with(file: str) -> Pack:
    return load({**read_data(), "legal-dates.yaml": file.encode()})


def refused(pack: Pack, day: date) -> bool:
    found = screen(KNOWN, order("alprazolam", 1, starts_on=day), day, pack)
    return AT_A_DISTANCE in {one.rule for one in alerts(found, Check.CONTROLLED_SUBSTANCE)}


def test_a_moved_end_holds_and_what_follows_begins_on_the_next_day() -> None:
    usual, moved = load(read_data()), pack_with(MOVED)
    days = (date(2026, 12, 31), date(2027, 1, 1), date(2027, 6, 30), date(2027, 7, 1))
    assert [refused(usual, day) for day in days] == [False, True, True, True]
    assert [refused(moved, day) for day in days] == [False, False, False, True]


def test_a_rule_may_have_no_end_any_more() -> None:
    pack = pack_with(MOVED.replace("2027-06-30", "null"))
    assert not refused(pack, date(2040, 1, 1))


def test_the_digest_covers_the_file_and_the_rule_says_who_moved_it() -> None:
    moved = pack_with(MOVED)
    assert moved.digest != load(read_data()).digest
    (rule,) = [one for one in moved.entries(TelehealthRule) if one.id == "telehealth.flexibilities"]
    assert rule.source.endswith("its end moved by J. Doe: 91 FR 12345")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("telehealth.flexibilities", "interaction.maoi", "interaction.maoi: the legal rules are "),
        ("2027-06-30", "1999-01-01", "1999-01-01 is before its first day, 2020-03-31"),
        ('"91 FR 12345"', '" "', "say in citation and set_by"),
        ("J. Doe", '""', "say in citation and set_by"),
        (MOVED, MOVED + MOVED, "telehealth.flexibilities is named twice"),
        ("set_by", "who", "unknown field"),
    ],
)
def test_a_file_that_says_something_else_is_refused(old: str, new: str, says: str) -> None:
    with pytest.raises(PackInvalid, match=r"^legal-dates.yaml: ") as fault:
        pack_with(MOVED.replace(old, new))
    assert says in str(fault.value)


def test_the_file_is_named_by_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "dates.yaml"
    monkeypatch.setenv("CARELOOP_LEGAL_DATES_FILE", str(file))
    with pytest.raises(PackInvalid, match="CARELOOP_LEGAL_DATES_FILE: the file cannot be read: No such file"):
        read_data()
    file.write_text(MOVED)
    assert not refused(load(read_data()), date(2027, 6, 30))
    shown = CliRunner().invoke(app, ["knowledge", "show", "telehealth.flexibilities"])
    assert "2027-06-30" in shown.stdout
