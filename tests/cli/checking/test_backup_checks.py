"""`careloop check` of backups: what is old, missing, cut short or open to others is named with what to do."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from careloop.cli.checking import backups as checks
from careloop.cli.checking.findings import Level

NAIVE = '{"taken_at": "2026-03-02T11:00:00", "release": "", "positions": {}, "size": 10, "sha256": ""}'
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "of-yesterday.dump", NOW - timedelta(hours=25))
    return tmp_path


def write(folder: Path, name: str, taken_at: datetime) -> Path:
    dump = folder / name
    dump.write_bytes(b"x" * 10)
    dump.chmod(0o600)
    manifest = {"taken_at": taken_at.isoformat(), "release": "0.1.0", "positions": {}, "size": 10, "sha256": ""}
    (folder / f"{name}.json").write_text(json.dumps(manifest))
    return dump


def wrong(folder: Path, now: datetime = NOW) -> list[tuple[str, str, str]]:
    return [(one.check, one.about, one.fix) for one in checks.look(folder, now) if one.level is not Level.OK]


def test_one_of_yesterday_is_well_and_older_ones_beside_it(folder: Path) -> None:
    write(folder, "older.dump", NOW - timedelta(days=30))
    assert wrong(folder) == []


def test_a_day_and_two_hours_are_too_old(folder: Path) -> None:
    assert wrong(folder, NOW + timedelta(hours=1)) == []
    assert wrong(folder, NOW + timedelta(hours=1, seconds=1)) == [("backup-age", str(folder), checks.MAKE)]


def test_a_folder_without_one_is_named(tmp_path: Path) -> None:
    assert wrong(tmp_path) == [("backup-age", str(tmp_path), checks.MAKE)]
    assert wrong(tmp_path / "nowhere") == [("backup-age", str(tmp_path / "nowhere"), checks.MAKE)]


def test_one_that_is_cut_short_or_gone_is_named(folder: Path) -> None:
    dump = folder / "of-yesterday.dump"
    dump.write_bytes(b"x" * 9)
    assert wrong(folder) == [("backup-whole", dump.name, checks.MAKE)]
    dump.unlink()
    assert wrong(folder) == [("backup-whole", dump.name, checks.MAKE)]


@pytest.mark.parametrize("text", ["", "{}", '{"taken_at": "yesterday"}', "[]", NAIVE])
def test_a_manifest_that_says_nothing_is_named_and_counts_for_none(folder: Path, text: str) -> None:
    (folder / "of-yesterday.dump.json").write_text(text)
    assert {check for check, _about, _fix in wrong(folder)} == {"backup-age", "backup-whole"}


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_one_that_others_may_read_is_named(folder: Path, mode: int) -> None:
    (folder / "of-yesterday.dump").chmod(mode)
    assert wrong(folder) == [("backup-readable", "of-yesterday.dump", "chmod 600 of-yesterday.dump")]


def test_where_nobody_said_where_they_lie_it_is_unknown() -> None:
    assert checks.nowhere_known().level is Level.UNKNOWN
