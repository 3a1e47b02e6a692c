"""`careloop support-bundle`: an archive that may be sent."""

import json
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from careloop.cli.commands.support_bundle import recent_lines
from careloop.cli.main import app

NOW = datetime.now(UTC)
CANARY = "Jane Canary"
NAMES = {"about.json", "check.json", "metrics/monitoring.txt", "logs/monitoring.jsonl"}


def line(ago: timedelta, **fields: object) -> str:
    moment = (NOW - ago).isoformat().replace("+00:00", "Z")
    return json.dumps({"event": "call", "timestamp": moment, "service": "monitoring", **fields}) + "\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("CARELOOP_POSTGRES_URL", "CARELOOP_KAFKA_BOOTSTRAP"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "state"
    (folder / "logs").mkdir(parents=True)
    return folder


def test_only_listed_fields_of_the_last_hours_lines_are_taken(home: Path) -> None:
    log = home / "logs" / "monitoring.log"
    lines = [
        line(timedelta(hours=2), code="OLD"),
        line(timedelta(minutes=5), code="OK", patient=CANARY),
        f"Traceback (most recent call last): {CANARY}\n",
        json.dumps([CANARY]) + "\n",
        line(timedelta(minutes=1), event=f"{CANARY} called"),
    ]
    log.write_text("".join(lines))
    taken = [json.loads(one) for one in recent_lines(log, NOW - timedelta(hours=1))]
    assert [(one["event"], one.get("code")) for one in taken] == [("call", "OK"), ("withheld", None)]
    assert CANARY not in repr(taken)


def test_an_archive_holds_checks_figures_and_logs_and_is_not_written_over(home: Path, tmp_path: Path) -> None:
    (home / "logs" / "monitoring.log").write_text(line(timedelta(minutes=1), code="OK", patient=CANARY))
    (home / "addresses.json").write_text(json.dumps({"metrics": {"monitoring": "http://127.0.0.1:1/metrics"}}))
    file = tmp_path / "bundle.tar.gz"
    made = CliRunner().invoke(app, ["support-bundle", str(file), "--home", str(home)])
    assert made.exit_code == 0, made.output
    with tarfile.open(file) as archive:
        archive.extractall(tmp_path, filter="data")
    found = {name: (tmp_path / "careloop-support" / name).read_text() for name in NAMES}
    assert json.loads(found["check.json"])["form"] == 1
    assert "no answer" in found["metrics/monitoring.txt"]
    assert '"code": "OK"' in found["logs/monitoring.jsonl"]
    assert CANARY not in repr(found)
    assert CliRunner().invoke(app, ["support-bundle", str(file), "--home", str(home)]).exit_code == 2
